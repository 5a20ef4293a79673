"""What one transaction has to write about alerts. Pure: steps go in, rows come out.

A newly raised alert has no id yet, but its events in the same transaction must name it: it gets a
negative id, counting down, and whoever stores it puts a real one in its place.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import get_args

import msgspec
from msgspec.structs import replace

from worker.alerts.flapping import STEADY, Flap
from worker.alerts.routing import Placement, history, placements
from worker.alerts.settings import AlertSettings
from worker.alerts.steps import Quiet, Step, Tell, Transition
from worker.alerts.values import Alert, TellKind, below_since, rank
from worker.alerts.voice import OWED
from worker.analysis.severity import Severity

_TELL_KINDS: Mapping[str, TellKind] = {kind: kind for kind in get_args(TellKind)}
_HOLDS_BACK = frozenset({"acknowledged", "snoozed", "inhibited", "unstable", "never-told"})
"""Codes that keep a due message from people; the other codes say why none was due."""

ASSESSED = "assessed"

PASSED = Quiet("waiting-to-fall", "what came at the same time says that it may be over already")

OLD_NEWS = Quiet("told-otherwise", "what followed says more, before this was sent")


class Kept(msgspec.Struct, frozen=True):
    """An alert with what belongs to its subject. `last_heard`: what became of the last message."""

    alert: Alert
    flap: Flap = STEADY
    trace_id: str = ""
    last_heard: str = ""


class Event(msgspec.Struct, frozen=True):
    """A row of `alert_events`: it happened to the alert of this id."""

    alert_id: int
    transition: Transition
    trace_id: str | None = None


class Message(msgspec.Struct, frozen=True):
    """A row of `alert_queues`. `event` is the place of its event in the account.

    `escalation` and `snooze_until` are the alert's. `held_back` is why it will not be sent, None
    if it will.
    """

    alert_id: int
    escalation: int
    snooze_until: datetime | None
    event: int | None
    severity: Severity | None
    tell: str
    why: str
    placement: Placement
    held_back: Quiet | None = None

    @property
    def is_told(self) -> bool:
        """Whether people hear of it: history is for the rollup."""
        return self.held_back is None and self.placement.reach != "history"


@dataclass(slots=True)
class Account:
    """The alerts of some subjects as they change, and the record of it."""

    now: datetime
    settings: AlertSettings
    newest: dict[str, Kept] = field(default_factory=dict)
    changed: dict[int, Kept] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    tallies: Counter[str] = field(default_factory=Counter)
    ended: set[int] = field(default_factory=set)
    """Alerts that were superseded or timed out: messages that still wait for them are old news."""
    _raised: int = 0

    @classmethod
    def of(cls, kept: Iterable[Kept], now: datetime, settings: AlertSettings) -> Account:
        """Begin with the newest alert of each subject that has one."""
        return cls(now, settings, newest={one.alert.subject.key: one for one in kept})

    @property
    def raised(self) -> int:
        """How many alerts are new."""
        return self._raised

    def take(self, step: Step, *, trace_id: str | None = None) -> None:
        """Write down a step of the subject's newest alert."""
        if step.alert is None:
            return
        before = self.newest.get(step.alert.subject.key)
        alert = step.alert if step.alert.id is not None else self._name(step.alert)
        closed_id = None
        if step.closed is not None:
            closed_id = step.closed.id
            self._change(Kept(step.closed, STEADY, *_heard(before, trace_id, step, "closed")))
        if alert is not step.alert and before is not None:
            self._succeed(before, alert)
        kept = Kept(alert, _rested(alert, step.flap), *_heard(before, trace_id, step, "alert"))
        if kept != before:
            self._change(kept)
        self.newest[alert.subject.key] = kept
        for one in step.transitions:
            self._record(one, closed_id if one.of == "closed" else alert.id, alert, trace_id)

    def all_clear(self, alert: Alert, severity: Severity) -> None:
        """A subject that had an alert is well again: the weekly rollup counts it."""
        placement = history(severity, self.now, self.settings)
        self._message(alert, None, severity, "all-clear", placement.reason, placement)

    def hold_back_what_passed(self) -> None:
        """What began in this account, and looks over by its last message, is owed instead of told.

        A backlog brings hours of messages at once: nobody is called for what looks well again, with
        figures that deny it. If it gets bad again before it clears, it is told then.
        """
        for number, kept in list(self.changed.items()):
            alert = kept.alert
            over = alert.is_open and below_since(alert, "warning") is not None
            if number > 0 or not over or kept.flap.unstable:
                continue
            due = [m for m in self.messages if m.alert_id == number and m.is_told]
            kinds = {m.tell for m in due}
            if len(kinds) != 1 or not kinds <= OWED:
                continue
            [kind] = kinds
            held = replace(kept, alert=replace(alert, owed=kind, last_told_at=None))
            self._change(held)
            self.newest[alert.subject.key] = held
            self.tallies[PASSED.code] += 1
            self.messages = [replace(m, held_back=PASSED) if m in due else m for m in self.messages]
            self.events = [
                replace(e, transition=replace(e.transition, voice=PASSED))
                if e.alert_id == number and isinstance(e.transition.voice, Tell)
                else e
                for e in self.events
            ]

    def _name(self, alert: Alert) -> Alert:
        self._raised += 1
        return replace(alert, id=-self._raised)

    def _change(self, kept: Kept) -> None:
        assert kept.alert.id is not None  # noqa: S101 - `take` named it
        self.changed[kept.alert.id] = kept

    def _succeed(self, earlier: Kept, later: Alert) -> None:
        """Write the other half of `supersedes`; what the subject looks back on moves to `later`.

        An earlier alert left unstable would settle by itself, and say so beside the newest.
        """
        assert earlier.alert.id is not None  # noqa: S101 - it was read, or `take` named it
        before = self.changed.get(earlier.alert.id, earlier)
        if later.supersedes is not None:
            linked = replace(before.alert, superseded_by=later.id)
            self._change(replace(before, alert=linked, flap=STEADY))
        elif before.flap.unstable:
            self._change(replace(before, flap=STEADY))

    def _record(
        self, one: Transition, alert_id: int | None, alert: Alert, trace_id: str | None
    ) -> None:
        if isinstance(one.voice, Quiet):
            self.tallies[one.voice.code] += 1
        if one.change == "updated" or alert_id is None:
            return
        if one.change in {"superseded", "timed-out"}:
            self._end(alert_id)
        self.events.append(Event(alert_id, one, trace_id))
        if one.of == "closed":
            return
        tell = self._told(one, alert)
        if tell is None:
            return
        held = one.voice if isinstance(one.voice, Quiet) else None
        for placement in placements(tell, self.now, self.settings)[: 1 if held else None]:
            self._message(
                alert, len(self.events) - 1, tell.severity, tell.kind, tell.why, placement, held
            )

    def _end(self, alert_id: int) -> None:
        self.ended.add(alert_id)
        self.messages = [
            replace(m, held_back=OLD_NEWS) if m.alert_id == alert_id and not m.held_back else m
            for m in self.messages
        ]

    @staticmethod
    def _told(one: Transition, alert: Alert) -> Tell | None:
        """The message that is due, or would be if nothing held it back."""
        if isinstance(one.voice, Tell):
            return one.voice
        kind = _TELL_KINDS.get(one.change)
        if kind is None or one.voice.code not in _HOLDS_BACK:
            return None
        return Tell(kind, None if kind == "cleared" else alert.severity, one.reason)

    def _message(
        self,
        alert: Alert,
        event: int | None,
        severity: Severity | None,
        tell: str,
        why: str,
        placement: Placement,
        held_back: Quiet | None = None,
    ) -> None:
        assert alert.id is not None  # noqa: S101 - `take` named it
        level, until = alert.escalation_level, alert.snooze_until
        self.messages.append(
            Message(alert.id, level, until, event, severity, tell, why, placement, held_back)
        )


def _heard(before: Kept | None, trace_id: str | None, step: Step, of: str) -> tuple[str, str]:
    """The trace of the last message, and what became of it."""
    said = [one for one in step.transitions if one.of in {of, "subject"}]
    if trace_id is None:  # time or a person: the last message is what it was
        return (before.trace_id, before.last_heard) if before else ("", "")
    if not said:
        return trace_id, before.last_heard if before else ""
    last = said[-1].voice
    word = f"told ({last.kind})" if isinstance(last, Tell) else last.code
    return trace_id, f"{word}: {last.why}"


def _rested(alert: Alert, flap: Flap) -> Flap:
    """Assessments that were all clear say no more than none: a cleared alert keeps none of them."""
    over = alert.condition == "cleared" and not flap.unstable
    return STEADY if over and not any(one.severity for one in flap.seen) else flap


def is_at_rest(kept: Kept | None, severity: Severity) -> bool:
    """Whether the severity is all clear and no news to the subject, which need not hear of it."""
    if rank(severity):
        return False
    return kept is None or (kept.alert.condition == "cleared" and kept.flap == STEADY)
