"""The ingester as a process: SQS in, rows out, nothing lost and nothing twice."""

from __future__ import annotations

import contextlib
import itertools
import time
from collections.abc import Callable

import psycopg
import pytest

from process.watchdog import EXIT_CODE as HANGS
from tests.acceptance.conftest import Sqs
from tests.factories import any_offer_changed, body
from tests.processes import INGEST, CuttableProxy, HoldingProxy, Process, unused_port, wait_for
from worker.ingest.sqs import Queue

pytestmark = pytest.mark.acceptance

Start = Callable[..., Process]


numbers = itertools.count(1)


def messages(count: int) -> list[str]:
    """Each of a product of its own, so that each brings a job."""
    asins = (f"B0{number:08d}" for number in itertools.islice(numbers, count))
    return [body(any_offer_changed(asin=asin)).decode() for asin in asins]


def stored(conn: psycopg.Connection) -> int:
    return conn.execute("SELECT count(*) FROM worker_notifications").fetchone()[0]


def counts(conn: psycopg.Connection) -> tuple[int, int, int]:
    """(notifications, bodies, jobs)"""
    return tuple(
        conn.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
        for table in ("worker_notifications", "notification_bodies", "procrastinate_jobs")
    )


def through(proxy: HoldingProxy, sqs: Sqs) -> dict[str, str]:
    """Settings that lead to the emulator through the proxy."""
    url = sqs.queue.url.replace(sqs.endpoint, proxy.url)
    return {**sqs.env(), "SQS_ENDPOINT_URL": proxy.url, "SQS_QUEUE_URL": url}


def wait_for_heartbeat(conn: psycopg.Connection) -> None:
    wait_for(
        lambda: conn.execute("SELECT 1 FROM worker_heartbeats").fetchone(), "the first heartbeat"
    )


@pytest.fixture
def whose_delete_is_not_answered(
    sqs: Sqs, start: Start, database_url: str, holding_proxy: HoldingProxy
) -> Process:
    """One that was sent ten messages, and is where it deletes what it committed."""
    sqs.queue.send(messages(10))
    holding_proxy.hold("DeleteMessageBatch")
    env = {**through(holding_proxy, sqs), "VISIBILITY_TIMEOUT": "10"}
    process = start(INGEST, "first", DATABASE_URL=database_url, **env)
    assert holding_proxy.held.wait(30), process.output()
    return process


def test_messages_become_rows_and_jobs_and_leave_the_queue(
    sqs: Sqs, start: Start, conn: psycopg.Connection, database_url: str
) -> None:
    sqs.queue.send([*messages(25), "no json at all"])

    start(INGEST, "ingest", DATABASE_URL=database_url, **sqs.env())

    wait_for(lambda: stored(conn) == 25, "25 notifications stored")
    wait_for(lambda: sqs.depth() == (0, 0), "an empty queue")
    assert counts(conn) == (25, 25, 25)
    failure = conn.execute("SELECT error_type, raw_body FROM worker_failures").fetchall()
    assert failure == [("malformed-json", b"no json at all")]


def test_a_kill_between_commit_and_delete_loses_nothing_and_doubles_nothing(
    sqs: Sqs,
    start: Start,
    conn: psycopg.Connection,
    database_url: str,
    whose_delete_is_not_answered: Process,
) -> None:
    assert stored(conn) > 0, "the delete came before the commit"
    whose_delete_is_not_answered.kill()
    assert sum(sqs.depth()) == 10, "nothing was deleted"

    start(INGEST, "second", DATABASE_URL=database_url, **sqs.env())
    wait_for(lambda: sqs.depth() == (0, 0), "the redelivered messages deleted", timeout_s=60)
    assert counts(conn) == (10, 10, 10)


def test_an_ingester_whose_t1_is_never_answered_ends_itself_and_loses_nothing(
    sqs: Sqs,
    start: Start,
    conn: psycopg.Connection,
    database_url: str,
    cuttable: CuttableProxy,
) -> None:
    env = sqs.env(VISIBILITY_TIMEOUT="10")
    sqs.queue.send(messages(1))
    first = start(INGEST, "first", DATABASE_URL=cuttable.database_url, HANG_SECONDS="10", **env)
    wait_for(lambda: stored(conn) == 1, f"a first T1: {first.output()}")

    cuttable.freeze("buybox ingest")
    sqs.queue.send(messages(5))

    assert first.wait(60) == HANGS
    assert '"what": "T1"' in first.output()
    start(INGEST, "second", DATABASE_URL=database_url, **env)
    wait_for(lambda: stored(conn) == 6, "all of them after the visibility timeout", timeout_s=60)


