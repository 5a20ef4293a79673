"""Alerts in a database: rows from values and back, with events, messages and deliveries."""

from __future__ import annotations

from typing import Any

import psycopg
from msgspec.structs import replace
from psycopg import sql
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from tests.alerts import NOW, alert
from worker.alerts.values import Alert, AlertSubject

PLAIN = tuple(name for name in Alert.__struct_fields__ if name not in {"id", "subject", "facts"})


def insert(conn: psycopg.Connection, table: str, **values: Any) -> Any:
    """Insert a row; returns its id, or None where the table has none."""
    given = {k: Jsonb(v) if isinstance(v, dict) else v for k, v in values.items()}
    statement = sql.SQL(
        "INSERT INTO {} ({}) OVERRIDING SYSTEM VALUE VALUES ({}) RETURNING *"
    ).format(
        sql.Identifier(table),
        sql.SQL(", ").join(map(sql.Identifier, given)),
        sql.SQL(", ").join(map(sql.Placeholder, given)),
    )
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(statement, given).fetchone().get("id")


def store(conn: psycopg.Connection, given: Alert | None = None, **columns: Any) -> int:
    """The alert as a row; returns its id. Without an id of its own it gets the next one."""
    given = given or replace(alert(), id=None)
    values = dict(zip(AlertSubject._fields, given.subject, strict=True))
    values |= {name: getattr(given, name) for name in PLAIN} | {"facts": dict(given.facts)}
    if given.id is not None:
        values["id"] = given.id
    return insert(conn, "alerts", **(values | columns))


def product(asin: str, **values: Any) -> Alert:
    """An open alert about another product."""
    return replace(alert(), id=None, subject=alert().subject._replace(asin=asin), **values)


def row(conn: psycopg.Connection, alert_id: int) -> dict[str, Any]:
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute("SELECT * FROM alerts WHERE id = %s", (alert_id,)).fetchone()


def stored(conn: psycopg.Connection, alert_id: int) -> Alert:
    """The row as the value it was made from."""
    found = row(conn, alert_id)
    subject = AlertSubject(*(found[name] for name in AlertSubject._fields))
    plain = {name: found[name] for name in PLAIN}
    return Alert(subject, id=found["id"], facts=found["facts"], **plain)


def events(conn: psycopg.Connection, alert_id: int) -> list[dict[str, Any]]:
    with conn.cursor(row_factory=dict_row) as cursor:
        cursor.execute("SELECT * FROM alert_events WHERE alert_id = %s ORDER BY id", (alert_id,))
        return cursor.fetchall()


def event(conn: psycopg.Connection, alert_id: int, change: str, **values: Any) -> int:
    """An event of data that was told, unless `quiet` says why not."""
    plain = {"at": NOW, "who": "data", "from_phase": "high firing/new", "to_phase": None}
    said = {"told": None if "quiet" in values else change, "voice_why": f"why {change}"}
    told = plain | {"reason": f"because {change}"} | said | values
    return insert(conn, "alert_events", alert_id=alert_id, change=change, **told)


def message(conn: psycopg.Connection, alert_id: int, event_id: int | None = None, **values: Any):
    """A message on the queue for the immediate channels, still to be sent."""
    of = row(conn, alert_id)
    plain = {
        "queue": "high_priority",
        "reach": "immediate-channels",
        "tell": "raised",
        "why": "critical since noon",
        "scheduled_at": NOW,
        "reason": "critical: at once",
        "created_at": NOW,
        **{name: of[name] for name in ("fingerprint", "marketplace_id", "asin", "severity")},
    }
    return insert(conn, "alert_queues", alert_id=alert_id, event_id=event_id, **(plain | values))


def delivery(conn: psycopg.Connection, *messages: int, **values: Any) -> int:
    """One delivery that carries these messages, still to be tried."""
    plain = {
        "route_name": "phone",
        "channel": "apprise",
        "reach": "immediate",
        "heading": "critical: B0ALERTS01",
        "reason": "the route takes critical",
        "created_at": NOW,
        "due_at": NOW,
        "next_attempt_at": NOW,
    }
    made = insert(conn, "alert_deliveries", **(plain | values))
    for queue_id in messages:
        insert(conn, "alert_delivery_items", delivery_id=made, queue_id=queue_id)
    return made


def status(conn: psycopg.Connection, table: str, row_id: int) -> tuple[str, str]:
    """(status, reason) of a message or a delivery."""
    statement = sql.SQL("SELECT status, reason FROM {} WHERE id = %s")
    return conn.execute(statement.format(sql.Identifier(table)), (row_id,)).fetchone()
