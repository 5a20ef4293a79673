"""What a sighting does to an alert. Pure.

Worse counts at once, as a new alert in this one's place. The same only touches counters, times and
facts. Better starts being timed. What can't be known starts nothing and stops the timing: only
evidence clears.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from worker.alerts.clock import settle
from worker.alerts.draft import Draft, latest
from worker.alerts.events import Sighting
from worker.alerts.noise import MUTES_PRICE_ALERTS, PRICE_KINDS, inhibition
from worker.alerts.steps import DATA, Quiet, QuietCode, Refusal
from worker.alerts.values import (
    BELOW,
    Alert,
    AlertSeverity,
    TellKind,
    alert_severity,
    below_since,
    rank,
)
from worker.alerts.voice import voice


def why_not(alert: Alert | None, sighting: Sighting) -> Refusal | None:
    """Why the alert can't hear the sighting, None if it can."""
    if alert is None:
        return None
    if alert.subject != sighting.subject:
        return Refusal(
            "another-subject",
            f"The alert is about {alert.subject.key}, not {sighting.subject.key}.",
        )
    if alert.resolution == "superseded":
        return Refusal("superseded", "Another alert took its place and hears the news.")
    if sighting.event_time < alert.last_event_time:
        return Refusal(
            "late",
            f"The message is of {sighting.event_time.isoformat()}; "
            f"a newer one, of {alert.last_event_time.isoformat()}, was heard before.",
        )
    return None


def sight(draft: Draft, sighting: Sighting) -> None:
    """Let the alert, or the lack of one, hear the sighting."""
    alert, severity = draft.alert, alert_severity(sighting.severity)
    if alert is None or alert.condition == "cleared":
        if severity is not None:
            _raise(draft, sighting, severity)
    elif not alert.is_open:
        _sight_ended(draft, alert, sighting, severity)
    elif severity is not None and rank(severity) > rank(alert.severity):
        _rise(draft, alert, sighting, severity)
    elif severity == alert.severity:
        _same(draft, alert, sighting)
    else:
        _better(draft, alert, sighting)


# a new alert --------------------------------------------------------------------------------------


def _raise(draft: Draft, sighting: Sighting, severity: AlertSeverity) -> None:
    reason = f"{severity} since {sighting.event_time:%Y-%m-%d %H:%M} UTC"
    if sighting.subject.kind not in PRICE_KINDS:
        reason += f"; {MUTES_PRICE_ALERTS}"
    draft.open(_new_alert(draft, sighting, severity), "raised", "raised", who=DATA, reason=reason)


def _rise(draft: Draft, alert: Alert, sighting: Sighting, severity: AlertSeverity) -> None:
    """A worse alert takes the open one's place, whose acknowledgement or snooze was for less."""
    reason = f"{severity} instead of {alert.severity}"
    if alert.attention == "reviewing":
        reason += f"; what {alert.acknowledged_by} acknowledged was {alert.severity}"
    if alert.snooze_until is not None:
        reason += f"; what {alert.snoozed_by} snoozed was {alert.severity}"
    said = Quiet("told-otherwise", "the alert that takes its place speaks")
    draft.close("superseded", "superseded", who=DATA, reason=reason, said=said)
    _take_place(draft, sighting, severity, "rose", reason, alert.still_true_since)


def _take_place(
    draft: Draft,
    sighting: Sighting,
    severity: AlertSeverity,
    kind: TellKind,
    reason: str,
    still_true_since: datetime | None,
) -> None:
    """Let a new alert go on with the story of the one at hand, with its assignee and note."""
    before = draft.at_hand
    after = _new_alert(
        draft,
        sighting,
        severity,
        supersedes=before.id,
        assignee=before.assignee,
        note=before.note,
        story_told_at=before.story_told_at or before.delivered_at,
        still_true_since=still_true_since,
    )
    draft.open(after, "rose" if kind == "rose" else "still-true", kind, who=DATA, reason=reason)


def _new_alert(draft: Draft, sighting: Sighting, severity: AlertSeverity, **values: Any) -> Alert:
    return Alert(
        subject=sighting.subject,
        severity=severity,
        first_seen=draft.now,
        last_seen=draft.now,
        last_event_time=sighting.event_time,
        waiting_since=draft.now,
        inhibited_by=inhibition(sighting),
        facts=sighting.facts,
        **values,
    )


# an ended alert that was never cleared ------------------------------------------------------------


