"""Which queue a message goes to, and when. Pure; times are in UTC, the digest's hour is local.

Source: issue "Alerts", part 4.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from worker.alerts.settings import AlertSettings
from worker.alerts.steps import Tell
from worker.analysis.severity import Severity

QueueName = Literal["high_priority", "standard", "background"]
Reach = Literal["immediate-channels", "dashboard", "batch", "digest", "history"]

_MONDAY = 0
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Placement:
    """One row of `alert_queues`: where, when and why. `reach` says how far it goes from there."""

    queue: QueueName
    reach: Reach
    at: datetime
    reason: str


def placements(tell: Tell, now: datetime, settings: AlertSettings) -> tuple[Placement, ...]:
    """Where a message goes: what interrupts goes at once, all else in the batch and digest."""
    if tell.kind == "escalated" or _interrupts(tell, "critical"):
        why = "escalated" if tell.kind == "escalated" else "critical"
        return (Placement("high_priority", "immediate-channels", now, f"{why}: at once"),)
    if _interrupts(tell, "high"):
        return (Placement("high_priority", "dashboard", now, "high: on the dashboard at once"),)
    why = tell.kind if tell.severity != "warning" else "warning"
    return (
        Placement("standard", "batch", next_batch(now, settings), f"{why}: the next batch"),
        Placement("standard", "digest", next_digest(now, settings), f"{why}: the daily digest"),
    )


_NO_HURRY = frozenset({"cleared", "eased", "timed-out", "settled"})
"""Nobody must be woken for these, however bad it was."""


def _interrupts(tell: Tell, severity: Severity) -> bool:
    return tell.severity == severity and tell.kind not in _NO_HURRY


def history(severity: Severity, now: datetime, settings: AlertSettings) -> Placement:
    """Where all clear (success, info) goes: nobody is told, the weekly rollup counts it."""
    at = next_rollup(now, settings)
    return Placement("background", "history", at, f"{severity}: history for the weekly rollup")


def next_batch(now: datetime, settings: AlertSettings) -> datetime:
    """The next multiple of `batch_every` after now: a batch of this moment may be read already."""
    passed = (now - _EPOCH) // settings.batch_every
    return _EPOCH + (passed + 1) * settings.batch_every


def next_digest(now: datetime, settings: AlertSettings) -> datetime:
    """The next `digest_hour` after now on the clock of `digest_zone`: once each local day.

    An hour that the clock skips in spring counts as reached when it is skipped; of one that comes
    twice in autumn, the first counts.
    """
    day = now.astimezone(settings.digest_zone)
    at = _digest_of(day, settings)
    return at if at > now else _digest_of(day + timedelta(days=1), settings)


def next_rollup(now: datetime, settings: AlertSettings) -> datetime:
    """The next digest that falls on a Monday."""
    at = next_digest(now, settings)
    while at.astimezone(settings.digest_zone).weekday() != _MONDAY:
        at = next_digest(at, settings)
    return at


def _digest_of(day: datetime, settings: AlertSettings) -> datetime:
    # A wall time with its zone: a day added to it moves the clock by a day, not by 24 hours.
    wall = day.replace(hour=settings.digest_hour, minute=0, second=0, microsecond=0, fold=0)
    return wall.astimezone(UTC)
