"""Delivery by a real worker: killed while it delivers, told to stop, held up by a receiver."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import psycopg
import pytest

from db.dispatch import defer_dispatch
from tests.acceptance.test_worker import QUICK, ingest, processed
from tests.delivery import KEY, add_alert, add_message, add_route, deliveries
from tests.processes import WORKER, Process, wait_for
from tests.receivers import HANG, SLOW, HttpReceiver

pytestmark = pytest.mark.acceptance

Start = Callable[..., Process]
TABLES = (
    "alerts", "alert_events", "alert_queues", "alert_deliveries", "alert_routes",
    "procrastinate_jobs", "worker_failures",
)  # fmt: skip


@pytest.fixture
def receiver() -> Iterator[HttpReceiver]:
    receiver = HttpReceiver()
    yield receiver
    receiver.close()


@pytest.fixture
def work(start: Start, database_url: str) -> Callable[..., Process]:
    """Starts workers that may deliver to this machine."""

    def begin(name: str, **env: str) -> Process:
        env = {"DELIVERY_TIMEOUT_SECONDS": "60", **QUICK, **env}
        return start(
            WORKER, name, DATABASE_URL=database_url, WORKER_ID=name, SECRET_KEY=KEY,
            ALLOW_PRIVATE_CHANNELS="true", **env,
        )  # fmt: skip

    return begin


def tell(conn: psycopg.Connection, asin: str = "B0ALERTS01") -> None:
    """A critical alert is told, as T2 does it."""
    with conn.transaction():
        now = datetime.now(UTC)
        add_message(conn, add_alert(conn, asin, at=now), at=now)
        defer_dispatch(conn)


def all_text(conn: psycopg.Connection) -> str:
    """Everything the tables of alerts and jobs hold."""
    return "\n".join(
        str(row) for t in TABLES for row in conn.execute(f"SELECT t::text FROM {t} AS t")
    )


def test_a_worker_killed_while_it_delivers_loses_nothing(
    work: Callable[..., Process], conn: psycopg.Connection, receiver: HttpReceiver
) -> None:
    receiver.answers = [HANG, 200]
    add_route(conn, address=receiver.address())
    first = work("first")
    tell(conn)
    receiver.until_posts(1)
    first.kill()
    assert deliveries(conn, "status", "attempts", "taken_by") == [("sending", 1, "first")]

    # Time passes for the row, so that the test need not wait for it.
    conn.execute("UPDATE alert_deliveries SET taken_at = taken_at - interval '1 hour'"
                 " WHERE status = 'sending'")  # fmt: skip
    second = work("second")
    wait_for(
        lambda: deliveries(conn, "status") == ["delivered"],
        f"the successor delivered it: {second.output()[-2000:]}",
    )
    second.says('"deliveries_put_back"')
    one, other = receiver.posts
    assert one.headers["idempotency-key"] == other.headers["idempotency-key"]
    assert deliveries(conn, "attempts", "taken_by") == [(2, "second")]


def test_a_receiver_that_hangs_stops_no_analysis(
    work: Callable[..., Process], conn: psycopg.Connection, receiver: HttpReceiver
) -> None:
    receiver.answers = [HANG]
    for name in ("a", "b", "c", "d", "e"):
        add_route(conn, name, receiver.address(f"/{name}"))
    work("worker", WORKER_CONCURRENCY="1", DELIVERY_THREADS="2")
    tell(conn)
    receiver.until_posts(2)
    ingest(conn, 20)
    wait_for(lambda: processed(conn) == 20, "the analysis went on")
    found = sorted(deliveries(conn, "status"))
    assert found == ["queued"] * 3 + ["sending"] * 2, "all threads of the courier hang meanwhile"


def test_sigterm_lets_what_is_on_its_way_arrive_and_takes_nothing_more(
    work: Callable[..., Process], conn: psycopg.Connection, receiver: HttpReceiver
) -> None:
    receiver.answers = [SLOW]
    add_route(conn, address=receiver.address())
    worker = work("worker")
    tell(conn)
    receiver.until_posts(1)
    tell(conn, "B0ALERTS02")
    wait_for(lambda: len(deliveries(conn, "id")) == 2, "the second waits behind the first")
    worker._popen.send_signal(signal.SIGTERM)
    workers = "SELECT count(*) FROM procrastinate_workers"
    wait_for(lambda: conn.execute(workers).fetchone() == (0,), "the worker has signed off")
    receiver.let_go()
    assert worker.wait(20) == 0
    assert deliveries(conn, "status") == ["delivered", "queued"]


def test_no_secret_of_an_address_is_in_a_log_or_in_the_database(
    work: Callable[..., Process], conn: psycopg.Connection, receiver: HttpReceiver
) -> None:
    receiver.answers = [401, 400, 500, 200]
    secrets = ("hunter2", "pa55path", "t0ken99", "sm7pword")
    path = f"/{secrets[1]}?+X-Token={secrets[2]}"
    for name in ("one", "two", "three", "four"):
        add_route(conn, name, receiver.address(path, user=f"bot:{secrets[0]}@"))
    add_route(conn, "dead", f"json://bot:{secrets[0]}@127.0.0.1:1/{secrets[1]}")
    add_route(conn, "chat", f"ntfys://bot:{secrets[0]}@127.0.0.1/{secrets[1]}")
    add_route(conn, "mail", "mailto:ann@example.com")
    worker = work(
        "worker", LOG_LEVEL="DEBUG", MAIL_FROM="alerts@example.com",
        SMTP_URL=f"smtp://bot:{secrets[3]}@127.0.0.1:1",
    )  # fmt: skip
    tell(conn)
    wait_for(
        lambda: all(n for n in deliveries(conn, "attempts")) and len(deliveries(conn, "id")) == 7
        and "sending" not in deliveries(conn, "status"),
        "each was tried",
    )  # fmt: skip
    worker.says('"delivery_failed"')
    assert worker.terminate(timeout_s=30) == 0
    sent = receiver.posts[0].headers
    assert (sent["x-token"], sent["authorization"][:6]) == (secrets[2], "Basic ")
    kept = worker.output() + all_text(conn)
    assert [secret for secret in secrets if secret in kept] == []
