"""Which messages are kept back, and by what. Pure: the whole policy is one table.

A rise is told whatever people have done: neither an acknowledgement nor a snooze holds it back.
Only two stated policies do: an inhibition (another alert explains it) and an unstable subject
that was this bad before. Important messages that these hold back are owed, and told when they end.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from worker.alerts.flapping import Flap
from worker.alerts.steps import Quiet, Tell, Voice
from worker.alerts.values import Alert, AlertSeverity, TellKind, rank

Mute = Literal["never-told", "acknowledged", "snoozed", "inhibited", "unstable"]

MUTES: dict[TellKind, tuple[Mute, ...]] = {
    "raised": ("inhibited", "unstable"),
    "rose": ("inhibited", "unstable"),
    "still-true": ("inhibited", "unstable"),
    "snooze-over": ("inhibited", "unstable"),
    "escalated": ("acknowledged", "snoozed", "inhibited", "unstable"),
    "seen-again": ("acknowledged", "snoozed", "inhibited", "unstable"),
    "repeated": ("acknowledged", "snoozed", "inhibited", "unstable"),
    "eased": ("snoozed", "inhibited", "unstable"),
    # Good news is no noise where the bad news was told, so an inhibition lets it through.
    "cleared": ("never-told", "snoozed", "unstable"),
    "timed-out": ("inhibited", "unstable"),
    "unstable": ("snoozed", "inhibited"),
    "settled": ("snoozed", "inhibited"),
}
"""What may keep each message back, in the order of asking."""

OWED: frozenset[TellKind] = frozenset({"raised", "rose", "still-true", "snooze-over"})
"""Messages that are not dropped when they are held back."""


def voice(kind: TellKind, alert: Alert, flap: Flap, now: datetime, why: str) -> Voice:
    """The message about this alert, or the reason why there is none."""
    for mute in MUTES[kind]:
        quiet = _mutes(mute, alert, flap, now)
        if quiet is not None:
            return quiet
    return Tell(kind, _spoken_severity(kind, alert), why)


def _spoken_severity(kind: TellKind, alert: Alert) -> AlertSeverity | None:
    return None if kind == "cleared" else alert.severity


def _mutes(mute: Mute, alert: Alert, flap: Flap, now: datetime) -> Quiet | None:  # noqa: C901
    match mute:
        case "never-told":
            if alert.last_told_at is None and alert.story_told_at is None:
                return Quiet("never-told", "it began and ended before anybody was told")
        case "acknowledged":
            if alert.attention == "reviewing":
                return Quiet("acknowledged", f"{alert.acknowledged_by} is on it")
        case "snoozed":
            if alert.snooze_until is not None and now < alert.snooze_until:
                until = f"{alert.snooze_until:%Y-%m-%d %H:%M} UTC"
                return Quiet("snoozed", f"snoozed by {alert.snoozed_by} until {until}")
        case "inhibited":
            if alert.inhibited_by is not None:
                return Quiet("inhibited", f"muted: {alert.inhibited_by}")
        case "unstable":
            peak = flap.peak
            if flap.unstable and peak is not None and rank(alert.severity) <= rank(peak):
                return Quiet("unstable", f"the product is unstable; it was {peak} before")
    return None
