"""A process whose clock is wrong: it does no harm to the others, and they know whether it lives."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import procrastinate
import pytest
from procrastinate.testing import InMemoryConnector

from tests.interleave import column, deliver, fetch_job, letter, register_worker
from worker.analysis.task import register_maintenance
from worker.analysis.transaction import Analyst
from worker.ingest.gate import Gate
from worker.ingest.tally import Tally
from worker.ingest.watchman import Watchman
from worker.settings import Settings

SILENT, MAX_RUNTIME = timedelta(seconds=30), timedelta(minutes=5)

WRONG = pytest.mark.parametrize("wrong", [timedelta(hours=1), timedelta(hours=-1)])


@WRONG
def test_a_worker_rescues_the_jobs_of_who_is_silent_and_nobody_else_s(conn, pool, wrong):
    """Signs of life are written with the database's clock, and only that one can tell silence."""
    app = procrastinate.App(connector=InMemoryConnector())
    analyst = Analyst("w", clock=lambda: datetime.now(UTC) + wrong)
    register_maintenance(app, pool, analyst, silent=SILENT, max_runtime=MAX_RUNTIME)
    deliver(conn, letter())
    fetch_job(conn, worker=register_worker(conn))
    status = "SELECT status::text FROM procrastinate_jobs"

    app.tasks["rescue_stalled_jobs"](timestamp=0)
    assert column(conn, status) == ["doing"]

    conn.execute("UPDATE procrastinate_workers SET last_heartbeat = now() - interval '31 seconds'")
    app.tasks["rescue_stalled_jobs"](timestamp=0)
    assert column(conn, status) == ["todo"]


@WRONG
def test_an_ingester_that_lives_is_seen_to_live(conn, database_url, wrong):
    """Else it would be lost from its first beat on, or seem alive for an hour after its death."""
    watching = Watchman(
        Settings(database_url=database_url, worker_id="i"),
        Gate(),
        Tally(),
        queues=[],
        dead_letters=None,
        clock=lambda: datetime.now(UTC) + wrong,
    )
    watching.look()
    (found,) = conn.execute(
        "SELECT state, abs(extract(epoch FROM silent_for)) < 60,"
        " abs(extract(epoch FROM now() - started_at)) < 60 FROM ops.worker_health"
    ).fetchall()
    assert found == ("running", True, True)
    watching.farewell()
