"""`python -m api` as a process: where it listens, what it says, and the documented clients."""

from __future__ import annotations

import contextlib
import re
import sys
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from db.tokens import create_token
from process.watchdog import EXIT_CODE as HANGS
from tests.dashboard import write_alert, write_state
from tests.processes import unused_port, wait_for

pytestmark = pytest.mark.acceptance

API = (sys.executable, "-m", "api")
DOCUMENT = Path(__file__).parents[2] / "docs" / "dashboard-backend.md"
EXAMPLES = re.findall(r"```python\n(.*?)```", DOCUMENT.read_text("utf-8"), re.DOTALL)


@pytest.fixture
def started(start, database_url):
    """The API, on a port of its own; and where it is."""

    def run(**env):
        port = unused_port()
        process = start(API, "api", DATABASE_URL=database_url, API_PORT=str(port), **env)
        process.says('"listening"')
        url = f"http://127.0.0.1:{port}"
        wait_for(lambda: ready(url), f"ready: {process.output()}")
        return process, url

    return run


def ready(url):
    try:
        return httpx.get(f"{url}/api/health/ready").status_code == 200
    except httpx.HTTPError:
        return False


def test_without_a_token_it_listens_on_loopback_and_says_so(started):
    process, url = started()
    assert "no token was ever made" in process.output()
    assert httpx.get(f"{url}/api/session").json()["name"] == "local"


def test_without_a_token_it_listens_nowhere_else(start, database_url, conn):
    port = str(unused_port())
    open_to_all = {"DATABASE_URL": database_url, "API_HOST": "0.0.0.0", "API_PORT": port}
    process = start(API, "refused", **open_to_all)
    assert process.wait(20) == 1
    assert "Nobody has a token yet" in process.output()
    assert "buybox tokens create" in process.output()
    assert "Traceback" not in process.output()

    token = create_token(conn, name="me", role="viewer", now=datetime.now(UTC))
    start(API, "allowed", **open_to_all).says('"listening"')
    answer = httpx.get(
        f"http://127.0.0.1:{port}/api/session", headers={"Authorization": f"Bearer {token}"}
    )
    assert answer.json()["name"] == "me"


@pytest.mark.parametrize(
    ("env", "sentence"),
    [
        ({}, "DATABASE_URL is not set"),
        ({"DATABASE_URL": "no connection string"}, "DATABASE_URL is no connection string"),
        (
            {"DATABASE_URL": "postgresql://127.0.0.1:1/x", "API_HOST": "0.0.0.0"},
            "cannot be reached",
        ),
        ({"API_PORT": "many"}, "API_PORT='many'"),
    ],
)
def test_what_stops_it_is_said_in_a_sentence(start, env, sentence):
    process = start(API, "api", **env)
    assert process.wait(20) == 1
    assert sentence in process.output()
    assert "Traceback" not in process.output()


def test_a_database_that_is_not_migrated_is_said(start, empty_database_url):
    process = start(API, "api", DATABASE_URL=empty_database_url)
    assert process.wait(20) == 1
    assert "python -m db.migrate" in process.output()


def test_a_port_that_is_taken_is_said(started, start, database_url):
    _, url = started()
    process = start(API, "second", DATABASE_URL=database_url, API_PORT=url.rpartition(":")[2])
    assert process.wait(20) == 1
    assert "Cannot listen on 127.0.0.1:" in process.output()


def test_it_explains_itself(start):
    process = start((*API, "--help"), "help")
    assert process.wait(20) == 0
    assert "--port" in process.output()
    assert "docs/dashboard-backend.md" in process.output()


def test_asked_to_stop_it_says_that_all_is_well(started):
    process, _ = started()
    assert process.terminate() == 0
    assert '"level": "error"' not in process.output()


class TestTheDocumentedClients:
    def test_there_is_one_for_each_way(self):
        by_http, by_notify = EXAMPLES
        assert "Last-Event-ID" in by_http
        assert len(by_http.strip().splitlines()) <= 20
        assert "LISTEN buybox_state" in by_notify

    def test_the_one_over_http_hears_changes_and_comes_back_after_a_restart(
        self, started, start, tmp_path, database_url, conn
    ):
        token = create_token(conn, name="program", role="viewer", now=datetime.now(UTC))
        process, url = started()
        script = tmp_path / "by_http.py"
        script.write_text(EXAMPLES[0].replace("time.sleep(5)", "time.sleep(0.2)"))
        client = start((sys.executable, str(script)), "client", BUYBOX_URL=url, BUYBOX_TOKEN=token)
        wait_for(
            lambda: httpx.get(f"{url}/api/health").json()["clients"] == 1, "the client is there"
        )
        write_state(conn, "B00000000A", severity="critical")
        client.says("state A1F83G8C2ARO7P:B00000000A critical")
        process.kill()
        client.says("cut off")
        write_alert(conn, "B00000000B", severity="high")
        start(API, "again", DATABASE_URL=database_url, API_PORT=url.rpartition(":")[2])
        client.says("alert A1F83G8C2ARO7P:B00000000B high")

    def test_the_one_on_the_bells_hears_changes(self, start, tmp_path, database_url, conn):
        script = tmp_path / "by_notify.py"
        script.write_text(EXAMPLES[1])
        client = start((sys.executable, str(script)), "client", DATABASE_URL=database_url)
        client.says("listening")
        write_state(conn, "B00000000A", severity="critical")
        client.says("A1F83G8C2ARO7P:B00000000A critical 1")


@pytest.mark.parametrize(
    ("connections", "what"), [("buybox api read", "the feed's reader"), ("buybox api", "a request")]
)
def test_a_backend_that_waits_for_a_dead_answer_ends_itself(start, cuttable, connections, what):
    port = str(unused_port())
    process = start(
        API, "api", DATABASE_URL=cuttable.database_url, API_PORT=port, HANG_SECONDS="10"
    )
    url = f"http://127.0.0.1:{port}"
    wait_for(lambda: ready(url), f"a backend that is ready: {process.output()}")
    assert httpx.get(f"{url}/api/state").status_code == 200

    cuttable.freeze(f"{connections}\0")
    with contextlib.suppress(httpx.HTTPError):
        httpx.get(f"{url}/api/state", timeout=30)

    assert process.wait(30) == HANGS
    assert f'"what": "{what}"' in process.output()
