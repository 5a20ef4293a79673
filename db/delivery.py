"""Deliveries in the courier's hand, from `queued` to their end. The caller owns the transaction."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import psycopg
from psycopg.rows import args_row, class_row

from db.delivery_rows import HealedRow, ItemRow, PutBack, TakenDelivery
from db.sql import only_row, query


def find_due_delivery(conn: psycopg.Connection, *, now: datetime) -> int | None:
    """The delivery to be taken next; None when nothing is due for any free route."""
    row = conn.execute(query("find_due_delivery"), {"now": now}).fetchone()
    return None if row is None else int(row[0])


def take_delivery(
    conn: psycopg.Connection, delivery_id: int, *, who: str, now: datetime | None = None
) -> TakenDelivery | None:
    """Take it in hand, by the database's clock unless told otherwise; None when it is gone.

    Raises psycopg.errors.UniqueViolation when something else is on its way to the same route.
    """
    with conn.cursor(row_factory=args_row(TakenDelivery)) as cur:
        cur.execute(query("take_delivery"), {"id": delivery_id, "who": who, "now": now})
        return cur.fetchone()


def read_delivery_items(conn: psycopg.Connection, delivery_id: int) -> list[ItemRow]:
    """What the delivery says, oldest message first."""
    with conn.cursor(row_factory=class_row(ItemRow)) as cur:
        cur.execute(query("read_delivery_items"), {"delivery_id": delivery_id})
        return cur.fetchall()


def read_healed(
    conn: psycopg.Connection,
    route_id: int,
    *,
    not_before: datetime,
    until: datetime,
    max_alerts: int,
) -> list[HealedRow]:
    """Alerts that healed unseen since the route's last digest, but not before `not_before`."""
    with conn.cursor(row_factory=class_row(HealedRow)) as cur:
        cur.execute(
            query("read_healed"),
            {
                "route_id": route_id,
                "not_before": not_before,
                "until": until,
                "max_alerts": max_alerts,
            },
        )
        return cur.fetchall()


def finish_delivery(
    conn: psycopg.Connection,
    taken: TakenDelivery,
    *,
    heading: str,
    reason: str,
    message_id: str | None,
    now: datetime,
) -> bool:
    """The channel took it. False: another worker holds it by now, so nothing was written."""
    params = {
        "id": taken.id,
        "attempt": taken.attempts,
        "heading": heading,
        "reason": reason,
        "message_id": message_id,
        "now": now,
    }
    return conn.execute(query("finish_delivery"), params).rowcount == 1


def finish_messages(conn: psycopg.Connection, queue_ids: Sequence[int], *, now: datetime) -> None:
    """Mark these messages as delivered, unless they already were."""
    conn.execute(query("finish_messages"), {"ids": list(queue_ids), "now": now})


def put_off_delivery(
    conn: psycopg.Connection,
    taken: TakenDelivery,
    *,
    at: datetime,
    reason: str,
    failures: int,
    error_class: str | None,
    error: str | None,
) -> bool:
    """Try it again at `at`; `failures` attempts have failed. False: another worker holds it."""
    params = {
        "id": taken.id,
        "attempt": taken.attempts,
        "at": at,
        "reason": reason,
        "failures": failures,
        "error_class": error_class,
        "error": error,
    }
    return conn.execute(query("put_off_delivery"), params).rowcount == 1


def end_delivery(
    conn: psycopg.Connection,
    taken: TakenDelivery,
    *,
    status: str,
    reason: str,
    failures: int | None = None,
    error_class: str | None = None,
    error: str | None = None,
) -> bool:
    """End it as `failed` or `cancelled`, for good. False: another worker holds it by now."""
    params = {
        "id": taken.id,
        "attempt": taken.attempts,
        "status": status,
        "reason": reason,
        "failures": taken.failures if failures is None else failures,
        "error_class": error_class,
        "error": error,
    }
    return conn.execute(query("end_delivery"), params).rowcount == 1


def fail_messages(conn: psycopg.Connection, deliveries: Sequence[int]) -> None:
    """Mark as failed the messages that only these failed deliveries could have brought."""
    conn.execute(query("fail_messages"), {"deliveries": list(deliveries)})


def is_route_open(conn: psycopg.Connection, route_id: int) -> bool:
    """Whether the route is there and switched on."""
    return bool(only_row(conn.execute(query("check_route"), {"id": route_id}))[0])


def cancel_stranded_deliveries(conn: psycopg.Connection, *, reason: str) -> list[int]:
    """Cancel what waits for routes that are off or gone; returns the ids of the deliveries."""
    cur = conn.execute(query("cancel_stranded_deliveries"), {"reason": reason})
    return [number for (number,) in cur]


def note_route_trouble(conn: psycopg.Connection, route_id: int, trouble: str | None) -> None:
    """Note what the operator must mend about the route; None when it works."""
    conn.execute(query("note_route_trouble"), {"id": route_id, "trouble": trouble})


def put_back_deliveries(
    conn: psycopg.Connection,
    *,
    again_at: datetime,
    lost_after: timedelta,
    max_attempts: int,
    now: datetime | None = None,
) -> list[PutBack]:
    """Put back what has been on its way for longer than any delivery takes, to be tried again.

    How long is judged by the database's clock, as in `take_delivery`, unless told otherwise.
    """
    with conn.cursor(row_factory=args_row(PutBack)) as cur:
        cur.execute(
            query("put_back_deliveries"),
            {
                "now": now,
                "again_at": again_at,
                "lost_after": lost_after,
                "max_attempts": max_attempts,
            },
        )
        return cur.fetchall()


def leave_out_messages(conn: psycopg.Connection, left_out: Sequence[tuple[int, str]]) -> None:
    """Mark each (message, reason) as no longer worth telling."""
    if left_out:
        conn.execute(
            query("leave_out_messages"),
            {"id": [number for number, _ in left_out], "reason": [why for _, why in left_out]},
        )
