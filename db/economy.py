"""Costs for T2, and states to be re-assessed. The caller owns the transaction.

The gate: each assessment holds it shared, and `settle_reassessments` takes it alone for a moment,
so a change of costs is worked in only when no assessment is left that may have missed it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import NamedTuple

import psycopg
from psycopg.rows import args_row, class_row

from db.jobs import defer_turn
from db.sql import only_row, query


class CostRow(NamedTuple):
    """A row of `products` without what only people read; None is "not known"."""

    seller_id: str
    marketplace_id: str
    asin: str
    item_condition: str
    fulfilment_channel: str
    sku: str
    currency: str
    unit_cost: Decimal | None
    inbound_postage: Decimal | None
    own_postage: Decimal | None
    prep: Decimal | None
    category: str | None
    weight_g: int | None
    size_tier: str | None
    sale_vat_rate: Decimal | None
    min_price: Decimal | None
    max_price: Decimal | None
    estimated_daily_sales: Decimal | None


class Reassessment(NamedTuple):
    """Products whose states are to be re-assessed. `is_last`: with these the work is done.

    `failures` counts the attempts that failed in a row before this one; `last_error` says how.
    """

    id: int
    is_last: bool
    marketplace_ids: list[str]
    asins: list[str]
    asked_at: datetime
    failures: int
    last_error: str | None = None

    @property
    def products(self) -> list[tuple[str, str]]:
        """The (marketplace, ASIN) pairs."""
        return list(zip(self.marketplace_ids, self.asins, strict=True))


class FeeDay(NamedTuple):
    """A day, by the marketplace's calendar, on which a fee or terms begin or end."""

    marketplace_id: str
    seller_id: str | None
    day: date


def join_assessors(conn: psycopg.Connection) -> None:
    """Hold the gate shared until the transaction ends. Take it before any row lock: no deadlock."""
    conn.execute(query("join_assessors"))


def read_costs(
    conn: psycopg.Connection, products: Sequence[tuple[str, str]]
) -> tuple[int, list[CostRow]]:
    """The version of the fee book, and all costs of these (marketplace, ASIN) pairs."""
    cur = conn.execute(
        query("read_costs"),
        {"marketplace_id": [m for m, _ in products], "asin": [a for _, a in products]},
    )
    rows = cur.fetchall()
    return int(rows[0][0]), [CostRow(*row[1:]) for row in rows if row[1] is not None]


def settle_reassessments(conn: psycopg.Connection) -> int:
    """Make all work asked for so far ready; returns how many pieces. End the transaction at once.

    Raises psycopg.errors.LockNotAvailable when an analysis holds the gate for too long.
    """
    return int(only_row(conn.execute(query("settle_reassessments")))[0])


def take_reassessment(
    conn: psycopg.Connection, *, now: datetime, max_products: int
) -> Reassessment | None:
    """Lock a piece of work that is ready; None when there is none, or others have them all."""
    with conn.cursor(row_factory=class_row(Reassessment)) as cur:
        cur.execute(query("take_reassessment"), {"now": now, "max_products": max_products})
        return cur.fetchone()


def hold_reassessment(conn: psycopg.Connection, work: Reassessment) -> bool:
    """Lock work whose attempt was counted; False if it is done, or in other hands by now."""
    cur = conn.execute(query("hold_reassessment"), {"id": work.id, "failures": work.failures + 1})
    return cur.fetchone() is not None


def put_back(conn: psycopg.Connection, work: Reassessment, *, now: datetime) -> None:
    """The products taken are done: the work ends with them, or goes on after them at once."""
    if work.is_last:
        conn.execute(query("finish_reassessment"), {"id": work.id})
    else:
        conn.execute(
            query("advance_reassessment"), {"id": work.id, "asin": work.asins[-1], "now": now}
        )


def forget_failed(conn: psycopg.Connection, work: Reassessment) -> None:
    """The products taken are assessed: those that failed before need no further attempt."""
    conn.execute(
        query("forget_failed_reassessments"),
        {"marketplace_id": work.marketplace_ids, "asin": work.asins},
    )


def postpone_reassessment(
    conn: psycopg.Connection, work: Reassessment, *, due_at: datetime, error: str
) -> None:
    """The work failed, or will have if this attempt never ends: again not before `due_at`."""
    _note_attempt(conn, work, due_at, work.failures + 1, error)


def give_back(conn: psycopg.Connection, work: Reassessment, *, due_at: datetime) -> None:
    """The attempt does not count: the database was busy, or is away."""
    _note_attempt(conn, work, due_at, work.failures, work.last_error)


def _note_attempt(
    conn: psycopg.Connection, work: Reassessment, due_at: datetime, failures: int, error: str | None
) -> None:
    conn.execute(
        query("postpone_reassessment"),
        {"id": work.id, "due_at": due_at, "failures": failures, "error": error},
    )


def count_apart(conn: psycopg.Connection) -> int:
    """How many products wait by themselves, each as work of its own."""
    return int(only_row(conn.execute(query("count_apart_reassessments")))[0])


def set_apart(
    conn: psycopg.Connection, work: Reassessment, *, due_at: datetime, error: str | None = None
) -> None:
    """Each of the products taken becomes work of its own, not before `due_at`.

    `error` is given if it failed by itself. One that already waits by itself is tried by then, too.
    """
    conn.execute(
        query("set_apart_reassessments"),
        {
            "marketplace_id": work.marketplace_ids,
            "asin": work.asins,
            "asked_at": work.asked_at,
            "due_at": due_at,
            "failures": 0 if error is None else work.failures + 1,
            "error": error,
        },
    )


def read_facts(conn: psycopg.Connection, row_ids: Iterable[int]) -> dict[int, str]:
    """The facts, as JSON text, of these notifications; absent where they were dropped."""
    return dict(conn.execute(query("read_facts"), {"row_ids": list(row_ids)}).fetchall())


def read_fee_days(conn: psycopg.Connection, *, first_day: date, last_day: date) -> list[FeeDay]:
    """The days of this period (both included) on which something begins or ends."""
    with conn.cursor(row_factory=args_row(FeeDay)) as cur:
        cur.execute(query("read_fee_days"), {"first_day": first_day, "last_day": last_day})
        return cur.fetchall()


def pass_fee_days(conn: psycopg.Connection, *, now: datetime) -> datetime | None:
    """Note that midnights up to now are dealt with; returns until when they were. Locks the row."""
    found: datetime | None = only_row(conn.execute(query("pass_fee_days"), {"now": now}))[0]
    return found


def ask_reassessments(conn: psycopg.Connection, scopes: Sequence[tuple[str, str | None]]) -> None:
    """Have these marketplaces' products, of one seller or (None) of all, re-assessed by a job."""
    if scopes:
        conn.execute(
            query("ask_reassessments"),
            {"marketplace_id": [m for m, _ in scopes], "seller_id": [s for _, s in scopes]},
        )
        defer_turn(conn, "reassess")
