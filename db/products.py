"""T2: the state of products. The caller owns the transaction; nothing here commits."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import psycopg
from psycopg.rows import class_row

from db.params import columns, records
from db.rows import AttemptRow, ClaimedRow, HistoryRow, ProcessedRow, StateRow
from db.sql import only_row, query


def claim_notifications(
    conn: psycopg.Connection,
    products: Sequence[str],
    *,
    now: datetime,
    max_rows: int,
    only_row_id: int | None = None,
) -> list[ClaimedRow]:
    """Lock what waits for these products (`marketplace:ASIN`), in event order per product."""
    with conn.cursor(row_factory=class_row(ClaimedRow)) as cur:
        cur.execute(
            query("claim_notifications"),
            {
                "products": list(products),
                "now": now,
                "max_rows": max_rows,
                "only_row_id": only_row_id,
            },
        )
        return cur.fetchall()


def lock_states(conn: psycopg.Connection, products: Sequence[tuple[str, str]]) -> list[StateRow]:
    """Read and lock the states of these (marketplace, ASIN) pairs."""
    with conn.cursor(row_factory=class_row(StateRow)) as cur:
        cur.execute(
            query("lock_states"),
            {"marketplace_id": [m for m, _ in products], "asin": [a for _, a in products]},
        )
        return cur.fetchall()


def append_history(conn: psycopg.Connection, rows: Sequence[HistoryRow], *, now: datetime) -> None:
    """Add what each message said to the history."""
    conn.execute(query("append_history"), {"rows": records(rows, HistoryRow), "now": now})


def upsert_states(
    conn: psycopg.Connection, rows: Sequence[StateRow], *, now: datetime, worker_id: str
) -> list[tuple[str, str]]:
    """Write states over the versions that were read; returns (product, severity) of each written.

    Fewer rows than were sent means that somebody else wrote in between: roll back and read again.
    """
    cur = conn.execute(
        query("upsert_states"),
        {"rows": records(rows, StateRow), "now": now, "worker_id": worker_id},
    )
    return [(product, severity) for product, severity in cur]


def mark_processed(
    conn: psycopg.Connection,
    rows: Sequence[ProcessedRow],
    *,
    processed_at: datetime,
    processing_ms: float,
    worker_id: str,
) -> int:
    """Mark notifications processed; returns how many were still waiting."""
    cur = conn.execute(
        query("mark_processed"),
        {
            **columns(rows, ProcessedRow),
            "processed_at": processed_at,
            "processing_ms": processing_ms,
            "worker_id": worker_id,
        },
    )
    return cur.rowcount


def record_attempts(
    conn: psycopg.Connection, rows: Sequence[AttemptRow], *, now: datetime, worker_id: str
) -> list[int]:
    """Note failed attempts; returns the ids of the dead letters made of those given up."""
    cur = conn.execute(
        query("record_attempts"), {**columns(rows, AttemptRow), "now": now, "worker_id": worker_id}
    )
    return [failure_id for (failure_id,) in cur]


def defer_wake_ups(conn: psycopg.Connection, rows: Sequence[AttemptRow]) -> None:
    """A job for each attempt that has a next time."""
    due = [row for row in rows if row.next_attempt_at is not None]
    if due:
        conn.execute(
            query("defer_wake_ups"),
            {
                "product": [row.product_key for row in due],
                "trace_id": [row.trace_id for row in due],
                "due_at": [row.next_attempt_at for row in due],
            },
        )


def defer_due_analyses(conn: psycopg.Connection, products: Sequence[str], *, now: datetime) -> int:
    """Defer an ordinary job for each of the products that has something due."""
    return int(
        only_row(
            conn.execute(query("defer_due_analyses"), {"products": list(products), "now": now})
        )[0]
    )


def delete_answered_jobs(
    conn: psycopg.Connection, products: Sequence[str], row_ids: Sequence[int]
) -> int:
    """Delete the products' waiting jobs for these notifications; returns how many."""
    cur = conn.execute(
        query("delete_answered_jobs"), {"products": list(products), "row_ids": list(row_ids)}
    )
    return cur.rowcount


def ring_state_bell(conn: psycopg.Connection, changed: Sequence[tuple[str, str]]) -> None:
    """Ring channel `buybox_state` once for these (product, severity) changes, at commit."""
    conn.execute(
        query("ring_state_bell"),
        {"products": [p for p, _ in changed], "severities": [s for _, s in changed]},
    )
