"""The hourly task: partitions ahead, and no heartbeats of the dead."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from psycopg import sql
from structlog.testing import capture_logs

from db.operators import beat_heart
from tests.interleave import begin, column

DAY = timedelta(days=1)


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
    app.tasks["keep_house"](timestamp=0)
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
        app.tasks["keep_house"](timestamp=0)
    assert [line["event"] for line in lines] == ["partitions_put_off"]
    assert column(conn, "SELECT worker_id FROM worker_heartbeats") == []
    dump.rollback()
    app.tasks["keep_house"](timestamp=0)
    assert newest_week(conn) == gone


def test_housekeeping_forgets_who_has_been_silent_for_a_day(app, conn):
    now = datetime.now(UTC)
    for name, silent in (("dead", timedelta(hours=25)), ("quiet", timedelta(hours=23))):
        beat_heart(
            conn, worker_id=name, role="ingest", state="running", details={}, now=now - silent
        )
    app.tasks["keep_house"](timestamp=0)
    assert conn.execute("SELECT worker_id FROM worker_heartbeats").fetchall() == [("quiet",)]
