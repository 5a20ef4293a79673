"""The procrastinate App: `procrastinate --app=worker.app.app worker`.

Built when it is first asked for, so that importing this module reads no environment.
"""

from __future__ import annotations

import atexit
import logging
import signal
from datetime import timedelta
from functools import cache
from types import FrameType
from typing import Any

import procrastinate
from psycopg_pool import ConnectionPool

from db.connect import QUEUE_SETTINGS, connection_pool, conninfo
from process.logs import configure_logs, get_logger
from process.memory import spare_the_collector
from process.settings import SettingsError
from process.watchdog import NOBODY, Watchdog
from worker.alerts.storing import record_delivery
from worker.alerts.task import register_alerts
from worker.analysis.state import SeveritySettings
from worker.analysis.task import register_analysis, register_maintenance, register_reassessment
from worker.analysis.transaction import Analyst
from worker.connector import BuyboxConnector
from worker.delivery.setup import courier_from
from worker.delivery.task import register_delivery
from worker.periods import make_up_once
from worker.settings import Settings, load_settings
from worker.starting import check_database


def analyst_from(settings: Settings) -> Analyst:
    """The analyst these settings describe."""
    return Analyst(
        worker_id=settings.worker_id,
        severity=SeveritySettings(settings.severity_policy, settings.sales_threshold),
        max_attempts=settings.max_receive_count,
        max_rows=settings.claim_max_notifications,
        max_siblings=settings.claim_max_products,
    )


def build_app(
    settings: Settings, *, pool: ConnectionPool | None = None, watchdog: Watchdog = NOBODY
) -> procrastinate.App:
    """The App with every task registered. Opens nothing; `pool` takes the place of its own pools.

    The watchdog ends the process when it hangs; without one nothing does.
    """
    couriers_pool = pool
    if pool is None:
        pool = connection_pool(
            settings.dsn,
            role="analysis",
            max_size=settings.worker_concurrency + 2,
            watch=watchdog.guard("analysis"),
            **QUEUE_SETTINGS,
        )
        atexit.register(pool.close)
        # Apart from analysis: what hangs in one can never use up the connections of the other.
        couriers_pool = connection_pool(
            settings.dsn,
            role="delivery",
            max_size=settings.delivery_threads,
            watch=watchdog.guard("delivery"),
        )
        atexit.register(couriers_pool.close)
    courier = courier_from(settings, couriers_pool or pool, record_delivery)
    app = procrastinate.App(
        connector=BuyboxConnector(
            jobs_at_once=settings.worker_concurrency,
            at_end=courier.finish,
            watchdog=watchdog,
            # A worker that stops finishes its deliveries, and asks the queue nothing meanwhile.
            finishing_s=settings.delivery_timeout_seconds,
            conninfo=conninfo(settings.dsn, role="procrastinate", **QUEUE_SETTINGS),
            min_size=1,
            max_size=settings.worker_concurrency + 3,
            # A database that is away for longer ends the worker; its supervisor starts it again.
            timeout=10,
        ),
        worker_defaults={
            "concurrency": settings.worker_concurrency,
            "fetch_job_polling_interval": settings.fetch_interval_seconds,
            "delete_jobs": "successful",
            "shutdown_graceful_timeout": 20,
            "update_heartbeat_interval": settings.heartbeat_seconds,
            "stalled_worker_timeout": settings.stalled_after_seconds,
        },
    )
    analyst = analyst_from(settings)
    register_analysis(app, pool, analyst)
    register_reassessment(app, pool, analyst)
    register_alerts(app, pool, analyst.clock)
    register_maintenance(
        app,
        pool,
        analyst,
        silent=timedelta(seconds=settings.stalled_after_seconds),
        max_runtime=timedelta(seconds=settings.job_max_seconds),
    )
    register_delivery(app, pool, courier)
    make_up_once(app)
    return app


def _stop_once(connector: BuyboxConnector) -> None:
    """Let a worker that is told a second time to stop go on stopping as it was.

    procrastinate catches the first SIGTERM and then restores the earlier handler, which by default
    ends the process at once, in the middle of jobs and deliveries. A second one comes where all
    processes of a service are told together, as by systemd, and `buybox run` then tells its own.
    """

    def on_signal(number: int, _frame: FrameType | None) -> None:
        if not connector.is_at_work:
            signal.signal(number, signal.SIG_DFL)
            signal.raise_signal(number)

    signal.signal(signal.SIGTERM, on_signal)


@cache
def _app() -> procrastinate.App:
    try:
        settings = load_settings()
        configure_logs(settings, process="worker")
        watchdog = Watchdog(settings.hang_seconds)
        with watchdog.watching("the start"):
            check_database(settings)
        app = build_app(settings, watchdog=watchdog)
    except SettingsError as error:
        raise SystemExit(f"buybox: {error}") from None
    if isinstance(app.connector, BuyboxConnector):
        _stop_once(app.connector)
    spare_the_collector()
    get_logger(__name__).info("worker_ready", tasks=sorted(app.tasks))
    return app


def __getattr__(name: str) -> Any:
    if name == "app":
        logging.captureWarnings(capture=True)
        return _app()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
