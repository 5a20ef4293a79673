"""What the dashboard's header counts: of whom it hears, of which queues, of which minute."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from psycopg.types.json import Jsonb

from db.dashboard import read_worker_status
from tests.alert_rows import insert
from tests.true_rows import put

SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)


@pytest.fixture
def now():
    """Not that of the import: who is lost is judged by the database's clock, when the test runs."""
    return datetime.now(UTC)


def beats(conn, now, name, *, ago=SECOND, state="working", queues=None):
    """An ingester that saw so many messages visible in these queues."""
    seen = {queue: {} if n is None else {"visible": n} for queue, n in (queues or {}).items()}
    insert(
        conn, "worker_heartbeats", worker_id=name, role="ingest", started_at=now - MINUTE,
        last_seen=now - ago, state=state, details=Jsonb({"queues": seen}),
    )  # fmt: skip


def processed(conn, now, n, *, ago, ms, received=5 * SECOND):
    """A notification that was received before it was processed."""
    put(
        conn, "worker_notifications", message_id=f"done-{n}", notification_id=f"done-{n}",
        body_hash=bytes([n + 9]) * 32, status="processed", processed_at=now - ago, outcome="applied",
        received_at=now - ago - received, processing_ms=ms,
    )  # fmt: skip


def test_where_nobody_works_nothing_is_known_but_what_lies_in_the_tables(scratch, now):
    found = read_worker_status(scratch, now=now)
    assert (found.queue_depth, found.dlq_messages, found.oldest_message_age_seconds) == (None,) * 3
    assert (found.ingest_heartbeat, found.analysis_heartbeat) == (None, None)
    assert (found.open_failures, found.processed_per_minute, found.backlog_count) == (0, 0, 0)
    assert (found.avg_processing_time_ms, found.asked_at) == (None, now)


def test_the_ingester_that_looked_last_speaks_for_all_and_its_dead_letters_are_apart(scratch, now):
    beats(scratch, now, "i1", ago=9 * SECOND, queues={"main": 100, "dlq": 50})
    beats(scratch, now, "i2", ago=2 * SECOND, queues={"high": 3, "main": 4, "dlq": 2})
    beats(scratch, now, "i3", ago=5 * SECOND, queues={"main": 200, "dlq": 60})
    found = read_worker_status(scratch, now=now)
    assert (found.queue_depth, found.dlq_messages) == (7, 2)
    assert found.ingest_heartbeat == now - 2 * SECOND


def test_one_that_stopped_says_nothing_any_more(scratch, now):
    beats(scratch, now, "i1", ago=9 * SECOND, queues={"main": 7})
    beats(scratch, now, "i2", queues={"main": 100}, state="stopped")
    found = read_worker_status(scratch, now=now)
    assert (found.queue_depth, found.ingest_heartbeat) == (7, now - 9 * SECOND)


def test_neither_does_one_that_was_lost_nor_is_its_heartbeat_one(scratch, now):
    beats(scratch, now, "i1", ago=10 * MINUTE, queues={"main": 100})
    scratch.execute(
        "INSERT INTO procrastinate_workers (last_heartbeat) VALUES (%s)", [now - 10 * MINUTE]
    )
    found = read_worker_status(scratch, now=now)
    assert (found.queue_depth, found.ingest_heartbeat) == (None, None)
    assert found.analysis_heartbeat is None


def test_the_heartbeat_of_analysis_is_that_of_the_worker_who_was_seen_last(scratch, now):
    beats(scratch, now, "i1", ago=5 * SECOND, queues={"main": 1})
    for ago in (9, 2, 6):
        scratch.execute(
            "INSERT INTO procrastinate_workers (last_heartbeat) VALUES (%s)", [now - ago * SECOND]
        )
    found = read_worker_status(scratch, now=now)
    assert found.analysis_heartbeat == now - 2 * SECOND
    assert (found.queue_depth, found.ingest_heartbeat) == (1, now - 5 * SECOND)


@pytest.mark.parametrize("queues", [{"high": 3, "main": None}, {"high": None, "main": None}])
def test_the_depth_is_that_of_all_queues_or_not_known(scratch, now, queues):
    beats(scratch, now, "i1", queues=queues | {"dlq": 2})
    found = read_worker_status(scratch, now=now)
    assert (found.queue_depth, found.dlq_messages) == (None, 2)


def test_a_minute_s_work_is_that_of_the_last_sixty_seconds(scratch, now):
    for n, (ago, ms) in enumerate(((10, 2), (59, 4), (61, 600), (119, 900)), start=1):
        processed(scratch, now, n, ago=ago * SECOND, ms=ms)
    found = read_worker_status(scratch, now=now)
    assert (found.processed_per_minute, found.avg_processing_time_ms) == (2, 3)


def test_who_catches_up_is_seen_from_where_he_is_on(scratch, now):
    """What is worked on now came an hour ago, and the oldest that waits is as old."""
    processed(scratch, now, 1, ago=SECOND, ms=2, received=60 * MINUTE)
    assert read_worker_status(scratch, now=now).processed_per_minute == 0
    put(scratch, "worker_notifications", received_at=now - 56 * MINUTE)
    found = read_worker_status(scratch, now=now)
    assert (found.processed_per_minute, found.backlog_count) == (1, 1)
    assert found.oldest_message_age_seconds == 56 * 60


def test_what_waits_for_another_try_waits_and_makes_nothing_old(scratch, now):
    put(scratch, "worker_notifications", received_at=now - 50 * MINUTE, next_attempt_at=now)
    assert read_worker_status(scratch, now=now).oldest_message_age_seconds is None
    keys = {"message_id": "m2", "notification_id": "n2", "body_hash": b"\x02" * 32}
    put(scratch, "worker_notifications", received_at=now - MINUTE, **keys)
    found = read_worker_status(scratch, now=now)
    assert (found.backlog_count, found.oldest_message_age_seconds) == (2, 60)


def test_dead_letters_count_until_they_are_dealt_with(scratch, now):
    put(scratch, "worker_failures")
    put(scratch, "worker_failures", body_hash=b"\x02" * 32, resolved_at=now, resolution="redriven")
    assert read_worker_status(scratch, now=now).open_failures == 1
