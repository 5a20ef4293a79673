"""A step in the making: the alert as it changes, and a record of each change."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from msgspec.structs import replace

from worker.alerts.flapping import Flap, worst
from worker.alerts.settings import AlertSettings
from worker.alerts.steps import Change, Ended, Quiet, Step, Tell, Transition, Voice
from worker.alerts.values import Alert, Phase, Resolution, TellKind
from worker.alerts.voice import OWED, voice


@dataclass(slots=True)
class Draft:
    """The alert at hand, the one it replaced, and what happened so far."""

    alert: Alert | None
    now: datetime
    settings: AlertSettings
    flap: Flap
    closed: Alert | None = None
    transitions: list[Transition] = field(default_factory=list)
    given: Alert | None = field(init=False)

    def __post_init__(self) -> None:
        self.given = self.alert

    @property
    def at_hand(self) -> Alert:
        """The alert, where there must be one."""
        assert self.alert is not None  # noqa: S101 - callers look first
        return self.alert

    def has_told(self) -> bool:
        """Whether a message is already due."""
        return any(isinstance(t.voice, Tell) for t in self.transitions)

    def touch(self, **values: Any) -> None:
        """Change counters, times and facts. Nobody hears of it."""
        if values:
            self.alert = replace(self.at_hand, **values)

    def change(
        self,
        change: Change,
        *,
        who: str,
        reason: str,
        voice: Voice,
        ended: tuple[Ended, ...] = (),
        **values: Any,
    ) -> None:
        """Change the alert and record it."""
        before = self.at_hand.phase
        self.touch(**values)
        self._record(change, before, who, reason, voice, ended)

    def speak(
        self,
        change: Change,
        kind: TellKind,
        *,
        who: str,
        reason: str,
        ended: tuple[Ended, ...] = (),
        **values: Any,
    ) -> None:
        """Change the alert, record it and tell people, unless something keeps the message back.

        That is asked of the alert as it was, but with its new severity: a snooze that a clear ends
        still keeps that clear quiet.
        """
        before = self.at_hand
        self.touch(**values)
        asked = replace(before, severity=self.at_hand.severity)
        said = voice(kind, asked, self.flap, self.now, reason)
        self._record(change, before.phase, who, reason, said, ended)
        self._remember(kind, said)

    def close(
        self, change: Change, resolution: Resolution, *, who: str, reason: str, said: Quiet
    ) -> None:
        """End the alert without a message of its own."""
        self.change(
            change,
            who=who,
            reason=reason,
            voice=said,
            ended=endings(self.at_hand),
            **ending(resolution, self.now, who),
        )

    def open(self, alert: Alert, change: Change, kind: TellKind, *, who: str, reason: str) -> None:
        """Let a new alert take the place of the one at hand."""
        if self.alert is not None:
            self._set_aside()
        self.alert = alert
        said = voice(kind, alert, self.flap, self.now, reason)
        self._record(change, None, who, reason, said)
        self._remember(kind, said)

    def hush(self) -> None:
        """Take back what is due so far: what comes now says more."""
        self.transitions = [replace(t, voice=_old_news(t.voice)) for t in self.transitions]

    def step(self) -> Step:
        """The finished step."""
        return Step(self.alert, self.flap, tuple(self.transitions), self.closed)

    def _set_aside(self) -> None:
        """What happened so far happened to the alert that is now the closed one.

        Its messages are old news: a "cleared" that arrives after the next "raised" would be false.
        """
        if self.alert is not self.given:
            self.closed = self.alert
            self.hush()
            self.transitions = [replace(t, of="closed") for t in self.transitions]

    def _record(
        self,
        change: Change,
        before: Phase | None,
        who: str,
        reason: str,
        said: Voice,
        ended: tuple[Ended, ...] = (),
    ) -> None:
        after = self.at_hand.phase
        self.transitions.append(
            Transition(change, "alert", before, after, who, reason, said, ended)
        )

    def _remember(self, kind: TellKind, said: Voice) -> None:
        if isinstance(said, Tell):
            self.touch(last_told_at=latest(self.at_hand.last_told_at, self.now), owed=None)
            if self.flap.unstable:
                peak = worst(self.flap.peak, self.at_hand.severity)
                self.flap = replace(self.flap, peak=peak)
        elif kind in OWED:
            self.touch(owed=kind)


def _old_news(said: Voice) -> Quiet:
    if isinstance(said, Quiet):
        return said
    return Quiet("told-otherwise", f"what followed at once says more than this: {said.why}")


def endings(alert: Alert) -> tuple[Ended, ...]:
    """Which acts of people end when the alert is closed. Notes and names stay on its row."""
    found: list[Ended] = []
    if alert.attention == "reviewing":
        found.append("acknowledgement")
    if alert.snooze_until is not None:
        found.append("snooze")
    return tuple(found)


def ending(resolution: Resolution, now: datetime, who: str) -> dict[str, Any]:
    """The fields of a closed alert."""
    return {
        "attention": "resolved",
        "resolution": resolution,
        "resolved_at": now,
        "resolved_by": who,
        "snooze_until": None,
        "owed": None,
    }


def latest(*times: datetime | None) -> datetime:
    """The latest of the known times, so that none goes backwards where servers' clocks differ."""
    return max(time for time in times if time is not None)
