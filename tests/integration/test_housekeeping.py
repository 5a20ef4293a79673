"""The hourly task: partitions ahead, no heartbeats of the dead, no failures of long ago."""

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


def test_housekeeping_forgets_workers_too_that_nobody_pruned(app, conn):
    """procrastinate prunes as a worker starts; who takes a dead one's place at once is too early."""
    conn.execute(
        "INSERT INTO procrastinate_workers (last_heartbeat)"
        " SELECT now() - make_interval(hours => silent) FROM unnest(ARRAY[25, 23]) AS silent"
    )
    app.tasks["keep_house"](timestamp=0)
    view = "SELECT date_trunc('hour', silent_for) FROM ops.worker_health WHERE role = 'analysis'"
    assert column(conn, view) == [timedelta(hours=23)]


def failed_job(conn, *, days_ago):
    """The id of a job that failed so long ago, as procrastinate leaves it."""
    (job_id,) = column(
        conn,
        "INSERT INTO procrastinate_jobs (queue_name, task_name, status, args) "
        "VALUES ('analysis', 'analyse_product', 'doing', '{}') RETURNING id",
    )
    conn.execute("SELECT procrastinate_finish_job_v1(%s, 'failed', false)", (job_id,))
    conn.execute(
        "UPDATE procrastinate_events SET at = now() - make_interval(days => %s) WHERE job_id = %s",
        (days_ago, job_id),
    )
    return job_id


def test_housekeeping_forgets_the_jobs_that_failed_a_week_ago(app, conn):
    failed_job(conn, days_ago=8)
    kept = failed_job(conn, days_ago=6)
    again = failed_job(conn, days_ago=8)
    conn.execute("UPDATE procrastinate_jobs SET status = 'todo' WHERE id = %s", (again,))
    twice = failed_job(conn, days_ago=8)
    conn.execute("UPDATE procrastinate_jobs SET status = 'doing' WHERE id = %s", (twice,))
    conn.execute("SELECT procrastinate_finish_job_v1(%s, 'failed', false)", (twice,))
    app.tasks["keep_house"](timestamp=0)
    assert column(conn, "SELECT id FROM procrastinate_jobs ORDER BY id") == [kept, again, twice]