def test_a_kill_before_the_commit_loses_nothing(
    sqs: Sqs,
    start: Start,
    conn: psycopg.Connection,
    open_connection: Callable[..., psycopg.Connection],
    database_url: str,
) -> None:
    sqs.queue.send(messages(10))
    blocker = open_connection()
    blocker.execute("LOCK TABLE notification_bodies IN ACCESS EXCLUSIVE MODE")

    first = start(INGEST, "first", DATABASE_URL=database_url, **sqs.env(VISIBILITY_TIMEOUT="10"))
    wait_for(
        lambda: conn.execute(
            "SELECT 1 FROM pg_stat_activity WHERE application_name = 'buybox ingest' "
            "AND wait_event_type = 'Lock' AND datname = current_database()"
        ).fetchone(),
        "T1 waiting in the middle",
    )
    first.kill()
    blocker.rollback()
    assert stored(conn) == 0

    start(INGEST, "second", DATABASE_URL=database_url, **sqs.env())
    wait_for(lambda: stored(conn) == 10, "all ten after the visibility timeout", timeout_s=60)
    wait_for(lambda: sqs.depth() == (0, 0), "an empty queue")


def test_two_ingesters_on_one_queue_store_each_message_once(
    sqs: Sqs, start: Start, conn: psycopg.Connection, database_url: str
) -> None:
    sent = messages(40)
    sqs.queue.send(sent)
    sqs.queue.send(sent)  # the same bodies again, under other message ids

    for name in ("one", "two"):
        start(INGEST, name, DATABASE_URL=database_url, **sqs.env(WORKER_ID=name))

    wait_for(lambda: sqs.depth() == (0, 0), "an empty queue", timeout_s=60)
    assert counts(conn) == (40, 40, 40)


def test_sigterm_ends_it_within_ten_seconds_although_it_polls_for_twenty(
    sqs: Sqs, start: Start, conn: psycopg.Connection, database_url: str
) -> None:
    process = start(INGEST, "ingest", DATABASE_URL=database_url, **sqs.env(WORKER_ID="me"))
    process.says("ingester_started")
    wait_for_heartbeat(conn)

    asked_at = time.monotonic()
    assert process.terminate() == 0
    assert time.monotonic() - asked_at < 10
    row = conn.execute("SELECT worker_id, state FROM worker_heartbeats").fetchone()
    assert row == ("me", "stopped")


def test_sigterm_ends_it_although_sqs_answers_no_delete(
    conn: psycopg.Connection, whose_delete_is_not_answered: Process
) -> None:
    """A platform waits half a minute; what was not deleted comes again and is a repeat."""
    assert whose_delete_is_not_answered.terminate(timeout_s=20) == 0
    assert stored(conn) == 10
    assert conn.execute("SELECT state FROM worker_heartbeats").fetchone() == ("stopped",)


def test_sigterm_ends_it_although_sqs_takes_nothing_back(
    sqs: Sqs,
    start: Start,
    cuttable: CuttableProxy,
    conn: psycopg.Connection,
    holding_proxy: HoldingProxy,
) -> None:
    holding_proxy.hold("ChangeMessageVisibilityBatch")
    env = {**through(holding_proxy, sqs), "RECEIVERS": "1"}
    process = start(INGEST, "ingest", DATABASE_URL=cuttable.database_url, **env)
    wait_for_heartbeat(conn)
    cuttable.cut()
    sqs.queue.send(messages(30))
    process.says("database_away")
    wait_for(lambda: sqs.depth()[1] > 10, "some in its hands and some in its buffer")

    assert process.terminate(timeout_s=20) == 0
    assert holding_proxy.held.is_set()


def test_what_it_cannot_file_when_told_to_stop_is_given_back_at_once(
    sqs: Sqs, start: Start, cuttable: CuttableProxy, conn: psycopg.Connection
) -> None:
    process = start(INGEST, "ingest", DATABASE_URL=cuttable.database_url, **sqs.env())
    wait_for_heartbeat(conn)
    cuttable.cut()
    sqs.queue.send(messages(5))
    process.says("database_away")
    wait_for(lambda: sqs.depth() == (0, 5), "the messages in its hands")

    assert process.terminate() == 0

    assert sqs.depth() == (5, 0), "visible for others without waiting for the visibility timeout"


