"""Dispatch: messages that are due become deliveries, in one transaction under one lock.

The dashboard's delivery is complete here: its rows and its bell commit together. Every other one is
a row and a job. Two dispatchers would each see half a burst, so the second waits for the first, and
does not give up: the message it was called for may be too young for the first to have seen.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import psycopg

from db import dispatch as sql
from db.alerts import ring_alert_bell
from db.delivery_rows import DueMessage, RouteRow
from process.logs import get_logger
from worker.alerts.rows import zone_or_utc
from worker.alerts.storing import read_settings
from worker.delivery.matching import severity_of
from worker.delivery.plan import Delivery, Plan, plan

log = get_logger(__name__)

MAX_MESSAGES = 500
"""How many in one transaction; what is left is dispatched a second later."""

MAX_HISTORY = 10_000
LOOKS_AGAIN_AFTER = timedelta(seconds=1)

Recorder = Callable[[psycopg.Connection, Sequence[int], str, datetime], list[tuple[str, str]]]
"""Tells the lifecycle, in this transaction, that a channel took messages about these alerts.

Returns (product, severity) of those for which it was the first time."""


@dataclass(frozen=True, slots=True)
class Dispatched:
    """What a dispatch did. `more`: something due is left, and another job is in line for it."""

    messages: int = 0
    deliveries: int = 0
    more: bool = False


def dispatch_due(conn: psycopg.Connection, *, now: datetime, record: Recorder) -> Dispatched:
    """Dispatch what is due: one transaction, or a part of the caller's."""
    with conn.transaction():
        sql.lock_dispatcher(conn)
        sql.finish_history(conn, now=now, max_messages=MAX_HISTORY)
        due = sql.take_due_messages(conn, now=now, max_messages=MAX_MESSAGES)
        more = sql.is_more_due(conn, now=now, taken=[m.id for m in due])
        made = _plan(conn, due, now, more=more)
        written = _write(conn, made, now)
        if due:
            sql.mark_dispatched(conn, made.verdicts, now=now)
        shown = made.on_dashboard
        if shown:
            record(conn, sorted({m.alert_id for m in shown}), "dashboard", now)
        if more:
            sql.defer_dispatch(conn, at=now + LOOKS_AGAIN_AFTER)
        if shown:
            ring_alert_bell(conn, _changes(shown))
    if due:
        log.info("alerts_dispatched", messages=len(due), deliveries=written)
    return Dispatched(len(due), written, more)


def _plan(
    conn: psycopg.Connection, due: Sequence[DueMessage], now: datetime, *, more: bool
) -> Plan:
    """Read what the decision needs, and decide."""
    if not due:
        return Plan()
    settings = read_settings(conn)
    routes = [_by_a_known_clock(route) for route in sql.read_enabled_routes(conn)]
    marketplaces = {m.marketplace_id for m in due if m.reach == "immediate-channels"}
    since = now - settings.burst_window
    recent = sql.read_interruptions(conn, sorted(marketplaces), since=since) if marketplaces else []
    gathering = sql.read_gatherings(conn, [r.id for r in routes], now=now, since=since)
    return plan(
        due, routes, recent, gathering,
        now=now, settings=settings, more=more, is_full=len(due) == MAX_MESSAGES,
    )  # fmt: skip


def _by_a_known_clock(route: RouteRow) -> RouteRow:
    if route.quiet_zone is None:
        return route
    return route._replace(quiet_zone=str(zone_or_utc(route.quiet_zone, "quiet_zone_unknown")))


def _write(conn: psycopg.Connection, made: Plan, now: datetime) -> int:
    """Write deliveries, their messages and their jobs; returns how many deliveries are new."""
    new = [delivery for delivery in made.deliveries if delivery.joins is None]
    ids = sql.insert_deliveries(conn, [delivery.new for delivery in new], now=now) if new else []
    numbered: list[tuple[int, Delivery]] = [
        *zip(ids, new, strict=True),
        *((d.joins, d) for d in made.deliveries if d.joins is not None),
    ]
    items = [(number, m.id) for number, delivery in numbered for m in delivery.messages]
    if items:
        sql.insert_delivery_items(conn, items)
    sql.defer_deliveries(
        conn,
        [
            (number, delivery.new.due_at if delivery.new.due_at > now else None)
            for number, delivery in zip(ids, new, strict=True)
            if delivery.new.channel != "dashboard"
        ],
    )
    return len(new)


def _changes(messages: Sequence[DueMessage]) -> list[tuple[str, str]]:
    """What the bell says: product and severity, `success` for all clear as in the state's bell."""
    found = {
        (f"{m.marketplace_id}:{m.asin}", "success" if severity_of(m) == "clear" else severity_of(m))
        for m in messages
    }
    return sorted(found)
