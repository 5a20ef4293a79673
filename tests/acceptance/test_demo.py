"""The demo as people run it: it ends by itself, it is right, and it leaves nothing behind."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import tempfile
import uuid
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

import httpx
import psutil
import psycopg
import pytest

from db import inbox
from db.feed import read_feed
from tests.processes import BUYBOX, wait_for
from worker.analysis.analyse import analyse
from worker.analysis.transaction import Analyst
from worker.demo.bells import HeardChange
from worker.demo.traffic import Traffic
from worker.demo.verdict import Told, Verdict, collect, judge
from worker.ingest.filing import Filed, Filer, file_letters, open_letter
from worker.ingest.notification import Arrival

pytestmark = pytest.mark.acceptance

MARKER = "BUYBOX_DEMO_TEST"


def descendants(marker: str) -> list[psutil.Process]:
    """Every process that a demo started, whoever its parent is by now: the marker is inherited."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get(MARKER) == marker:
                found.append(process)
        except psutil.Error:
            continue
    return found


class Demo:
    """A running demo in a folder of its own."""

    def __init__(self, folder: Path, *arguments: str, **env: str) -> None:
        self.folder = folder
        self.marker = str(folder)
        clean = {k: v for k, v in os.environ.items() if k in ("PATH", "HOME", "LANG", "TMPDIR")}
        self._out = folder / "output"
        with self._out.open("wb") as out:
            self.popen = subprocess.Popen(
                [*BUYBOX, "demo", *arguments],
                cwd=folder,
                env={
                    **clean,
                    MARKER: self.marker,
                    "COLUMNS": "100",
                    "NO_COLOR": "1",
                    # The demo must not go near the queue and the keys of whoever runs it.
                    "SQS_QUEUE_URL": "https://sqs.eu-west-1.amazonaws.com/123456789012/real",
                    "AWS_PROFILE": "of-the-user",
                    "HTTP_PROXY": "http://127.0.0.1:9",
                    **env,
                },
                stdout=out,
                stderr=subprocess.STDOUT,
            )

    @property
    def output(self) -> str:
        return self._out.read_text("utf-8")

    def says(self, text: str) -> None:
        def said() -> bool:
            assert text in self.output or self.popen.poll() is None, self.output
            return text in self.output

        wait_for(said, f"{text!r} in the output", timeout_s=60)

    def leaves_nothing(self) -> None:
        """No process; and no folder, except for logs that somebody has to read."""
        wait_for(lambda: not descendants(self.marker), "the end of every process", timeout_s=15)
        assert not list(self.folder.glob(".buybox/*/postgres"))

    def close(self) -> None:
        if self.popen.poll() is None:
            self.popen.terminate()
        self.popen.wait(60)


@pytest.fixture
def demo() -> Iterator[Callable[..., Demo]]:
    # Not tmp_path: Postgres's socket lies in the folder, and a socket's path has to be short.
    with tempfile.TemporaryDirectory(prefix="bb-") as folder:
        started: list[Demo] = []

        def start(*arguments: str, **env: str) -> Demo:
            started.append(Demo(Path(folder), *arguments, **env))
            return started[-1]

        yield start
        for one in started:
            one.close()


def summary(output: str) -> Mapping[str, str]:
    return dict(re.findall(r"^│ ([\w ]+?) +│ (.*?) +│$", output, re.MULTILINE))


def test_the_demo_ends_in_zero_and_its_sums_are_right(demo: Callable[..., Demo]) -> None:
    one = demo("--messages", "150", "--rate", "60", "--seed", "3", "--exit")

    assert one.popen.wait(120) == 0, one.output

    found = summary(one.output)
    sent, stored, repeats, quarantined = (
        int(found[name]) for name in ("sent", "stored", "repeats", "quarantined")
    )
    assert sent == 150 == stored + repeats + quarantined
    assert min(repeats, quarantined, int(found["ignored"])) > 0
    assert int(found["processed"]) + int(found["ignored"]) == stored
    assert found["waiting"] == found["swept_products"] == found["log warnings"] == "0"
    assert found["states"].endswith(" 0 differences")
    assert not found["states"].startswith("0 ")
    assert re.fullmatch(r"[\d,]+ ms", found["latency median"])
    assert re.search(r"\d+ raised.*\d+ cleared", found["alerts"])
    assert "everything adds up" in one.output
    assert "Traceback" not in one.output
    one.leaves_nothing()
    assert not (one.folder / ".buybox").exists()


def test_ctrl_c_stops_sending_drains_and_verifies(
    demo: Callable[..., Demo], database_url: str, conn: psycopg.Connection
) -> None:
    one = demo("--messages", "20", "--rate", "40", DATABASE_URL=database_url)
    one.says("sending until Ctrl-C")
    since = datetime(1970, 1, 1, tzinfo=UTC)
    # A batch has twenty: it has begun another, a market of its own.
    wait_for(lambda: inbox.count_outcomes(conn, since=since).stored > 20, "the next batch")

    one.popen.send_signal(signal.SIGINT)

    assert one.popen.wait(60) == 0, one.output
    assert int(summary(one.output)["sent"]) > 20
    assert "everything adds up" in one.output
    one.leaves_nothing()


def test_a_demo_that_is_cut_short_does_not_claim_success(
    demo: Callable[..., Demo], database_url: str
) -> None:
    one = demo("--messages", "5000", "--exit", DATABASE_URL=database_url)
    one.says("  sending: ")
    (address,) = re.findall(r"the dashboard is at (\S+)", one.output)
    assert "<title>buybox" in httpx.get(address).text

    one.popen.send_signal(signal.SIGINT)

    assert one.popen.wait(60) == 1, one.output
    assert "of 5000 messages" in one.output
    one.leaves_nothing()


