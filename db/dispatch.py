"""Messages of `alert_queues` on their way to deliveries. The caller owns the transaction."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import psycopg
from psycopg.rows import args_row

from db.delivery_rows import DueMessage, Gathering, Interruption, NewDelivery, RouteRow, Verdict
from db.sql import only_row, query


def read_latest_clock(conn: psycopg.Connection, *, now: datetime) -> datetime:
    """`now`, or the database's time if that is later."""
    latest: datetime = only_row(conn.execute(query("read_latest_clock"), {"now": now}))[0]
    return latest


def lock_dispatcher(conn: psycopg.Connection) -> None:
    """Be the only dispatcher until the transaction ends. Waits for another one."""
    conn.execute(query("lock_dispatcher"))


def finish_history(conn: psycopg.Connection, *, now: datetime, max_messages: int) -> None:
    """Mark messages for the history that are due as delivered."""
    conn.execute(query("finish_history"), {"now": now, "max_messages": max_messages})


def take_due_messages(
    conn: psycopg.Connection, *, now: datetime, max_messages: int
) -> list[DueMessage]:
    """The oldest messages due, locked with their alerts; those that others hold are passed over."""
    with conn.cursor(row_factory=args_row(DueMessage)) as cur:
        cur.execute(query("take_due_messages"), {"now": now, "max_messages": max_messages})
        return cur.fetchall()


def is_more_due(conn: psycopg.Connection, *, now: datetime, taken: Sequence[int]) -> bool:
    """Whether anything is due besides the messages that this transaction took."""
    params = {"now": now, "taken": list(taken)}
    return bool(only_row(conn.execute(query("check_due_messages"), params))[0])


def read_interruptions(
    conn: psycopg.Connection, marketplaces: Sequence[str], *, since: datetime
) -> list[Interruption]:
    """What has interrupted people since then, oldest first."""
    with conn.cursor(row_factory=args_row(Interruption)) as cur:
        cur.execute(
            query("read_interruptions"), {"since": since, "marketplaces": list(marketplaces)}
        )
        return cur.fetchall()


def read_enabled_routes(conn: psycopg.Connection) -> list[RouteRow]:
    """The routes that are on; none of them can be removed before the transaction ends."""
    with conn.cursor(row_factory=args_row(RouteRow)) as cur:
        cur.execute(query("read_enabled_routes"))
        return cur.fetchall()


def read_gatherings(
    conn: psycopg.Connection, routes: Sequence[int], *, now: datetime, since: datetime
) -> list[Gathering]:
    """Lock the deliveries of these routes that gather messages, or have done so since then."""
    with conn.cursor(row_factory=args_row(Gathering)) as cur:
        cur.execute(query("read_gatherings"), {"routes": list(routes), "now": now, "since": since})
        return cur.fetchall()


def insert_deliveries(
    conn: psycopg.Connection, rows: Sequence[NewDelivery], *, now: datetime
) -> list[int]:
    """Write the deliveries; returns their ids in the order of the rows."""
    params = {name: [getattr(row, name) for row in rows] for name in NewDelivery._fields}
    cur = conn.execute(query("insert_deliveries"), {**params, "now": now})
    return sorted(number for (number,) in cur)


def insert_delivery_items(conn: psycopg.Connection, items: Sequence[tuple[int, int]]) -> None:
    """Write which (delivery, message) belong together."""
    conn.execute(
        query("insert_delivery_items"),
        {"delivery_id": [d for d, _ in items], "queue_id": [q for _, q in items]},
    )


def defer_deliveries(
    conn: psycopg.Connection, deliveries: Sequence[tuple[int, datetime | None]]
) -> None:
    """Defer a job for each (delivery, when it is due); None is at once."""
    if deliveries:
        conn.execute(
            query("defer_deliveries"),
            {"delivery_id": [d for d, _ in deliveries], "due_at": [at for _, at in deliveries]},
        )


def defer_dispatch(conn: psycopg.Connection, *, at: datetime | None = None) -> None:
    """Defer a job that dispatches what is due: at `at`, or at once unless one is already in line.

    Call it near the end of the transaction that has something to tell: until it commits, the job
    that it counts on is locked.
    """
    conn.execute(query("defer_dispatch"), {"at": at})


def mark_dispatched(
    conn: psycopg.Connection, verdicts: Sequence[Verdict], *, now: datetime
) -> None:
    """Write down the decision about each message."""
    params = {name: [getattr(row, name) for row in verdicts] for name in Verdict._fields}
    conn.execute(query("mark_dispatched"), {**params, "now": now})
