"""The queue's task for the alerts: thin. It may run twice; the second run finds nothing to do."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import procrastinate
from psycopg_pool import ConnectionPool

from worker.alerts.ticking import tick

QUEUE = "maintenance"

TICK_TURN_S = 0.5
"""Then ticking gives way: messages wait meanwhile. What is left goes on behind them."""


def register_alerts(
    app: procrastinate.App,
    pool: ConnectionPool,
    clock: Callable[[], datetime],
) -> None:
    """The periodic task by which time passes for the alerts. Safe in several workers."""

    @app.periodic(cron="* * * * *", periodic_id="alerts")
    @app.task(name="tick_alerts", queue=QUEUE, priority=50, pass_context=True)
    def tick_alerts(context: procrastinate.JobContext, timestamp: int) -> None:  # noqa: ARG001
        """Every minute: snoozes that end, falls that have held, escalations, repetitions, ends.

        For half a second; the rest later.
        """
        with pool.connection() as conn:
            tick(conn, now=clock(), seconds=TICK_TURN_S, stop=context.should_abort)
