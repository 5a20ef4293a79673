"""What people do to an alert, in Python: the SQL functions, which alone run, are held against it.

An act that does not fit is refused with a sentence. An act never tells anybody anything: the one
who acts knows, and the dashboards see the row change.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import msgspec
from msgspec.structs import replace

from worker.alerts import lifecycle
from worker.alerts.draft import ending, endings
from worker.alerts.events import AlertEvent
from worker.alerts.flapping import STEADY, Flap
from worker.alerts.settings import AlertSettings
from worker.alerts.steps import Change, Ended, Quiet, Refusal, Step, Transition
from worker.alerts.values import Alert, Attention, TellKind


class Acknowledge(msgspec.Struct, frozen=True):
    """A person takes it on, with a note if given."""

    who: str
    note: str | None = None


class Unacknowledge(msgspec.Struct, frozen=True):
    """A person gives it back."""

    who: str


class Assign(msgspec.Struct, frozen=True):
    """A person says whose it is; None is nobody's."""

    who: str
    assignee: str | None


class Note(msgspec.Struct, frozen=True):
    """A person writes a note, which replaces the one before."""

    who: str
    text: str


class Snooze(msgspec.Struct, frozen=True):
    """A person wants quiet for a while; without a length, for the default."""

    who: str
    length: timedelta | None = None


class Resolve(msgspec.Struct, frozen=True):
    """A person closes it. That says nothing about the condition."""

    who: str


class Reopen(msgspec.Struct, frozen=True):
    """A person takes the closing back."""

    who: str


Act = Acknowledge | Unacknowledge | Assign | Note | Snooze | Resolve | Reopen
"""What people do."""

_Done = tuple[Change, str, dict[str, Any], tuple[Ended, ...]]
"""The change, its reason, the fields that change, and what it ends."""


def advance(
    alert: Alert | None,
    event: AlertEvent | Act,
    now: datetime,
    settings: AlertSettings,
    flap: Flap = STEADY,
) -> Step | Refusal:
    """The lifecycle's `advance`, for acts of people too."""
    if isinstance(event, Act):
        return act(alert, event, now, settings, flap)
    return lifecycle.advance(alert, event, now, settings, flap)


def act(
    alert: Alert | None, event: Act, now: datetime, settings: AlertSettings, flap: Flap
) -> Step | Refusal:
    """The alert after a person's act, or why the act does not fit."""
    if not event.who.strip():
        return Refusal("nobody", "Say who does it: the history names everybody who acted.")
    if alert is None:
        return Refusal("no-alert", "There is no alert to act on.")
    done = _do(alert, event, now, settings)
    if isinstance(done, Refusal):
        return done
    change, reason, values, ended = done
    after = replace(alert, looked_at=alert.looked_at or now, **values)
    said = Quiet("act-of-a-person", f"{event.who} did it and knows")
    return Step(
        after,
        flap,
        (Transition(change, "alert", alert.phase, after.phase, event.who, reason, said, ended),),
    )


def _do(alert: Alert, event: Act, now: datetime, settings: AlertSettings) -> _Done | Refusal:
    if isinstance(event, Note):
        return _note(alert, event)
    if isinstance(event, Reopen):
        return _reopen(alert, event, now)
    if not alert.is_open:
        return _ended(alert)
    match event:
        case Acknowledge():
            return _acknowledge(alert, event, now)
        case Unacknowledge():
            return _unacknowledge(alert, event, now)
        case Assign():
            return _assign(alert, event)
        case Snooze():
            return _snooze(alert, event, now, settings)
        case Resolve():
            return _resolve(alert, event, now)


def _ended(alert: Alert) -> Refusal:
    if alert.resolution == "superseded":
        number = f" #{alert.superseded_by}" if alert.superseded_by else ""
        return Refusal("superseded", f"It became worse: act on the alert{number} in its place.")
    when = f" at {alert.resolved_at:%Y-%m-%d %H:%M} UTC" if alert.resolved_at else ""
    return Refusal(
        "already-resolved", f"It has ended{when} ({alert.resolution}, {alert.resolved_by})."
    )


def _acknowledge(alert: Alert, event: Acknowledge, now: datetime) -> _Done | Refusal:
    if alert.attention == "reviewing":
        since, has_it = alert.acknowledged_at, "is on it"
        if since is not None:
            has_it = f"has been on it since {since:%H:%M} UTC"
        return Refusal(
            "already-acknowledged", f"It is acknowledged: {alert.acknowledged_by} {has_it}."
        )
    values: dict[str, Any] = {
        "attention": "reviewing",
        "acknowledged_by": event.who,
        "acknowledged_at": now,
        # Whoever takes it on gets the whole time until the timeout, however much has passed.
        "timeout_from": now,
        "owed": None,
    }
    ended: tuple[Ended, ...] = ()
    if event.note is not None and event.note.strip():
        ended = ("note",) if alert.note not in {None, event.note} else ()
        values["note"] = event.note
    return "acknowledged", f"{event.who} is on it", values, ended


