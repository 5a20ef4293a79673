"""Alerts in and out of the database, in the caller's transaction."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import psycopg
from msgspec.structs import replace

from db import alerts as sql
from db.alert_rows import AlertRow
from db.dispatch import defer_dispatch
from worker.alerts.account import OLD_NEWS, Account, Kept
from worker.alerts.events import Delivered
from worker.alerts.lifecycle import advance
from worker.alerts.rows import (
    event_row,
    kept_from_row,
    message_row,
    row_from_kept,
    settings_from_row,
)
from worker.alerts.settings import AlertSettings
from worker.alerts.steps import Refusal
from worker.errors import StateMovedError


def read_settings(conn: psycopg.Connection) -> AlertSettings:
    """The settings in force, read anew each time: the due times that are written depend on them."""
    return settings_from_row(sql.read_alert_settings(conn))


def account_of(rows: Iterable[AlertRow], now: datetime, settings: AlertSettings) -> Account:
    """An account that begins with these alerts, locked by the caller."""
    return Account.of(map(kept_from_row, rows), now, settings)


def store(conn: psycopg.Connection, account: Account) -> list[tuple[str, str]]:
    """Write the account; returns (product, severity) of what people should look at again.

    Raises StateMovedError if somebody else opened an alert of a subject meanwhile.
    """
    now = account.now
    ids, event_ids = _numbers(conn, account)
    rows = {old: _row(kept, ids, account) for old, kept in account.changed.items()}
    _write_alerts(conn, rows, account)
    if account.events:
        sql.append_alert_events(
            conn,
            [
                event_row(event, number, ids.get(event.alert_id, event.alert_id), now)
                for event, number in zip(account.events, event_ids, strict=True)
            ],
        )
    _queue(conn, account, ids, event_ids)
    if account.tallies:
        sql.tally_alerts(conn, account.tallies, now=now)
    concerned = {event.alert_id for event in account.events}
    return sorted({(r.product_key, r.severity) for old, r in rows.items() if old in concerned})


def record_delivery(
    conn: psycopg.Connection, alert_ids: Iterable[int], channel: str, now: datetime
) -> list[tuple[str, str]]:
    """Record that a channel took a message about these alerts: the first starts their timeout.

    Part of the caller's transaction. Returns (product, severity) of those for which it was the
    first: ring for them.
    """
    settings = read_settings(conn)
    account = account_of(sql.lock_alerts(conn, sorted(set(alert_ids))), now, settings)
    for kept in list(account.newest.values()):
        step = advance(kept.alert, Delivered(channel), now, settings, kept.flap)
        if not isinstance(step, Refusal):
            account.take(step)
    return store(conn, account)


def _numbers(conn: psycopg.Connection, account: Account) -> tuple[dict[int, int], list[int]]:
    """Real ids for the new alerts, in the order in which they were raised, and for the events."""
    if not (account.raised or account.events):
        return {}, []
    alert_ids, event_ids = sql.draw_alert_ids(
        conn, alerts=account.raised, events=len(account.events)
    )
    return {-place: number for place, number in enumerate(alert_ids, 1)}, event_ids


def _row(kept: Kept, ids: dict[int, int], account: Account) -> AlertRow:
    names = {
        name: ids.get(value, value)
        for name in ("id", "supersedes", "superseded_by")
        if (value := getattr(kept.alert, name)) is not None
    }
    alert = replace(kept.alert, **names) if ids else kept.alert
    return row_from_kept(replace(kept, alert=alert), account)


def _write_alerts(conn: psycopg.Connection, rows: dict[int, AlertRow], account: Account) -> None:
    """Write old alerts before new ones: one that ends makes room for the one in its place."""
    old = [row for number, row in rows.items() if number > 0]
    new = [row for number, row in rows.items() if number < 0]
    if old and sql.update_alerts(conn, old, now=account.now) != len(old):
        raise StateMovedError
    ended = [number for number in account.ended if number > 0]
    if ended:
        sql.drop_messages(conn, ended, reason=f"{OLD_NEWS.code}: {OLD_NEWS.why}")
    if new and sql.insert_alerts(conn, new, now=account.now) != len(new):
        raise StateMovedError


def _queue(
    conn: psycopg.Connection, account: Account, ids: dict[int, int], event_ids: list[int]
) -> None:
    if not account.messages:
        return
    rows = [
        message_row(message, ids.get(message.alert_id, message.alert_id), event_ids)
        for message in account.messages
    ]
    sql.queue_messages(conn, rows, now=account.now)
    if any(row.status == "queued" and row.scheduled_at <= account.now for row in rows):
        defer_dispatch(conn)
