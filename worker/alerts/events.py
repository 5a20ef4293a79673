"""What can happen to an alert: data arrive, people act, a message goes out, time passes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from worker.alerts.values import AlertSubject
from worker.analysis.severity import Severity


@dataclass(frozen=True, slots=True)
class Sighting:
    """What the newest assessment says about a subject.

    `event_time` is Amazon's. `missing` says what had to be known to believe a better severity
    (None when everything is): such a sighting can raise an alert, never lower or clear one.
    `facts` are for the reader; nothing is decided by them.
    """

    subject: AlertSubject
    severity: Severity
    event_time: datetime
    missing: str | None = None
    buy_box_suppressed: bool = False
    pricing_health: bool = False
    facts: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Tick:
    """Time has passed. Everything that is due happens, however many ticks were missed."""


@dataclass(frozen=True, slots=True)
class Delivered:
    """A channel took a message about the alert."""

    channel: str


@dataclass(frozen=True, slots=True)
class Acknowledge:
    """A person takes it on, with a note if given."""

    who: str
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Unacknowledge:
    """A person gives it back."""

    who: str


@dataclass(frozen=True, slots=True)
class Assign:
    """A person says whose it is; None is nobody's."""

    who: str
    assignee: str | None


@dataclass(frozen=True, slots=True)
class Note:
    """A person writes something down, in the place of the note before."""

    who: str
    text: str


@dataclass(frozen=True, slots=True)
class Snooze:
    """A person wants quiet for a while; without a length, for the default."""

    who: str
    length: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Resolve:
    """A person closes it. That says nothing about the condition."""

    who: str


@dataclass(frozen=True, slots=True)
class Reopen:
    """A person takes the closing back."""

    who: str


Act = Acknowledge | Unacknowledge | Assign | Note | Snooze | Resolve | Reopen
"""What people do."""

AlertEvent = Sighting | Tick | Delivered | Act
"""Everything that can happen."""
