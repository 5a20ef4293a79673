"""What people do to alerts: one function an act. The caller owns the transaction.

The acts are SQL functions, so that psql, the command line and the API do the same; see
db/code/functions/buybox_act_on_alert.sql. A refusal is an answer, not an error: nothing changed.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, LiteralString, NamedTuple

import psycopg
from psycopg.rows import args_row

from db.sql import only_row, query


class Outcome(NamedTuple):
    """What came of an act: `code` and `message` are the change and its reason, or the refusal's."""

    alert_id: int
    done: bool
    code: str
    message: str


def acknowledge_alert(
    conn: psycopg.Connection, alert_id: int, *, who: str, note: str | None, now: datetime
) -> Outcome:
    """`who` takes it on; what waits to be sent about it is not sent."""
    return _act(conn, query("acknowledge_alert"), alert_id, who, now, note=note)


def unacknowledge_alert(
    conn: psycopg.Connection, alert_id: int, *, who: str, now: datetime
) -> Outcome:
    """`who` gives it back."""
    return _act(conn, query("unacknowledge_alert"), alert_id, who, now)


def assign_alert(
    conn: psycopg.Connection, alert_id: int, *, who: str, assignee: str | None, now: datetime
) -> Outcome:
    """`who` says whose it is; None is nobody's."""
    return _act(conn, query("assign_alert"), alert_id, who, now, assignee=assignee)


def note_alert(
    conn: psycopg.Connection, alert_id: int, *, who: str, note: str, now: datetime
) -> Outcome:
    """`who` writes something down, in the place of the note before."""
    return _act(conn, query("note_alert"), alert_id, who, now, note=note)


def snooze_alert(
    conn: psycopg.Connection, alert_id: int, *, who: str, length: timedelta | None, now: datetime
) -> Outcome:
    """`who` wants quiet; None is as long as alert_settings say."""
    return _act(conn, query("snooze_alert"), alert_id, who, now, length=length)


def resolve_alert(conn: psycopg.Connection, alert_id: int, *, who: str, now: datetime) -> Outcome:
    """`who` closes it, which says nothing about the condition."""
    return _act(conn, query("resolve_alert"), alert_id, who, now)


def reopen_alert(conn: psycopg.Connection, alert_id: int, *, who: str, now: datetime) -> Outcome:
    """`who` takes the end back."""
    return _act(conn, query("reopen_alert"), alert_id, who, now)


def _act(
    conn: psycopg.Connection,
    statement: LiteralString,
    alert_id: int,
    who: str,
    now: datetime,
    **more: Any,
) -> Outcome:
    with conn.cursor(row_factory=args_row(Outcome)) as cursor:
        cursor.execute(statement, {"alert_id": alert_id, "who": who, "now": now, **more})
        return only_row(cursor)
