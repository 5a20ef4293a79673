"""A process whose clock is wrong: it does no harm to the others, and they know whether it lives."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import procrastinate
import pytest
from procrastinate.testing import InMemoryConnector

from tests.interleave import column, deliver, fetch_job, letter, register_worker
from worker.analysis.task import register_maintenance
from worker.analysis.transaction import Analyst

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
