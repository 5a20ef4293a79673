"""Rows of the alerts' tables as values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec


class AlertRow(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """A row of `alerts`. `flap_seen` has pairs of time and severity.

    A row to be written may hold Decimals and times in `facts` and `flap_seen`; one that was read
    holds text. Only what may be null has a default here: a field at its default is left out of the
    JSON, and so written as NULL.
    """

    id: int
    seller_id: str
    marketplace_id: str
    asin: str
    item_condition: str
    kind: str
    severity: str
    condition: str
    attention: str
    first_seen: datetime
    last_seen: datetime
    last_event_time: datetime
    waiting_since: datetime
    occurrences: int
    escalation_level: int
    flap_seen: Sequence[Sequence[Any]]
    facts: Mapping[str, Any]
    trace_id: str
    last_heard: str
    resolution: str | None = None
    resolved_at: datetime | None = None
    resolved_by: str | None = None
    acknowledged_by: str | None = None
    acknowledged_at: datetime | None = None
    assignee: str | None = None
    note: str | None = None
    snooze_until: datetime | None = None
    snoozed_by: str | None = None
    looked_at: datetime | None = None
    below_critical_since: datetime | None = None
    below_high_since: datetime | None = None
    below_warning_since: datetime | None = None
    unknown_since: datetime | None = None
    inhibited_by: str | None = None
    still_true_since: datetime | None = None
    story_told_at: datetime | None = None
    delivered_at: datetime | None = None
    last_told_at: datetime | None = None
    timeout_from: datetime | None = None
    owed: str | None = None
    due_at: datetime | None = None
    supersedes: int | None = None
    superseded_by: int | None = None
    unstable_since: datetime | None = None
    flap_peak: str | None = None
    profit_at_stake_per_day: Decimal | None = None
    currency: str | None = None

    @property
    def product_key(self) -> str:
        """`marketplace:ASIN`, as in bells and views."""
        return f"{self.marketplace_id}:{self.asin}"


class AlertEventRow(msgspec.Struct, frozen=True, gc=False):
    """A row of `alert_events`: `told` or `quiet`, never both."""

    id: int
    alert_id: int
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


class MessageRow(msgspec.Struct, frozen=True, gc=False):
    """A row of `alert_queues` to be written; what it is about is taken from its alert."""

    queue: str
    reach: str
    alert_id: int
    event_id: int | None
    severity: str | None
    tell: str
    why: str
    escalation: int
    scheduled_at: datetime
    snooze_until: datetime | None
    status: str
    reason: str


@dataclass(frozen=True, slots=True)
class AlertSettingsRow:
    """The row of `alert_settings`. `digest_zone` is a time zone's name."""

    clear_hold: timedelta
    dedupe_window: timedelta
    repeat_interval: timedelta
    snooze_default: timedelta
    snooze_max: timedelta
    escalate_after: timedelta
    escalation_levels: int
    escalation_limit: timedelta
    auto_resolve_after: timedelta
    flapping_enter_pct: int
    flapping_leave_pct: int
    flapping_horizon: timedelta
    burst_limit: int
    burst_window: timedelta
    batch_every: timedelta
    digest_hour: int
    digest_zone: str
