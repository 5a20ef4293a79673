"""Alerts as values from the database's rows, and back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any, cast
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from db.alert_rows import AlertEventRow, AlertRow, AlertSettingsRow, MessageRow
from db.params import by_name
from process.logs import get_logger
from worker.alerts.account import Account, Event, Kept, Message
from worker.alerts.due import next_due
from worker.alerts.flapping import Flap, Seen
from worker.alerts.settings import LONGEST, AlertSettings
from worker.alerts.steps import Tell
from worker.alerts.values import Alert, AlertSubject

log = get_logger(__name__)

_plain_of = by_name(*(name for name in Alert.__struct_fields__ if name != "subject"))
_subject_of = by_name(*AlertSubject._fields)


def kept_from_row(row: AlertRow) -> Kept:
    """The alert a row holds. The table's constraints vouch for its words."""
    subject = AlertSubject(**_subject_of(row))
    seen = msgspec.convert(row.flap_seen, tuple[Seen, ...])
    flap = Flap(seen, row.unstable_since, cast("Any", row.flap_peak))
    alert = Alert(subject, **_plain_of(row))
    return Kept(alert, flap, row.trace_id, row.last_heard)


def row_from_kept(kept: Kept, account: Account) -> AlertRow:
    """The row that holds an alert of this account."""
    alert, flap = kept.alert, kept.flap
    return AlertRow(
        **alert.subject._asdict(),
        **_plain_of(alert),
        due_at=next_due(alert, flap, account.now, account.settings),
        flap_seen=flap.seen,
        unstable_since=flap.unstable_since,
        flap_peak=flap.peak,
        profit_at_stake_per_day=cast("Any", alert.facts.get("profit_at_stake_per_day")),
        currency=cast("Any", alert.facts.get("currency")),
        trace_id=kept.trace_id,
        last_heard=kept.last_heard,
    )


def event_row(event: Event, number: int, alert_id: int, now: datetime) -> AlertEventRow:
    """The record of something that happened to an alert."""
    one = event.transition
    told = isinstance(one.voice, Tell)
    return AlertEventRow(
        id=number,
        alert_id=alert_id,
        at=now,
        who=one.who,
        change=one.change,
        from_phase=None if one.before is None else str(one.before),
        to_phase=None if one.after is None else str(one.after),
        reason=one.reason,
        told=one.voice.kind if isinstance(one.voice, Tell) else None,
        quiet=None if isinstance(one.voice, Tell) else one.voice.code,
        voice_why="" if told else one.voice.why,
        ended=list(one.ended),
        trace_id=event.trace_id,
    )


def message_row(message: Message, alert_id: int, event_ids: Sequence[int]) -> MessageRow:
    """A message as it waits, or as it was held back."""
    held, placement = message.held_back, message.placement
    snoozed = held is not None and held.code == "snoozed"
    status = "queued" if held is None else ("snoozed" if snoozed else "suppressed")
    return MessageRow(
        queue=placement.queue,
        reach=placement.reach,
        alert_id=alert_id,
        event_id=None if message.event is None else event_ids[message.event],
        severity=message.severity,
        tell=message.tell,
        why=message.why,
        escalation=message.escalation,
        scheduled_at=placement.at,
        snooze_until=message.snooze_until if snoozed else None,
        status=status,
        reason=placement.reason if held is None else f"{held.code}: {held.why}",
    )


def settings_from_row(row: AlertSettingsRow) -> AlertSettings:
    """The settings of a row.

    A year has 360 days for the table's checks and 365 here: a length that they let through must
    not stop the alerts.
    """
    values: dict[str, Any] = {
        f.name: getattr(row, f.name) for f in fields(row) if f.name != "digest_zone"
    }
    for name, value in values.items():
        if isinstance(value, timedelta):
            values[name] = min(value, LONGEST)
    values["snooze_default"] = min(values["snooze_default"], values["snooze_max"])
    return AlertSettings(**values, digest_zone=zone_or_utc(row.digest_zone, "digest_zone_unknown"))


def zone_or_utc(name: str, complaint: str) -> tzinfo:
    """The zone. One that only Postgres knows must not stop the alerts: UTC then, and a log line."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        log.error(complaint, zone=name, used="UTC")
        return UTC
