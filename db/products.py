"""T2: the state of products. The caller owns the transaction; nothing here commits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import psycopg

from db.params import columns, records
from db.rows import AttemptRow, ClaimedRow, HistoryRow, ProcessedRow, StateRow
from db.sql import only_row, query, struct_row

WINDOW_A_PRODUCT = 8
"""Jobs looked at for each product wanted: several may wait for one product."""

CAREFUL_FOR = timedelta(seconds=15)
"""How long after a rescue no T2 takes other products along, so that each job in the window has one
of its own."""

MAX_JOBS_DELETED = 5000
"""Waiting jobs that one transaction deletes: a hot product's thousands go in a few bites."""

JOBS_DELETED_BESIDE_OTHERS = 16
"""Waiting jobs deleted of each product beside many others: more than T2 answered, yet soon done."""


def claim_sibling_jobs(
    conn: psycopg.Connection, own_product: str, *, now: datetime, max_products: int
) -> list[str]:
    """Lock the head jobs of up to `max_products` other products; returns these, most urgent first.

    Only the front of the queue is looked at, WINDOW_A_PRODUCT jobs for each product wanted.
    """
    cur = conn.execute(
        query("claim_sibling_jobs"),
        {
            "own_product": own_product,
            "now": now,
            "max_products": max_products,
            "window": max_products * WINDOW_A_PRODUCT,
            "careful_for": CAREFUL_FOR,
        },
    )
    return [product for (product,) in cur]


def claim_notifications(
    conn: psycopg.Connection,
    products: Sequence[str],
    *,
    now: datetime,
    max_rows: int,
    max_rows_a_product: int | None = None,
    only_row_id: int | None = None,
) -> list[ClaimedRow]:
    """Lock what waits for these products (`marketplace:ASIN`), in event order per product.

    Products are served in the order given, until `max_rows` rows are taken.
    """
    with conn.cursor(row_factory=struct_row(ClaimedRow)) as cur:
        cur.execute(
            query("claim_notifications"),
            {
                "products": list(products),
                "now": now,
                "max_rows": max_rows,
                "max_rows_a_product": max_rows_a_product or max_rows,
                "only_row_id": only_row_id,
            },
        )
        return cur.fetchall()


def lock_states(conn: psycopg.Connection, products: Sequence[tuple[str, str]]) -> list[StateRow]:
    """Read and lock the states of these (marketplace, ASIN) pairs."""
    with conn.cursor(row_factory=struct_row(StateRow)) as cur:
        cur.execute(
            query("lock_states"),
            {"marketplace_id": [m for m, _ in products], "asin": [a for _, a in products]},
        )
        return cur.fetchall()


def append_history(conn: psycopg.Connection, rows: Sequence[HistoryRow], *, now: datetime) -> None:
    """Add what each message said to the history."""
    conn.execute(query("append_history"), {"rows": records(rows), "now": now})


def upsert_states(
    conn: psycopg.Connection, rows: Sequence[StateRow], *, now: datetime, worker_id: str
) -> list[tuple[str, str]]:
    """Write states over the versions that were read; returns (product, severity) of each written.

    Fewer rows than were sent means that somebody else wrote in between: roll back and read again.
    """
    cur = conn.execute(
        query("upsert_states"),
        {"rows": records(rows), "now": now, "worker_id": worker_id},
    )
    return [(product, severity) for product, severity in cur]


def note_lows(conn: psycopg.Connection, rows: Sequence[StateRow]) -> int:
    """Remember the lows of late messages, over the versions that were read; returns how many."""
    return conn.execute(query("note_lows"), {"rows": records(rows)}).rowcount


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


def count_beginning(conn: psycopg.Connection, row_id: int, *, step: int = 1) -> int:
    """Count that a notification's analysis begins; returns the count, 0 if it no longer waits.

    `step=-1` takes that back, since it did not take place.
    """
    row = conn.execute(query("count_beginning"), {"row_id": row_id, "step": step}).fetchone()
    return int(row[0]) if row else 0


def record_attempts(
    conn: psycopg.Connection, rows: Sequence[AttemptRow], *, now: datetime, worker_id: str
) -> None:
    """Note failed attempts; those given up become dead letters."""
    conn.execute(
        query("record_attempts"), {**columns(rows, AttemptRow), "now": now, "worker_id": worker_id}
    )


def defer_wake_ups(conn: psycopg.Connection, rows: Sequence[AttemptRow]) -> None:
    """Defer a job for each attempt that has a next time."""
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
    """Defer an ordinary job for each of the products that has something due; returns how many."""
    return int(
        only_row(
            conn.execute(query("defer_due_analyses"), {"products": list(products), "now": now})
        )[0]
    )


def delete_waiting_jobs(
    conn: psycopg.Connection, products: Sequence[str], *, crowded: bool
) -> dict[str, int]:
    """Delete the first of the products' waiting jobs, MAX_JOBS_DELETED at most.

    `crowded` says that few products fill the front of the queue: their jobs go in large bites.
    Otherwise JOBS_DELETED_BESIDE_OTHERS go of each, since the front moves on anyway.

    Returns the highest priority deleted for each product. `defer_successors` must follow.
    """
    highest: dict[str, int] = {}
    for product, priority in conn.execute(
        query("delete_waiting_jobs"),
        {
            "products": list(products),
            "max_jobs": MAX_JOBS_DELETED,
            "max_jobs_a_product": MAX_JOBS_DELETED if crowded else JOBS_DELETED_BESIDE_OTHERS,
        },
    ):
        highest[product] = max(priority, highest.get(product, priority))
    return highest


def defer_successors(
    conn: psycopg.Connection, touched: Mapping[str, int | None], *, now: datetime
) -> int:
    """Defer one job, at the priority given, for each product with something due still waiting.

    Without a priority, the oldest notification left decides the job's place in line.
    """
    return int(
        only_row(
            conn.execute(
                query("defer_successors"),
                {
                    "product": list(touched),
                    "priority": list(touched.values()),
                    "now": now,
                },
            )
        )[0]
    )


def ring_state_bell(conn: psycopg.Connection, changed: Sequence[tuple[str, str]]) -> None:
    """Ring channel `buybox_state` once for these (product, severity) changes, at commit."""
    conn.execute(
        query("ring_state_bell"),
        {"products": [p for p, _ in changed], "severities": [s for _, s in changed]},
    )
