"""The alerts and their trail. The caller owns the transaction; nothing here commits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, LiteralString

import psycopg
from psycopg.rows import class_row

from db.alert_rows import AlertEventRow, AlertRow, AlertSettingsRow, MessageRow
from db.params import records
from db.sql import only_row, query, struct_row


def read_alert_settings(conn: psycopg.Connection) -> AlertSettingsRow:
    """The settings in force."""
    with conn.cursor(row_factory=class_row(AlertSettingsRow)) as cur:
        return only_row(cur.execute(query("read_alert_settings")))


def lock_newest_alerts(conn: psycopg.Connection, subject_keys: Sequence[str]) -> list[AlertRow]:
    """Lock the newest alert of each of these subjects that has one, open or not."""
    return _alerts(conn, query("lock_newest_alerts"), {"subject_keys": list(subject_keys)})


def lock_alerts(conn: psycopg.Connection, ids: Sequence[int]) -> list[AlertRow]:
    """Lock the alerts of these ids; an id without an alert is passed over."""
    return _alerts(conn, query("lock_alerts"), {"ids": list(ids)})


def lock_due_alerts(conn: psycopg.Connection, *, now: datetime, max_alerts: int) -> list[AlertRow]:
    """Lock alerts that time alone may change by now; those that others hold are passed over."""
    return _alerts(conn, query("lock_due_alerts"), {"now": now, "max_alerts": max_alerts})


def draw_alert_ids(
    conn: psycopg.Connection, *, alerts: int, events: int
) -> tuple[list[int], list[int]]:
    """New ids for alerts and for events, each list ascending."""
    alert_ids, event_ids = only_row(
        conn.execute(query("draw_alert_ids"), {"alerts": alerts, "events": events})
    )
    return alert_ids, event_ids


def update_alerts(conn: psycopg.Connection, rows: Sequence[AlertRow], *, now: datetime) -> int:
    """Write alerts that this transaction has locked; returns how many there were."""
    return conn.execute(query("update_alerts"), {"rows": records(rows), "now": now}).rowcount


def insert_alerts(conn: psycopg.Connection, rows: Sequence[AlertRow], *, now: datetime) -> int:
    """Add alerts; returns how many. Fewer than given: a subject already has an open one."""
    return conn.execute(query("insert_alerts"), {"rows": records(rows), "now": now}).rowcount


def append_alert_events(conn: psycopg.Connection, rows: Sequence[AlertEventRow]) -> None:
    """Add to the trail."""
    conn.execute(query("append_alert_events"), {"rows": records(rows)})


def queue_messages(conn: psycopg.Connection, rows: Sequence[MessageRow], *, now: datetime) -> None:
    """Put messages in their queues."""
    conn.execute(query("queue_messages"), {"rows": records(rows), "now": now})


def drop_messages(conn: psycopg.Connection, alert_ids: Sequence[int], *, reason: str) -> None:
    """Withhold the waiting messages about these alerts, which the caller has locked."""
    conn.execute(query("drop_messages"), {"alert_ids": sorted(alert_ids), "reason": reason})


def tally_alerts(conn: psycopg.Connection, counts: Mapping[str, int], *, now: datetime) -> None:
    """Count what assessments came to."""
    conn.execute(
        query("tally_alerts"),
        {"what": list(counts), "n": list(counts.values()), "now": now},
    )


def fold_tallies(conn: psycopg.Connection, *, max_rows: int) -> None:
    """Add up the oldest `max_rows` tallies into one row per day and `what`."""
    conn.execute(query("fold_tallies"), {"max_rows": max_rows})


def ring_alert_bell(conn: psycopg.Connection, changed: Sequence[tuple[str, str]]) -> None:
    """Ring channel `buybox_alerts` once for these (product, severity) changes, at commit."""
    conn.execute(
        query("ring_alert_bell"),
        {"products": [p for p, _ in changed], "severities": [s for _, s in changed]},
    )


def _alerts(
    conn: psycopg.Connection, statement: LiteralString, params: Mapping[str, Any]
) -> list[AlertRow]:
    with conn.cursor(row_factory=struct_row(AlertRow)) as cur:
        return cur.execute(statement, params).fetchall()