def test_while_the_database_is_away_it_stops_receiving_and_resumes_by_itself(
    sqs: Sqs,
    start: Start,
    cuttable: CuttableProxy,
    conn: psycopg.Connection,
    holding_proxy: HoldingProxy,
) -> None:
    env = {**through(holding_proxy, sqs), "RECEIVERS": "1"}
    process = start(INGEST, "ingest", DATABASE_URL=cuttable.database_url, **env)
    wait_for_heartbeat(conn)
    cuttable.cut()
    sqs.queue.send(messages(5))
    process.says("database_away")
    polls, tries = holding_proxy.seen.count("ReceiveMessage"), cuttable.refused
    sqs.queue.send(messages(30))

    wait_for(lambda: cuttable.refused >= tries + 3, "three more tries at the database")
    assert holding_proxy.seen.count("ReceiveMessage") <= polls + 1, "it went on receiving"

    cuttable.mend()
    wait_for(lambda: stored(conn) == 35, "everything stored after the cut", timeout_s=60)
    wait_for(lambda: sqs.depth() == (0, 0), "an empty queue")
    assert "database_back" in process.output()


def test_a_backlog_that_is_too_old_shuts_the_gate_and_its_end_opens_it(
    sqs: Sqs, start: Start, conn: psycopg.Connection, database_url: str
) -> None:
    env = sqs.env(MAX_BACKLOG_AGE_SECONDS="60", WORKER_ID="me")
    sqs.queue.send(messages(1))
    start(INGEST, "first", DATABASE_URL=database_url, **env)
    wait_for(lambda: stored(conn) == 1, "one waiting message")
    conn.execute("UPDATE worker_notifications SET received_at = received_at - interval '1 hour'")
    wait_for(
        lambda: conn.execute(
            "SELECT 1 FROM worker_heartbeats WHERE state = 'gated' "
            "AND details -> 'shut_because' ? 'backlog'"
        ).fetchone(),
        "the gate shut because of the backlog",
    )

    conn.execute("UPDATE worker_notifications SET status = 'ignored'")
    wait_for(
        lambda: conn.execute("SELECT 1 FROM worker_heartbeats WHERE state = 'running'").fetchone(),
        "the gate open again",
    )
    sqs.queue.send(messages(1))
    wait_for(lambda: stored(conn) == 2, "the next message")


def test_the_urgent_queue_goes_first_and_the_slow_one_does_not_starve(
    sqs: Sqs,
    new_queue: Callable[..., Queue],
    start: Start,
    conn: psycopg.Connection,
    database_url: str,
) -> None:
    high, low = new_queue("high"), new_queue("low")
    for queue in (low, sqs.queue, high):
        queue.send(messages(10))

    start(
        INGEST,
        "ingest",
        DATABASE_URL=database_url,
        **sqs.env(SQS_HIGH_PRIORITY_QUEUE_URL=high.url, SQS_LOW_PRIORITY_QUEUE_URL=low.url),
    )
    wait_for(lambda: stored(conn) == 30, "all three queues emptied")

    order = conn.execute(
        """
        SELECT n.source FROM procrastinate_jobs AS j
        JOIN worker_notifications AS n ON n.id = (j.args ->> 'notification')::bigint
        ORDER BY j.priority DESC, j.id
        """
    ).fetchall()
    assert [source for (source,) in order] == ["sqs-high"] * 10 + ["sqs"] * 10 + ["sqs-low"] * 10


def test_a_queue_that_cannot_be_reached_is_asked_again_until_it_can(
    sqs: Sqs, start: Start, conn: psycopg.Connection, database_url: str
) -> None:
    port = unused_port()
    env = {**sqs.env(), "SQS_ENDPOINT_URL": f"http://127.0.0.1:{port}"}
    env["SQS_QUEUE_URL"] = sqs.queue.url.replace(sqs.endpoint, env["SQS_ENDPOINT_URL"])
    sqs.queue.send(messages(3))
    process = start(INGEST, "ingest", DATABASE_URL=database_url, **env)
    process.says("receive_failed")

    with contextlib.closing(HoldingProxy(sqs.endpoint, port=port)):
        wait_for(lambda: stored(conn) == 3, "the messages once the queue is back")


def test_without_settings_it_says_in_one_sentence_what_is_missing(start: Start) -> None:
    process = start(INGEST, "ingest")
    assert process.wait(20) == 1
    assert process.output().strip().startswith("buybox: SQS_QUEUE_URL is not set")
    assert "Traceback" not in process.output()