@pytest.mark.parametrize("moment", ["starting Postgres", "  sending: "])
def test_sigterm_ends_it_at_any_time_and_leaves_nothing(
    demo: Callable[..., Demo], moment: str
) -> None:
    one = demo("--messages", "500", "--exit")
    one.says(moment)

    one.popen.terminate()

    assert one.popen.wait(60) == 128 + signal.SIGTERM, one.output
    assert "Traceback" not in one.output
    one.leaves_nothing()


@pytest.mark.parametrize("victim", ["worker.ingest", "procrastinate"])
def test_a_process_that_dies_ends_the_demo_with_its_log(
    demo: Callable[..., Demo], victim: str, database_url: str
) -> None:
    one = demo("--messages", "500", "--exit", DATABASE_URL=database_url)
    one.says("  sending: ")
    found = next(p for p in descendants(one.marker) if victim in p.cmdline())

    found.kill()

    assert one.popen.wait(60) == 1, one.output
    assert "has ended with code -9; its log" in one.output
    (logs,) = one.folder.glob(".buybox/demo-*")
    assert {path.suffix for path in logs.iterdir()} == {".log"}
    one.leaves_nothing()


def test_a_database_with_notifications_is_left_alone_unless_told_otherwise(
    demo: Callable[..., Demo], database_url: str, conn: psycopg.Connection
) -> None:
    arguments = ("--messages", "30", "--rate", "60", "--exit")
    first = demo(*arguments, DATABASE_URL=database_url)
    assert first.popen.wait(60) == 0, first.output
    before = conn.execute("SELECT count(*) FROM worker_notifications").fetchone()

    refused = demo(*arguments, DATABASE_URL=database_url)
    assert refused.popen.wait(60) == 1
    assert f"already has {before[0]} notifications" in refused.output
    assert conn.execute("SELECT count(*) FROM worker_notifications").fetchone() == before

    again = demo(*arguments, "--reuse", DATABASE_URL=database_url)
    assert again.popen.wait(60) == 0, again.output
    assert conn.execute("SELECT count(*) FROM worker_notifications").fetchone() > before
    again.leaves_nothing()


class Small:
    """A demo without processes: its traffic through the door and the analysis, in this one."""

    def __init__(self, conn: psycopg.Connection) -> None:
        self.conn = conn
        self.since = datetime.now(UTC)
        self.traffic = Traffic(3, 150, self.since)
        self.filed = Filed()
        for sent in self.traffic:
            arrival = Arrival(body=sent.body, message_id=str(uuid.uuid4()), source="sqs")
            now = datetime.now(UTC)
            self.filed += file_letters(
                conn, [open_letter(arrival, now=now)], Filer("test", {}), now=now
            )
        products = [key for (key,) in conn.execute("SELECT product_key FROM worker_notifications")]
        for product in sorted({key for key in products if key}):
            analyse(conn, [product], Analyst("test"))

    def verdict(self, *, in_sqs: int = 0) -> Verdict:
        """What the demo would say now; every change that is there has been heard of."""
        rows = read_feed(self.conn, None).rows
        found = collect(
            self.conn,
            since=self.since,
            repeats=self.filed.repeats,
            in_sqs=in_sqs,
            heard=[HeardChange(row.product_key, datetime.now(UTC)) for row in rows],
        )
        return judge(Told.by([self.traffic.truth]), found, duration_s=1.0)


@pytest.fixture
def small(conn: psycopg.Connection) -> Small:
    return Small(conn)


def test_the_verdict_acquits_what_is_right(small: Small) -> None:
    verdict = small.verdict()
    assert (verdict.problems, verdict.exit_code) == ([], 0)


STATE = "(SELECT min(ctid) FROM current_state WHERE audience = 'consumer' AND your_price > 0)"
DAMAGES = {
    f"UPDATE current_state SET your_price = your_price + 0.01 WHERE ctid = {STATE}": "your_price expected",
    f"UPDATE current_state SET buy_box_winner = NOT buy_box_winner WHERE ctid = {STATE}": "buy_box_winner expected",
    f"DELETE FROM current_state WHERE ctid = {STATE}": "missing state",
    f"UPDATE current_state SET asin = 'B0NOTSENT0' WHERE ctid = {STATE}": "unexpected state",
    "DELETE FROM worker_failures WHERE id = (SELECT min(id) FROM worker_failures)": "quarantined: must be",
    "DELETE FROM worker_notifications WHERE id = (SELECT min(id) FROM worker_notifications)": "stored: must be",
    "UPDATE worker_notifications SET status = 'waiting', processed_at = NULL, outcome = NULL "
    "WHERE id = (SELECT min(id) FROM worker_notifications WHERE status = 'processed')": "waiting in the database: must be 0, is 1",
    "INSERT INTO worker_counters (name, value, updated_at) VALUES ('swept_products', 1, now())": "swept_products: must be 0, is 1",
}


@pytest.mark.parametrize(("damage", "problem"), DAMAGES.items(), ids=DAMAGES.values())
def test_the_verdict_convicts_what_is_wrong(small: Small, damage: str, problem: str) -> None:
    assert small.conn.execute(damage).rowcount == 1

    verdict = small.verdict()

    assert verdict.exit_code == 1
    assert any(problem in line for line in verdict.problems), verdict.problems


def test_the_verdict_convicts_what_is_left_in_sqs_and_what_nobody_heard_of(small: Small) -> None:
    assert small.verdict(in_sqs=1).problems == ["waiting in SQS: must be 0, is 1"]
    small.filed += Filed(repeats=1)
    assert small.verdict().exit_code == 1
