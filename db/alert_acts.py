"""What one person does to one alert: the acts of `db.acts`, for who has one alert in hand.

A refusal is an answer, not an error: nothing changed.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import psycopg

from db import acts
from db.acts import Acted as Outcome

__all__ = [
    "Outcome",
    "acknowledge_alert",
    "assign_alert",
    "note_alert",
    "reopen_alert",
    "resolve_alert",
    "snooze_alert",
    "unacknowledge_alert",
]


def acknowledge_alert(
    conn: psycopg.Connection, alert_id: int, *, who: str, note: str | None, now: datetime
) -> Outcome:
    """`who` takes it on; what waits to be sent about it is not sent."""
    return acts.acknowledge_alerts(conn, [alert_id], who=who, note=note, now=now)[0]


def unacknowledge_alert(
    conn: psycopg.Connection, alert_id: int, *, who: str, now: datetime
) -> Outcome:
    """`who` gives it back."""
    return acts.unacknowledge_alerts(conn, [alert_id], who=who, now=now)[0]


def assign_alert(
    conn: psycopg.Connection, alert_id: int, *, who: str, assignee: str | None, now: datetime
) -> Outcome:
    """`who` says whose it is; None is nobody's."""
    return acts.assign_alerts(conn, [alert_id], who=who, assignee=assignee, now=now)[0]


def note_alert(
    conn: psycopg.Connection, alert_id: int, *, who: str, note: str, now: datetime
) -> Outcome:
    """`who` writes something down, in the place of the note before."""
    return acts.note_alerts(conn, [alert_id], who=who, note=note, now=now)[0]


def snooze_alert(
    conn: psycopg.Connection, alert_id: int, *, who: str, length: timedelta | None, now: datetime
) -> Outcome:
    """`who` wants quiet; None is as long as alert_settings say."""
    return acts.snooze_alerts(conn, [alert_id], who=who, snooze=length, now=now)[0]


def resolve_alert(conn: psycopg.Connection, alert_id: int, *, who: str, now: datetime) -> Outcome:
    """`who` closes it, which says nothing about the condition."""
    return acts.resolve_alerts(conn, [alert_id], who=who, now=now)[0]


def reopen_alert(conn: psycopg.Connection, alert_id: int, *, who: str, now: datetime) -> Outcome:
    """`who` takes the end back."""
    return acts.reopen_alerts(conn, [alert_id], who=who, now=now)[0]
