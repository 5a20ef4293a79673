"""What keeps procrastinate's queue honest: the rescue of stalled jobs, and the sweeper."""

from __future__ import annotations

from datetime import datetime, timedelta

import psycopg

from db.sql import only_row, query

MAX_RESCUED_AT_ONCE = 500
MAX_SWEPT_AT_ONCE = 1000


def rescue_stalled_jobs(
    conn: psycopg.Connection, *, now: datetime, silent: timedelta, max_runtime: timedelta
) -> list[tuple[int, str | None]]:
    """Put back jobs whose worker is gone, silent for `silent`, or at it for over `max_runtime`.

    Returns (job id, product) of each.
    """
    cur = conn.execute(
        query("rescue_stalled_jobs"),
        {
            "now": now,
            "silent": silent,
            "max_runtime": max_runtime,
            "max_jobs": MAX_RESCUED_AT_ONCE,
        },
    )
    return [(job_id, product) for job_id, product, _ in cur]


def sweep_unheld(conn: psycopg.Connection, *, now: datetime, grace: timedelta) -> int:
    """Give a job to every product that has had something due for `grace` and no job at all.

    Returns how many there were; the running total is kept in `worker_counters`, expected 0.
    """
    return int(
        only_row(
            conn.execute(
                query("sweep_unheld"),
                {"now": now, "grace": grace, "max_products": MAX_SWEPT_AT_ONCE},
            )
        )[0]
    )


def ensure_partitions(conn: psycopg.Connection, *, now: datetime) -> list[str]:
    """Make the partitions of the days and weeks ahead; returns the names of the new ones."""
    return [name for (name,) in conn.execute(query("ensure_partitions"), {"now": now})]
