"""What time does to an alert. Pure; `now` alone decides what is due, so missed ticks don't hurt.

`settle` does what is due before anything new is heard: a fall that has held counts, an alert whose
time is up ends. `remind` comes last and tells at most one message.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from worker.alerts.draft import Draft, ending, endings
from worker.alerts.steps import CLOCK, DATA, Quiet, Tell
from worker.alerts.values import Alert, AlertSeverity, below_since
from worker.alerts.voice import voice

_NEXT_BETTER: dict[AlertSeverity, AlertSeverity | None] = {
    "critical": "high",
    "high": "warning",
    "warning": None,
}


def settle(draft: Draft) -> None:
    """Let a fall that has held count, and end the alert if its time is up."""
    if draft.alert is None:
        return
    _fall(draft)
    _time_out(draft)


def remind(draft: Draft) -> None:
    """Remind people: one message at most, and none if another is already due."""
    if draft.alert is None or not draft.alert.is_open:
        return
    if _is_over(draft.at_hand.snooze_until, draft.now):
        _end_snooze(draft)
        return
    if draft.has_told() or draft.at_hand.is_falling or draft.at_hand.snooze_until is not None:
        return
    for reminder in (_tell_late, _escalate, _repeat):
        reminder(draft)
        if draft.has_told():
            return


# settling -----------------------------------------------------------------------------------------


def _fall(draft: Draft) -> None:
    """Lower the alert to what the data have shown for the whole of `clear_hold`."""
    alert = draft.at_hand
    if alert.condition == "cleared" or alert.resolution == "superseded":
        return
    fallen: AlertSeverity | None = alert.severity
    since = alert.last_seen
    while fallen is not None:
        better_since = below_since(alert, fallen)
        if better_since is None or draft.now - better_since < draft.settings.clear_hold:
            break
        fallen, since = _NEXT_BETTER[fallen], better_since
    if fallen is None:
        _clear(draft, since)
    elif fallen != alert.severity and alert.is_open:
        draft.speak(
            "eased",
            "eased",
            who=DATA,
            reason=f"{fallen} instead of {alert.severity} since {_clock(since)}",
            severity=fallen,
            last_seen=since,
        )


def _clear(draft: Draft, since: datetime) -> None:
    alert = draft.at_hand
    reason = f"the data have shown neither {alert.severity} nor anything less since {_clock(since)}"
    if not alert.is_open:
        draft.change(
            "cleared-later",
            who=DATA,
            reason=reason,
            voice=Quiet("resolved", f"it ended before ({alert.resolution}) by {alert.resolved_by}"),
            condition="cleared",
        )
        return
    ended = endings(alert)
    if "snooze" in ended:
        reason += f"; this ends the snooze of {alert.snoozed_by}"
    draft.speak(
        "cleared",
        "cleared",
        who=DATA,
        reason=reason,
        ended=ended,
        condition="cleared",
        **ending("cleared", draft.now, DATA),
    )


def _time_out(draft: Draft) -> None:
    """End the alert without saying that anything was fixed. A snooze runs out first."""
    alert = draft.at_hand
    if not alert.is_open or alert.timeout_from is None or alert.snooze_until is not None:
        return
    if alert.is_falling or draft.now - alert.timeout_from < draft.settings.auto_resolve_after:
        return
    draft.hush()
    draft.speak(
        "timed-out",
        "timed-out",
        who=CLOCK,
        reason=(
            f"closed {_length(draft.settings.auto_resolve_after)} after it was delivered; "
            f"nothing says that it is over (last seen {_clock(alert.last_seen)})"
        ),
        ended=endings(alert),
        **ending("timeout", draft.now, CLOCK),
    )


# reminding ----------------------------------------------------------------------------------------


def _end_snooze(draft: Draft) -> None:
    alert, now = draft.at_hand, draft.now
    reason = f"the snooze of {alert.snoozed_by} is over and it is still true{_doubt(alert)}"
    values = {
        "snooze_until": None,
        "waiting_since": now,
        "timeout_from": now if alert.timeout_from else None,
    }
    if alert.is_falling or draft.has_told():
        draft.change(
            "snooze-over",
            who=CLOCK,
            reason=f"the snooze of {alert.snoozed_by} is over",
            voice=_why_not_now(draft),
            ended=("snooze",),
            owed="snooze-over" if alert.is_falling else alert.owed,
            **values,
        )
        return
    draft.speak("snooze-over", "snooze-over", who=CLOCK, reason=reason, ended=("snooze",), **values)


def _why_not_now(draft: Draft) -> Quiet:
    if draft.has_told():
        return Quiet("told-otherwise", "another message about it is due at this moment")
    return Quiet("waiting-to-fall", "it looks better at the moment and may be about to clear")


def _tell_late(draft: Draft) -> None:
    """Tell what was held back, once nothing holds it back any more."""
    alert = draft.at_hand
    if alert.owed is None:
        return
    reason = f"held back until now; it has been true since {_clock(alert.true_since)}"
    if isinstance(voice(alert.owed, alert, draft.flap, draft.now, reason), Tell):
        # Nobody could acknowledge what nobody was told of, so the wait begins now.
        draft.speak(
            "told-late",
            alert.owed,
            who=CLOCK,
            reason=reason + _doubt(alert),
            waiting_since=draft.now,
        )


def _escalate(draft: Draft) -> None:
    alert, settings, now = draft.at_hand, draft.settings, draft.now
    if alert.severity != "critical" or alert.escalation_level >= settings.escalation_levels:
        return
    if now - alert.waiting_since < settings.escalate_after:
        return
    if now - alert.first_seen > settings.escalation_limit:
        return
    level = alert.escalation_level + 1
    reason = (
        f"level {level}: nobody has acknowledged it since {_clock(alert.waiting_since)}"
        f"{_doubt(alert)}"
    )
    if isinstance(voice("escalated", alert, draft.flap, now, reason), Tell):
        draft.speak(
            "escalated",
            "escalated",
            who=CLOCK,
            reason=reason,
            escalation_level=level,
            waiting_since=now,
        )


def _repeat(draft: Draft) -> None:
    alert = draft.at_hand
    if alert.last_told_at is None:
        return
    if draft.now - alert.last_told_at < draft.settings.repeat_interval:
        return
    reason = f"still true since {_clock(alert.true_since)}{_doubt(alert)}"
    if isinstance(voice("repeated", alert, draft.flap, draft.now, reason), Tell):
        draft.speak("repeated", "repeated", who=CLOCK, reason=reason)


# words --------------------------------------------------------------------------------------------


def _is_over(until: datetime | None, now: datetime) -> bool:
    return until is not None and until <= now


def _doubt(alert: Alert) -> str:
    """What to add when the newest data can't say whether it is still so."""
    if alert.unknown_since is None:
        return ""
    seen = _clock(alert.last_seen)
    return f" as far as is known: no usable data since {_clock(alert.unknown_since)}, seen {seen}"


def _clock(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"


def _length(span: timedelta) -> str:
    hours = span.total_seconds() / 3600
    return f"{hours:g} h"
