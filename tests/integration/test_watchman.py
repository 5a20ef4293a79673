"""The ingester's watchman: its heart beats and its gate is judged whatever SQS does."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from botocore.exceptions import EndpointConnectionError

from tests.interleave import Background, column, deliver, letter, until
from worker.ingest import service, watchman
from worker.ingest.gate import Gate
from worker.ingest.service import Ingester
from worker.ingest.sqs import Queue, QueueAttributes, QueueError, connect_sqs
from worker.ingest.tally import Tally
from worker.ingest.watchman import Watchman
from worker.settings import Settings


class QueueThatLooks:
    """A queue that, when it is asked, writes down what operators see by then, and is not there."""

    source = "sqs"

    def __init__(self, conn) -> None:
        self.conn, self.seen = conn, []

    def attributes(self):
        self.seen += column(self.conn, "SELECT state FROM ops.worker_health")
        raise EndpointConnectionError(endpoint_url="nowhere")


@pytest.fixture
def silent(database_url) -> Iterator[Settings]:
    """Settings of an SQS that lets one connect, and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
        yield Settings(
            database_url=database_url,
            sqs_endpoint_url=url,
            aws_region="eu-west-1",
            sqs_queue_url=f"{url}/1/main",
            dlq_url=f"{url}/1/dead",
        )


def test_backlog_and_heart_do_not_wait_for_sqs(conn, database_url):
    deliver(conn, letter())
    queue, gate = QueueThatLooks(conn), Gate()
    watching = Watchman(
        Settings(database_url=database_url, max_backlog_age_seconds=60),
        gate,
        Tally(),
        queues=[queue],
        dead_letters=None,
        clock=lambda: datetime.now(UTC) + timedelta(hours=1),
    )
    watching.look()
    watching.farewell()
    assert queue.seen == ["gated"]
    assert list(gate.reasons) == ["backlog"]


class Counter:
    """A queue with so many messages, one more each time that it is asked."""

    def __init__(self, source: str) -> None:
        self.source, self.asked = source, 0

    def attributes(self):
        self.asked += 1
        return QueueAttributes(
            "", visible=self.asked, in_flight=7, visibility_timeout_s=30, redrive_policy=None
        )


def test_each_queue_is_asked_again_after_a_while_and_no_sooner(conn, database_url, monkeypatch):
    """And what it said stands in the next heartbeat."""
    queues = [Counter("sqs-high"), Counter("sqs"), Counter("dlq")]
    watching = Watchman(
        Settings(database_url=database_url),
        Gate(),
        Tally(),
        queues=queues[:2],
        dead_letters=queues[2],
        clock=lambda: datetime.now(UTC),
    )
    watching.look()
    watching.look()
    assert [queue.asked for queue in queues] == [1, 1, 1]
    monkeypatch.setattr(watchman, "ASK_SQS_EVERY_S", 0.0)
    watching.look()
    watching.farewell()
    assert [queue.asked for queue in queues] == [2, 2, 2]
    (told,) = column(conn, "SELECT details -> 'queues' FROM worker_heartbeats")
    depth = {"visible": 2, "in_flight": 7}
    assert told == {"sqs-high": depth, "sqs": depth, "dlq": depth}


@pytest.fixture
def look(conn, database_url) -> Iterator[Callable[[float], list[str]]]:
    """A look when the one waiting message is so many seconds old: why the gate is shut then."""
    deliver(conn, letter())
    (received_at,) = column(conn, "SELECT received_at FROM worker_notifications")
    now, gate = [received_at], Gate()
    gate.shut("database", "as if it had been away")
    settings = Settings(database_url=database_url, max_backlog_age_seconds=60)
    watching = Watchman(settings, gate, Tally(), queues=[], dead_letters=None, clock=lambda: now[0])

    def at_age(seconds: float) -> list[str]:
        now[0] = received_at + timedelta(seconds=seconds)
        watching.look()
        return list(gate.reasons)

    yield at_age
    watching.farewell()