def _unacknowledge(alert: Alert, event: Unacknowledge, now: datetime) -> _Done | Refusal:
    if alert.attention != "reviewing":
        return Refusal("not-acknowledged", "Nobody has acknowledged it.")
    values = {
        "attention": "delivered" if alert.delivered_at else "new",
        "acknowledged_by": None,
        "acknowledged_at": None,
        "waiting_since": now,
        "timeout_from": now if alert.delivered_at else None,
        "owed": _owed_again(alert),
    }
    reason = f"{event.who} gave it back; {alert.acknowledged_by} had it"
    return "unacknowledged", reason, values, ("acknowledgement",)


def _owed_again(alert: Alert) -> TellKind | None:
    """The message that is owed once nobody has the alert any more.

    Whoever took on a muted alert took on its message too, which nobody else was told. It comes back
    with the alert, or nothing would ever tell it.
    """
    return alert.owed or ("raised" if alert.last_told_at is None else None)


def _assign(alert: Alert, event: Assign) -> _Done | Refusal:
    if event.assignee is not None and not event.assignee.strip():
        return Refusal("empty", "Say whose it is, or nobody's.")
    if event.assignee == alert.assignee:
        return Refusal("unchanged", f"It is {_whose(alert.assignee)} already.")
    reason = f"{_whose(event.assignee)}, before {_whose(alert.assignee)}"
    ended: tuple[Ended, ...] = ("assignment",) if alert.assignee else ()
    return "assigned", reason, {"assignee": event.assignee}, ended


def _whose(name: str | None) -> str:
    return f"{name}'s" if name else "nobody's"


def _note(alert: Alert, event: Note) -> _Done | Refusal:
    """An ended alert takes notes too: that is when people know what it was."""
    if not event.text.strip():
        return Refusal("empty", "The note is empty.")
    if event.text == alert.note:
        return Refusal("unchanged", "The note says that already.")
    ended: tuple[Ended, ...] = ("note",) if alert.note else ()
    return "noted", event.text, {"note": event.text}, ended


def _snooze(alert: Alert, event: Snooze, now: datetime, settings: AlertSettings) -> _Done | Refusal:
    length = settings.snooze_default if event.length is None else event.length
    if length <= timedelta(0):
        return Refusal("snooze-not-ahead", "A snooze must end after now.")
    if length > settings.snooze_max:
        return Refusal("snooze-too-long", f"A snooze lasts {_length(settings.snooze_max)} at most.")
    until = now + length
    reason = f"{event.who} wants quiet until {until:%Y-%m-%d %H:%M} UTC"
    ended: tuple[Ended, ...] = ("snooze",) if alert.snooze_until else ()
    values = {"snooze_until": until, "snoozed_by": event.who, "owed": None}
    return "snoozed", reason, values, ended


def _length(length: timedelta) -> str:
    hours, rest = divmod(length, timedelta(hours=1))
    return f"{length // timedelta(minutes=1)} min" if rest else f"{hours} h"


def _resolve(alert: Alert, event: Resolve, now: datetime) -> _Done:
    reason = f"{event.who} closed it by hand; nothing says that it is over"
    return "resolved", reason, ending("manual", now, event.who), endings(alert)


def _reopen(alert: Alert, event: Reopen, now: datetime) -> _Done | Refusal:
    """Take back an end that was no clear. The acknowledgement is as it was, a snooze is over."""
    if alert.is_open:
        return Refusal("not-resolved", "It is open.")
    if alert.resolution == "superseded" or alert.superseded_by is not None:
        return _ended(replace(alert, resolution="superseded"))
    if alert.condition == "cleared":
        return Refusal("cleared", "It is not true any more; if it comes back, it is told anew.")
    attention: Attention = "delivered" if alert.delivered_at else "new"
    if alert.acknowledged_by is not None:
        attention = "reviewing"
    values = {
        "attention": attention,
        "resolution": None,
        "resolved_at": None,
        "resolved_by": None,
        "waiting_since": now,
        "timeout_from": now if attention != "new" else None,
        "owed": alert.owed if attention == "reviewing" else _owed_again(alert),
    }
    return "reopened", f"{event.who} took back the end ({alert.resolution})", values, ()
