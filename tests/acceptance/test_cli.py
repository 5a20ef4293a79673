"""The commands as people type them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import psutil
import psycopg
import pytest
from typer.testing import CliRunner

from db.operators import VIEWS
from tests.acceptance.conftest import Sqs
from tests.delivery import OUTCOME, add_alert, add_message, add_route, deliveries, dispatch
from tests.factories import any_offer_changed, body
from tests.processes import BUYBOX, ROOT, WORKER, Process, unused_port, wait_for
from worker.analysis.decide import UNREADABLE_ATTEMPTS
from worker.cli.main import app

pytestmark = pytest.mark.acceptance

Start = Callable[..., Process]


def buybox(
    *arguments: str, database_url: str = "", stdin: bytes = b"", **env: str
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    clean = {k: v for k, v in os.environ.items() if k in ("PATH", "HOME", "LANG")}
    done = subprocess.run(
        [*BUYBOX, *arguments],
        cwd=ROOT,
        env={**clean, "COLUMNS": "200", "NO_COLOR": "1", "DATABASE_URL": database_url, **env},
        input=stdin,
        capture_output=True,
        timeout=60,
        check=False,
    )
    return subprocess.CompletedProcess(
        done.args, done.returncode, done.stdout.decode(), done.stderr.decode()
    )


def test_every_sample_goes_through_replay_drain_without_a_crash(
    database_url: str, conn: psycopg.Connection, data_dir: Path
) -> None:
    done = buybox("replay", str(data_dir / "spapi"), "--drain", database_url=database_url)

    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    outcomes = dict(
        conn.execute("SELECT status, count(*) FROM worker_notifications GROUP BY status").fetchall()
    )
    assert outcomes == {"processed": 7, "ignored": 20}
    assert conn.execute("SELECT error_type FROM worker_failures").fetchall() == [
        ("malformed-json",)
    ]


def test_a_replay_run_again_stores_nothing_new(
    database_url: str, conn: psycopg.Connection, data_dir: Path
) -> None:
    for _ in range(2):
        buybox("replay", str(data_dir / "spapi"), "--drain", database_url=database_url)
    assert conn.execute("SELECT count(*) FROM worker_notifications").fetchone() == (27,)
    assert conn.execute("SELECT count(*) FROM competitive_history").fetchone() == (7,)


def test_a_replay_that_analyses_here_leaves_deliveries_to_a_worker(
    database_url: str, conn: psycopg.Connection
) -> None:
    now = datetime.now(UTC)
    add_route(conn)
    add_message(conn, add_alert(conn, at=now), at=now)
    dispatch(conn, now)
    done = buybox(
        "replay", "-", "--drain", database_url=database_url, stdin=body(any_offer_changed())
    )
    assert done.returncode == 0, done.stderr
    assert "analysing here" in done.stderr
    assert "courier" not in done.stderr
    assert deliveries(conn, *OUTCOME) == [("queued", 0, None)]


def test_json_lines_come_in_from_standard_input(
    database_url: str, conn: psycopg.Connection
) -> None:
    lines = b"\n".join(body(any_offer_changed()) for _ in range(250))
    done = buybox("replay", "-", "--drain", database_url=database_url, stdin=lines)
    assert done.returncode == 0, done.stderr
    assert conn.execute(
        "SELECT count(*) FROM worker_notifications WHERE status = 'processed'"
    ).fetchone() == (250,)


def test_a_dry_run_says_what_would_be_and_writes_nothing(
    database_url: str, conn: psycopg.Connection, data_dir: Path
) -> None:
    done = buybox("replay", str(data_dir / "spapi"), "--dry-run", database_url=database_url)
    assert "quarantined (malformed-json)" in done.stdout
    assert "nothing was written" in done.stdout
    assert conn.execute("SELECT count(*) FROM worker_notifications").fetchone() == (0,)


def test_replay_on_an_unmigrated_database_says_what_to_do(
    empty_database_url: str, data_dir: Path
) -> None:
    done = buybox("replay", str(data_dir / "spapi"), database_url=empty_database_url)
    assert done.returncode == 1
    assert "python -m db.migrate" in done.stderr


def test_a_dead_letter_is_listed_shown_and_redriven(
    database_url: str, conn: psycopg.Connection, tmp_path: Path
) -> None:
    """A message that misses its seller is quarantined; with SELLER_ID set, redrive reads it."""
    old_layout = {
        "notificationType": "ANY_OFFER_CHANGED",
        "eventTime": "2026-01-01T00:00:00Z",
        "payload": {
            "marketplaceId": "A1F83G8C2ARO7P",
            "anyOfferChangedNotification": {
                "offerChangeSummary": {
                    "asin": "B000000001",
                    "offers": [
                        {
                            "sellerId": "ME",
                            "listingPrice": {"amount": 9.99, "currencyCode": "GBP"},
                            "isBuyBoxWinner": True,
                        }
                    ],
                }
            },
        },
    }
    file = tmp_path / "old.json"
    file.write_text(json.dumps(old_layout))
    buybox("replay", str(file), database_url=database_url)
    failure_id = str(conn.execute("SELECT id FROM worker_failures").fetchone()[0])

    listed = buybox("failures", "list", database_url=database_url)
    assert "missing-field" in listed.stdout
    assert "SELLER_ID" in listed.stdout
    shown = buybox("failures", "show", failure_id, database_url=database_url)
    assert '"asin": "B000000001"' in shown.stdout

    again = buybox("failures", "redrive", failure_id, database_url=database_url)
    assert again.returncode == 1
    assert "failed again" in again.stdout
    assert conn.execute("SELECT failure_count FROM worker_failures").fetchone() == (2,)

    rehearsed = buybox(
        "failures", "redrive", "--type", "missing-field", "--dry-run", database_url=database_url
    )
    assert f"would redrive 1: {failure_id}" in rehearsed.stdout

    driven = buybox(
        "failures", "redrive", "--type", "missing-field", database_url=database_url, SELLER_ID="ME"
    )
    assert driven.returncode == 0, driven.stdout
    assert conn.execute("SELECT resolution FROM worker_failures").fetchone() == ("redriven",)
    assert conn.execute("SELECT status, seller_id FROM worker_notifications").fetchone() == (
        "waiting",
        "ME",
    )
    assert "no open failures" in buybox("failures", "list", database_url=database_url).stdout


def test_redrive_of_an_analysis_failure_lets_it_be_analysed_again(
    database_url: str, conn: psycopg.Connection
) -> None:
    buybox("replay", "-", database_url=database_url, stdin=body(any_offer_changed()))
    conn.execute('UPDATE notification_bodies SET facts = \'{"kind": "nonsense"}\'')
    conn.execute("UPDATE worker_notifications SET attempts = %s", (UNREADABLE_ATTEMPTS - 1,))
    buybox("replay", "-", "--drain", database_url=database_url, stdin=body(any_offer_changed()))
    failure = conn.execute("SELECT id, stage FROM worker_failures").fetchone()
    assert failure is not None
    assert failure[1] == "analysis"

    conn.execute(
        "UPDATE notification_bodies AS b SET facts = good.facts "
        "FROM notification_bodies AS good WHERE good.facts ->> 'kind' = 'market'"
    )
    driven = buybox("failures", "redrive", str(failure[0]), database_url=database_url)
    assert driven.returncode == 0, driven.stdout
    buybox("replay", "-", "--drain", database_url=database_url, stdin=body(any_offer_changed()))
    assert conn.execute(
        "SELECT count(*) FROM worker_notifications WHERE status = 'processed'"
    ).fetchone() == (3,)


def test_status_shows_every_view(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url)
    run = CliRunner()
    for view in VIEWS:
        done = run.invoke(app, ["status", "--view", view])
        assert done.exit_code == 0, done.output
        assert f"ops.{view}" in done.output
    assert "states: none" in run.invoke(app, ["status"]).output
    wrong = run.invoke(app, ["status", "--view", "nope"])
    assert wrong.exit_code == 2
    assert "worker_health" in wrong.output


@pytest.mark.parametrize(
    ("options", "shown"),
    [(("--json",), '{"bell": "is it on? [/x]"}'), ((), "bell   is it on? [/x]")],
)
def test_listen_shows_a_bell_that_somebody_rang_by_hand_and_goes_on(
    start: Start, database_url: str, conn: psycopg.Connection, options: tuple[str, ...], shown: str
) -> None:
    listener = start((*BUYBOX, "listen", *options), "listen", DATABASE_URL=database_url)
    listener.says("listening on buybox_state")
    conn.execute("NOTIFY buybox_state, 'is it on? [/x]'")
    listener.says(shown)
    conn.execute("NOTIFY buybox_state")
    listener.says('{"bell": ""}' if options else "bell   \n")
    assert listener.alive()


def test_listen_prints_the_bell_and_the_change(
    start: Start, database_url: str, conn: psycopg.Connection
) -> None:
    listener = start(
        (*BUYBOX, "listen", "--json", "--changes", "1"), "listen", DATABASE_URL=database_url
    )
    listener.says("listening on buybox_state")
    start(WORKER, "worker", DATABASE_URL=database_url)

    buybox("replay", "-", database_url=database_url, stdin=body(any_offer_changed()))

    assert listener.wait(30) == 0
    printed = [json.loads(x) for x in listener.output().splitlines() if x.startswith("{")]
    (change,) = [x for x in printed if "product" in x]
    assert (
        change["product"]
        == conn.execute("SELECT marketplace_id || ':' || asin FROM current_state").fetchone()[0]
    )


def test_listen_says_where_to_go_on_when_it_is_ended_while_cut_off(start: Start) -> None:
    nowhere = f"postgresql://nobody@127.0.0.1:{unused_port()}/none"
    listener = start((*BUYBOX, "listen", "--since", "0~1:1:"), "listen", DATABASE_URL=nowhere)
    listener.says("cut off")
    os.kill(listener.pid, signal.SIGINT)
    assert listener.wait(30) == 0
    assert "go on with: buybox listen --since '0~1:1:'" in listener.output()


def test_run_restarts_a_worker_that_exits_and_stops_both_on_sigterm(
    start: Start, sqs: Sqs, database_url: str, conn: psycopg.Connection
) -> None:
    supervisor = start((*BUYBOX, "run"), "run", DATABASE_URL=database_url, **sqs.env())
    supervisor.says("worker_ready")
    children = {
        " ".join(child.cmdline()): child for child in psutil.Process(supervisor.pid).children()
    }
    (worker,) = [child for line, child in children.items() if "procrastinate" in line]

    worker.send_signal(signal.SIGKILL)
    supervisor.says("child_exited")
    wait_for(lambda: supervisor.output().count("worker_ready") == 2, "the worker started again")
    sqs.queue.send([body(any_offer_changed()).decode()])
    wait_for(lambda: conn.execute("SELECT 1 FROM current_state").fetchone(), "a message analysed")

    left = psutil.Process(supervisor.pid).children(recursive=True)
    assert supervisor.terminate(timeout_s=30) == 0
    assert not [child for child in left if child.is_running()]


@pytest.mark.parametrize(
    "command",
    ["", "ingest", "run", "replay", "listen", "status", "doctor", "migrate", "demo", "failures",
     "failures list", "failures show", "failures redrive"],
)  # fmt: skip
def test_every_command_has_help(command: str) -> None:
    done = CliRunner().invoke(app, [*command.split(), "--help"])
    assert done.exit_code == 0
    assert "Usage" in done.output
    assert "Example" in done.output or not command or command == "failures"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("status",), "DATABASE_URL is not set"),
        (("replay", "/no/such/file"), "there is no file or folder /no/such/file"),
        (("failures", "redrive"), "say which"),
        (("run",), "DATABASE_URL is not set"),
    ],
)
def test_a_mistake_is_answered_with_a_sentence(arguments: tuple[str, ...], sentence: str) -> None:
    done = buybox(*arguments)
    assert done.returncode != 0
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr


def test_a_wrong_setting_is_named_with_its_value() -> None:
    done = buybox("status", BATCH_SIZE="11", SEVERITY_POLICY="strict")
    assert "BATCH_SIZE='11'" in done.stderr
    assert "SEVERITY_POLICY='strict'" in done.stderr