def test_the_gate_shuts_over_the_limit_and_opens_under_half_of_it(look):
    """Else it would flutter at the limit."""
    shut = ["backlog"]
    found = [look(age) for age in (60, 61, 59, 31, 29, 59)]
    assert found == [[], shut, shut, shut, [], []]


def test_the_gate_shuts_while_the_database_is_away():
    gate = Gate()
    away = Settings(database_url="postgresql://nobody@127.0.0.1:1/buybox")
    watching = Watchman(
        away, gate, Tally(), queues=[], dead_letters=None, clock=lambda: datetime.now(UTC)
    )
    watching.look()
    assert list(gate.reasons) == ["database"]


def test_the_gate_opens_when_all_was_analysed(look, conn):
    assert look(61) == ["backlog"]
    conn.execute("DELETE FROM worker_notifications")
    assert look(61) == []


def test_a_heartbeat_keeps_when_its_ingester_started(look, conn):
    look(1)
    started_at, alone = conn.execute(
        "SELECT started_at, started_at = last_seen FROM worker_heartbeats"
    ).fetchone()
    look(9)
    kept, lived = conn.execute(
        "SELECT started_at = %s, last_seen > started_at FROM worker_heartbeats", (started_at,)
    ).fetchone()
    assert (alone, kept, lived) == (True, True, True)


def test_the_heartbeat_says_how_it_stands_and_why_and_that_it_stopped_on_purpose(
    conn, database_url
):
    """`buybox doctor` goes by it: who is lost is a problem, who stopped is none."""
    tally, gate = Tally(), Gate()
    tally.add(received=3)
    settings = Settings(database_url=database_url, worker_id="ingester-1")

    def watch() -> Watchman:
        return Watchman(
            settings, gate, tally, queues=[], dead_letters=None, clock=lambda: datetime.now(UTC)
        )

    def told():
        return conn.execute(
            "SELECT worker_id, role, state, details -> 'shut_because',"
            " details -> 'since_start' -> 'received', started_at = last_seen FROM worker_heartbeats"
        ).fetchone()

    watching = watch()
    watching.look()
    assert told() == ("ingester-1", "ingest", "running", {}, 3, True)
    gate.shut("disk", "is full")
    watching.look()
    assert told() == ("ingester-1", "ingest", "gated", {"disk": "is full"}, 3, False)
    watching.farewell()
    assert told()[2] == "stopped"
    gate.open("disk")
    again = watch()
    again.look()
    assert told() == ("ingester-1", "ingest", "running", {}, 3, True)
    again.farewell()


def test_an_sqs_that_hangs_is_in_the_heartbeat_soon(conn, silent, monkeypatch):
    monkeypatch.setattr(service, "WATCH_TIMEOUT_S", 0.2)
    monkeypatch.setattr(watchman, "LOOK_EVERY_S", 0.1)
    ingester = Ingester(silent, queues=[])
    running = Background(ingester.run)
    try:
        says = "SELECT details -> 'queues' -> 'dlq' ->> 'error' FROM worker_heartbeats"
        until(lambda: any(column(conn, says)), "the heartbeat said it", unless=running.done)
    finally:
        ingester.stop()
        running.result()


def test_all_queues_that_hang_are_asked_within_the_silence_that_counts_as_lost():
    lost_after_s, queues = 30, 4
    assert queues * service.WATCH_TIMEOUT_S + watchman.LOOK_EVERY_S < lost_after_s


def test_a_client_of_one_attempt_asks_once(silent):
    client = connect_sqs(silent, read_timeout_s=0.1, attempts=1)
    attempts = []
    client.meta.events.register("before-send.sqs", lambda **_: attempts.append(1))
    with pytest.raises(QueueError):
        Queue(client, silent.sqs_queue_url, "sqs").attributes()
    assert len(attempts) == 1
