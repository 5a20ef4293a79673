"""What keeps procrastinate's queue honest: the rescue of stalled jobs, the sweeper, and turns."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

import psycopg
from psycopg.rows import args_row

from db.sql import only_row, query

MAX_RESCUED_AT_ONCE = 500
MAX_SWEPT_AT_ONCE = 1000
MAX_LOOKED_AT_ONCE = 20_000


class Swept(NamedTuple):
    """How many products a sweep found unheld, and after which one the next sweep is to begin."""

    products: int
    next_after: str


def rescue_stalled_jobs(
    conn: psycopg.Connection,
    *,
    silent: timedelta,
    max_runtime: timedelta,
    now: datetime | None = None,
) -> list[tuple[int, str | None]]:
    """Put back jobs whose worker is gone or silent for `silent`, or that run for `max_runtime`.

    By the database's clock unless told otherwise. Returns (job id, product) of each.
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
    return cur.fetchall()


def sweep_unheld(
    conn: psycopg.Connection,
    *,
    now: datetime,
    grace: timedelta,
    after: str = "",
    max_looked_at: int = MAX_LOOKED_AT_ONCE,
) -> Swept:
    """Give a job to every product that has had something due for `grace` and no job at all.

    Looks at up to `max_looked_at` products with something waiting, in order of name after `after`.
    The running total of those found is kept in `worker_counters` and expected to stay 0.
    """
    with conn.cursor(row_factory=args_row(Swept)) as cur:
        cur.execute(
            query("sweep_unheld"),
            {
                "now": now,
                "grace": grace,
                "after": after,
                "max_looked_at": max_looked_at,
                "max_products": MAX_SWEPT_AT_ONCE,
            },
        )
        return only_row(cur)


def forget_failed_jobs(conn: psycopg.Connection, *, now: datetime, older_than: timedelta) -> None:
    """Remove the rows of jobs that failed longer ago than that."""
    conn.execute(query("forget_failed_jobs"), {"now": now, "older_than": older_than})


def ensure_partitions(conn: psycopg.Connection, *, now: datetime) -> list[str]:
    """Make the partitions of the days and weeks ahead; returns the names of the new ones."""
    return [name for (name,) in conn.execute(query("ensure_partitions"), {"now": now})]


def defer_turn(conn: psycopg.Connection, task: str) -> None:
    """Put this task of upkeep in line behind the messages that wait, if it is not in line yet."""
    conn.execute(query("defer_turn"), {"task": task})
