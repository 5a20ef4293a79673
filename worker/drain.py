"""Waits until everything filed since a moment is analysed; analyses it here if nobody else does."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import datetime

import psycopg

from db import inbox, operators
from db.connect import QUEUE_SETTINGS, connection_pool
from worker.analysis.task import MAINTENANCE_QUEUE
from worker.analysis.task import QUEUE as ANALYSIS_QUEUE
from worker.app import build_app
from worker.errors import RetryableError
from worker.settings import Settings

LOOK_EVERY_S = 0.25
ALIVE = ("working", "idle")
HERE = [ANALYSIS_QUEUE, MAINTENANCE_QUEUE]  # a list: a tuple is a row to Postgres


class DrainTimeoutError(RetryableError):
    """Nothing was analysed for too long."""


def drain(
    conn: psycopg.Connection,
    settings: Settings,
    *,
    since: datetime,
    patience_s: float,
    say: Callable[[str], None] = lambda _: None,
) -> None:
    """Return when nothing received since then waits. Raises DrainTimeoutError if nothing moves."""
    here = not any(
        row["role"] == "analysis" and row["state"] in ALIVE
        for row in operators.read_view(conn, "worker_health", max_rows=1000)
    )
    if here:
        say("no worker is alive: analysing here")
    waiting, moved_at = None, time.monotonic()
    while True:
        if here:
            _analyse_here(settings)
        left = inbox.count_outcomes(conn, since=since).waiting
        if left == 0:
            return
        if left != waiting:
            waiting, moved_at = left, time.monotonic()
            say(f"{left} waiting")
        if time.monotonic() - moved_at > patience_s:
            raise DrainTimeoutError(
                f"{left} messages still wait and nothing moved for {patience_s:.0f} s; "
                "buybox status --view asin_work_queue shows who holds them"
            )
        time.sleep(LOOK_EVERY_S)


def _analyse_here(settings: Settings) -> None:
    """Run a real worker until no job is due. It delivers nothing: that is for one that stays.

    This shell may lack SECRET_KEY or SMTP_URL, and it ends while a message is on its way, which
    would then be sent a second time.
    """
    with connection_pool(settings.dsn, role="analysis", max_size=4, **QUEUE_SETTINGS) as pool:
        app = build_app(settings, pool=pool)

        async def work() -> None:
            async with app.open_async():
                await app.run_worker_async(
                    queues=HERE, wait=False, install_signal_handlers=False, name="drain"
                )

        asyncio.run(work())
