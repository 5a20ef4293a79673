"""The queue's tasks of delivery: thin, quick, and each may run twice."""

from __future__ import annotations

import procrastinate
from psycopg_pool import ConnectionPool

from db.dispatch import read_latest_clock
from worker.delivery.courier import Courier
from worker.delivery.deliver import rescue
from worker.delivery.dispatch import dispatch_due

QUEUE = "delivery"
PRIORITY = 100
"""Ahead of every analysis, whose priorities are times in the past: these take milliseconds."""


def register_delivery(app: procrastinate.App, pool: ConnectionPool, courier: Courier) -> None:
    """The tasks that decide and deliver. Nothing is sent inside one of them."""

    # For each alert due at once, and every minute for batches, digests and what a crash left.
    @app.periodic(cron="* * * * *", periodic_id="dispatch")
    @app.task(name="dispatch_alerts", queue=QUEUE, priority=PRIORITY)
    def dispatch_alerts(timestamp: int) -> None:  # noqa: ARG001
        """Decide who hears of the messages that are due."""
        with pool.connection() as conn:
            at = read_latest_clock(conn, now=courier.desk.clock())
            dispatch_due(conn, now=at, record=courier.desk.record)
        courier.ring()

    @app.task(name="deliver_alert", queue=QUEUE, priority=PRIORITY)
    def deliver_alert(delivery_id: int) -> None:  # noqa: ARG001  tells operators which one
        """Ring for the courier."""
        courier.ring()

    @app.periodic(cron="* * * * * */10", periodic_id="rescue_deliveries")
    @app.task(name="rescue_deliveries", queue=QUEUE, priority=PRIORITY)
    def rescue_deliveries(timestamp: int) -> None:  # noqa: ARG001
        """Every 10 s: deliveries of dead workers are put back, due ones without a job sent."""
        with pool.connection() as conn:
            rescue(conn, courier.desk)
        courier.ring()
