"""What `buybox replay --drain` waits for, and what it does where nobody else works."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from db.operators import beat_heart
from tests.interleave import column, deliver, letter, register_worker
from worker import drain as room
from worker.drain import DrainTimeoutError, drain
from worker.settings import Settings

LONG_AGO = datetime.now(UTC) - timedelta(days=1)


@pytest.fixture
def settings(database_url, monkeypatch):
    monkeypatch.setattr(room, "LOOK_EVERY_S", 0.01)
    return Settings(database_url=database_url, worker_id="shell")


def statuses(conn):
    return column(conn, "SELECT status FROM worker_notifications ORDER BY id")


def nobody(_conn):
    """No process was ever there."""


def a_dead_worker(conn):
    register_worker(conn)
    conn.execute("UPDATE procrastinate_workers SET last_heartbeat = now() - interval '1 hour'")


def an_ingester(conn):
    beat_heart(
        conn, worker_id="i", role="ingest", state="working", details={},
        now=datetime.now(UTC), starting=True,
    )  # fmt: skip


@pytest.mark.parametrize("there_is", [nobody, a_dead_worker, an_ingester])
def test_where_nobody_works_it_analyses_and_delivers_nothing(conn, settings, there_is):
    """A shell may lack the keys, and ends with what is on its way: that would be sent twice."""
    there_is(conn)
    deliver(conn, letter())
    (job,) = column(
        conn,
        "INSERT INTO procrastinate_jobs (queue_name, task_name, args)"
        """ VALUES ('delivery', 'dispatch_alerts', '{"timestamp": 0}') RETURNING id""",
    )
    drain(conn, settings, since=LONG_AGO, patience_s=20)
    assert statuses(conn) == ["processed"]
    assert column(conn, "SELECT status FROM procrastinate_jobs WHERE id = %s", job) == ["todo"]


def test_where_a_worker_is_alive_it_waits_and_says_when_nothing_moves(conn, settings):
    register_worker(conn)
    deliver(conn, letter())
    said = []
    with pytest.raises(DrainTimeoutError, match="1 messages still wait and nothing moved"):
        drain(conn, settings, since=LONG_AGO, patience_s=0.1, say=said.append)
    assert said == ["1 waiting"]
    assert statuses(conn) == ["waiting"]


def test_what_came_before_is_not_waited_for(conn, settings):
    register_worker(conn)
    deliver(conn, letter())
    drain(conn, settings, since=datetime.now(UTC) + timedelta(hours=1), patience_s=0.1)
    assert statuses(conn) == ["waiting"]
