"""Alerts for people to read: lists, one in full, its trail, its messages; and the settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any, NamedTuple

import psycopg
from psycopg.rows import args_row, dict_row

from db.alerts import read_alert_settings
from db.sql import only_row, query

MAX_LISTED = 10_000

Row = dict[str, Any]


class TrailEvent(NamedTuple):
    """A row of `alert_events`: either `told`, the kind of message due, or `quiet`, why none was."""

    id: int
    at: datetime
    who: str
    change: str
    from_phase: str | None
    to_phase: str | None
    reason: str
    told: str | None
    quiet: str | None
    voice_why: str
    ended: list[str]
    trace_id: str | None


class Message(NamedTuple):
    """A row of `alert_queues` with one of its deliveries, whose fields are None if it has none.

    `items` is how many messages that delivery carries.
    """

    id: int
    event_id: int | None
    queue: str
    reach: str
    tell: str
    why: str
    escalation: int
    scheduled_at: datetime
    dispatched_at: datetime | None
    delivered_at: datetime | None
    snooze_until: datetime | None
    status: str
    reason: str
    delivery_id: int | None
    route_name: str | None
    channel: str | None
    delivery_status: str | None
    delivery_reason: str | None
    attempts: int | None
    next_attempt_at: datetime | None
    error_class: str | None
    last_error: str | None
    arrived_at: datetime | None
    items: int


def list_alerts(
    conn: psycopg.Connection,
    *,
    ended: bool = False,
    severity: str | None = None,
    marketplace_id: str | None = None,
    asin: str | None = None,
    assignee: str | None = None,
    max_rows: int = 50,
) -> list[Row]:
    """Open alerts as ops.active_alerts shows them, worst first; or ended ones, newest first."""
    statement = query("list_ended_alerts") if ended else query("list_active_alerts")
    wanted = {
        "severity": severity,
        "marketplace_id": marketplace_id,
        "asin": asin,
        "assignee": assignee,
        "max_rows": min(max_rows, MAX_LISTED),
    }
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(statement, wanted).fetchall()


def read_alert(conn: psycopg.Connection, alert_id: int) -> Row | None:
    """One alert, every column, with the database's clock as `read_at`."""
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(query("read_alert"), {"alert_id": alert_id}).fetchone()


def read_alert_trail(conn: psycopg.Connection, alert_id: int) -> list[TrailEvent]:
    """What happened to an alert, oldest first."""
    with conn.cursor(row_factory=args_row(TrailEvent)) as cursor:
        return cursor.execute(query("read_alert_trail"), {"alert_id": alert_id}).fetchall()


def read_alert_messages(conn: psycopg.Connection, alert_id: int) -> list[Message]:
    """Every message about an alert, once for each of its deliveries, oldest first."""
    with conn.cursor(row_factory=args_row(Message)) as cursor:
        return cursor.execute(query("read_alert_messages"), {"alert_id": alert_id}).fetchall()


def count_alert_changes(conn: psycopg.Connection, *, since: datetime) -> dict[str, int]:
    """How often each kind of change has happened to alerts since then."""
    return dict(conn.execute(query("count_alert_changes"), {"since": since}).fetchall())


def show_alert_settings(conn: psycopg.Connection) -> Row:
    """The settings by name."""
    return asdict(read_alert_settings(conn))


def change_alert_settings(conn: psycopg.Connection, changes: Mapping[str, Any]) -> Row:
    """Change these settings and leave the others; returns all of them."""
    params = {**dict.fromkeys(show_alert_settings(conn)), **changes}
    with conn.cursor(row_factory=dict_row) as cursor:
        return _settings(only_row(cursor.execute(query("change_alert_settings"), params)))


def _settings(row: Row) -> Row:
    return {name: value for name, value in row.items() if name != "only_row"}
