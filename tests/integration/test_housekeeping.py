"""The hourly task: partitions ahead, and no heartbeats of the dead."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from psycopg import sql
from psycopg_pool import ConnectionPool
from structlog.testing import capture_logs

from db.operators import beat_heart
from tests.interleave import begin, column
from worker.app import build_app
from worker.settings import Settings

DAY = timedelta(days=1)


@pytest.fixture
def app(database_url):
    settings = Settings(database_url=database_url, worker_id="worker-1")
    with ConnectionPool(database_url, min_size=1, max_size=2, open=True) as pool:
        yield build_app(settings, pool=pool)


def run(app, name, **arguments):
    return app.tasks[name](**arguments)


def newest_week(conn):
    (name,) = column(
        conn,
        "SELECT max(inhrelid::regclass::text) FROM pg_inherits "
        "WHERE inhparent = 'competitive_history'::regclass "
        "AND inhrelid <> 'competitive_history_default'::regclass",
    )
    return name


def test_housekeeping_makes_missing_partitions(app, conn):
    conn.execute(sql.SQL("DROP TABLE {}").format(sql.Identifier(last := newest_week(conn))))
    run(app, "keep_house", timestamp=0)
    assert newest_week(conn) == last


def test_housekeeping_that_finds_a_backup_at_work_leaves_the_partitions_for_later(
    app, conn, open_connection
):
    conn.execute(sql.SQL("DROP TABLE {}").format(sql.Identifier(gone := newest_week(conn))))
    beat_heart(
        conn, worker_id="i", role="ingest", state="r", details={}, now=datetime.now(UTC) - 2 * DAY
    )
    dump = begin(open_connection())
    dump.execute("LOCK TABLE competitive_history_default IN ACCESS SHARE MODE")
    with capture_logs() as lines:
        run(app, "keep_house", timestamp=0)
    assert [line["event"] for line in lines] == ["partitions_put_off"]
    assert column(conn, "SELECT worker_id FROM worker_heartbeats") == []
    dump.rollback()
    run(app, "keep_house", timestamp=0)
    assert newest_week(conn) == gone


def test_housekeeping_forgets_who_has_been_silent_for_a_day(app, conn):
    now = datetime.now(UTC)
    for name, silent in (("dead", timedelta(hours=25)), ("quiet", timedelta(hours=23))):
        beat_heart(
            conn, worker_id=name, role="ingest", state="running", details={}, now=now - silent
        )
    run(app, "keep_house", timestamp=0)
    assert conn.execute("SELECT worker_id FROM worker_heartbeats").fetchall() == [("quiet",)]
