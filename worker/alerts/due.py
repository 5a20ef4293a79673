"""When time alone can next change an alert. Pure; before that nobody needs to look at it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from worker.alerts import flapping
from worker.alerts.flapping import Flap
from worker.alerts.settings import AlertSettings
from worker.alerts.steps import Tell
from worker.alerts.values import Alert, below_since
from worker.alerts.voice import voice


def next_due(alert: Alert, flap: Flap, now: datetime, settings: AlertSettings) -> datetime | None:
    """The earliest time at which a `Tick` may do something; None if none ever will.

    It may be too early, never too late, and after a tick it lies ahead.
    """
    if alert.superseded_by is not None:
        return None  # the alert that took its place has times of its own
    times = [*_settling(flap, now, settings)]
    if alert.resolution != "superseded" and alert.condition == "firing":
        times += _falling(alert, settings)
    if alert.is_open:
        times += _ending(alert, settings)
        if not alert.is_falling and alert.snooze_until is None:
            times += _reminding(alert, flap, now, settings)
    return min(times, default=None)


def _settling(flap: Flap, now: datetime, settings: AlertSettings) -> Iterator[datetime]:
    """An unstable subject settles as its changes grow old.

    They may be too old already: not every event judges it anew.
    """
    if not flap.unstable:
        return
    if flapping.judge(flap, now, settings).unstable:
        yield flapping.changes(flap, now, settings)[0] + settings.flapping_horizon
    else:
        yield now


def _falling(alert: Alert, settings: AlertSettings) -> Iterator[datetime]:
    # An ended alert can only clear.
    since = below_since(alert, alert.severity if alert.is_open else "warning")
    if since is not None:
        yield since + settings.clear_hold


def _ending(alert: Alert, settings: AlertSettings) -> Iterator[datetime]:
    if alert.snooze_until is not None:
        yield alert.snooze_until
    elif alert.timeout_from is not None and not alert.is_falling:
        yield alert.timeout_from + settings.auto_resolve_after


def _reminding(
    alert: Alert, flap: Flap, now: datetime, settings: AlertSettings
) -> Iterator[datetime]:
    """What is muted now is not due: its mute ends by data, by a person or by settling."""
    if alert.owed is not None and isinstance(voice(alert.owed, alert, flap, now, ""), Tell):
        yield now
    escalation = alert.waiting_since + settings.escalate_after
    if (
        alert.severity == "critical"
        and alert.escalation_level < settings.escalation_levels
        and max(escalation, now) <= alert.first_seen + settings.escalation_limit
        and isinstance(voice("escalated", alert, flap, now, ""), Tell)
    ):
        yield escalation
    if alert.last_told_at is not None and isinstance(voice("repeated", alert, flap, now, ""), Tell):
        yield alert.last_told_at + settings.repeat_interval