def _sight_ended(
    draft: Draft, alert: Alert, sighting: Sighting, severity: AlertSeverity | None
) -> None:
    """It was closed by time or by hand, and the condition may go on."""
    if severity is None:
        _touch(draft, alert, sighting)
        _update(draft, "resolved", f"it had ended before ({alert.resolution})")
        settle(draft)
        return
    worse = rank(severity) > rank(alert.severity)
    if not worse and (sighting.echo or _just_closed_by_hand(draft, alert)):
        _touch(draft, alert, sighting)
        when = "after it was said for the last time" if sighting.echo else "a moment ago"
        _update(draft, "resolved", f"{alert.resolved_by} closed it {when}")
        return
    reason = (
        f"still true since {alert.true_since:%Y-%m-%d %H:%M} UTC, "
        f"though the alert before it ended ({alert.resolution}, {alert.resolved_by})"
    )
    if worse:
        reason = f"{severity} instead of {alert.severity}; {reason}"
    kind: TellKind = "rose" if worse else "still-true"
    _take_place(draft, sighting, severity, kind, reason, alert.true_since)


def _just_closed_by_hand(draft: Draft, alert: Alert) -> bool:
    if alert.resolution != "manual" or alert.resolved_at is None:
        return False
    return draft.now - alert.resolved_at <= draft.settings.dedupe_window


# an open alert ------------------------------------------------------------------------------------


def _same(draft: Draft, alert: Alert, sighting: Sighting) -> None:
    """The same again: told only if it was neither seen nor told for `dedupe_window`.

    A message that is owed, or due because a snooze ends, is left to the reminder that follows.
    """
    unseen_for = draft.now - alert.last_seen
    silent_for = draft.now - latest(alert.last_seen, alert.last_told_at)
    _touch(draft, alert, sighting)
    if alert.owed is not None:
        held = voice(
            alert.owed, draft.at_hand, draft.flap, draft.now, "what was held back is told now"
        )
        _update(draft, held.code if isinstance(held, Quiet) else "told-otherwise", held.why)
    elif _is_seen_again(draft, sighting, silent_for) and not _snooze_ends(alert, draft.now):
        minutes = unseen_for.total_seconds() // 60
        reason = f"seen again after {minutes:.0f} min; true since {alert.true_since:%H:%M} UTC"
        draft.speak("seen-again", "seen-again", who=DATA, reason=reason)
    else:
        _update(draft, "deduplicated", f"seen {draft.at_hand.occurrences} times")


def _is_seen_again(draft: Draft, sighting: Sighting, silent_for: timedelta) -> bool:
    return not sighting.echo and silent_for > draft.settings.dedupe_window


def _snooze_ends(alert: Alert, now: datetime) -> bool:
    """Whether a snooze ends now: then the reminder that follows tells it, and why."""
    return alert.snooze_until is not None and alert.snooze_until <= now


def _better(draft: Draft, alert: Alert, sighting: Sighting) -> None:
    """Better than the alert: this starts being timed, if it is known well enough."""
    _touch(draft, alert, sighting)
    if sighting.missing is not None:
        _update(draft, "unknown", f"nothing can clear it: {sighting.missing}")
        return
    since = below_since(draft.at_hand, alert.severity)
    _update(draft, "waiting-to-fall", f"{sighting.severity} since {since:%H:%M} UTC, not yet held")
    settle(draft)  # with a `clear_hold` of 0 it counts at once


def _update(draft: Draft, code: QuietCode, why: str) -> None:
    draft.change("updated", who=DATA, reason=why, voice=Quiet(code, why))


def _touch(draft: Draft, alert: Alert, sighting: Sighting) -> None:
    """Counters, times and facts: all that an update may touch."""
    seen = sighting.severity == alert.severity and not sighting.echo
    doubtful = sighting.missing is not None and not seen
    draft.touch(
        occurrences=alert.occurrences + seen,
        last_seen=latest(alert.last_seen, draft.now) if seen else alert.last_seen,
        last_event_time=sighting.event_time,
        unknown_since=(alert.unknown_since or draft.now) if doubtful else None,
        inhibited_by=inhibition(sighting),
        facts=sighting.facts,
        **_below(draft, alert, sighting),
    )


def _below(draft: Draft, alert: Alert, sighting: Sighting) -> dict[str, datetime | None]:
    """Since when it has been better than each severity; None where that is not known."""
    known, seen = sighting.missing is None, rank(sighting.severity)
    return {
        field: (getattr(alert, field) or draft.now) if known and seen < rank(level) else None
        for level, field in BELOW.items()
    }
