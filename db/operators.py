"""What operators look at: heartbeats, the views, the doctor's questions."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import class_row, dict_row
from psycopg.types.json import Jsonb

from db.rows import DatabaseFindings
from db.sql import only_row, query

VIEWS = (
    "worker_health",
    "queue_depth",
    "asin_work_queue",
    "ingest_lag",
    "throughput_per_minute",
    "recent_failures",
    "failure_summary",
    "stalled_jobs",
    "failing_reassessments",
    "competitive_state",
    "competitive_history",
    "worker_notifications",
    "active_alerts",
    "alert_funnel",
    "alert_trail",
    "delivery_failures",
    "mean_time_to_acknowledge",
)


def beat_heart(
    conn: psycopg.Connection,
    *,
    worker_id: str,
    role: str,
    state: str,
    details: Mapping[str, Any],
    now: datetime | None = None,
    starting: bool = False,
) -> None:
    """Leave a sign of life, by the database's clock unless told otherwise.

    `starting` sets the start time anew.
    """
    conn.execute(
        query("beat_heart"),
        {
            "worker_id": worker_id,
            "role": role,
            "state": state,
            "details": Jsonb(dict(details)),
            "now": now,
            "starting": starting,
        },
    )


def forget_heartbeats(conn: psycopg.Connection, *, older_than: timedelta) -> None:
    """Remove ingesters and workers silent for longer than that, by the database's clock."""
    conn.execute(query("forget_heartbeats"), {"older_than": older_than})


def read_view(conn: psycopg.Connection, view: str, *, max_rows: int = 50) -> list[dict[str, Any]]:
    """Rows of one of the operators' views. Raises ValueError for a name that is none."""
    if view not in VIEWS:
        raise ValueError(f"ops.{view} is not one of the views: {', '.join(VIEWS)}")
    with conn.cursor(row_factory=dict_row) as cur:
        cur.execute(
            sql.SQL("SELECT * FROM ops.{} LIMIT %s").format(sql.Identifier(view)), (max_rows,)
        )
        return cur.fetchall()


def read_severities(conn: psycopg.Connection) -> dict[str, int]:
    """How many states stand at each severity."""
    return dict(conn.execute(query("read_severities")).fetchall())


def check_database(conn: psycopg.Connection) -> DatabaseFindings:
    """What the doctor asks. Raises psycopg.errors.UndefinedTable before the first migration."""
    with conn.cursor(row_factory=class_row(DatabaseFindings)) as cur:
        cur.execute(query("check_database"))
        return only_row(cur)
