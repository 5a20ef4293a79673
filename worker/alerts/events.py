"""What can happen to an alert: data arrive, a message goes out, time passes; people act in SQL."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import msgspec

from worker.alerts.values import AlertSubject
from worker.analysis.severity import Severity


class Sighting(msgspec.Struct, frozen=True):
    """What the newest assessment says about a subject.

    `event_time` is Amazon's. `missing` says what would have to be known to believe a better
    severity, None if nothing: a sighting with such a gap can raise an alert, never lower or clear
    one. An `echo` repeats what the subject's newest alert has heard before, because the message is
    about something else: it is not counted and brings back nothing that has ended.
    `facts` are for the reader; the lifecycle decides nothing by them.
    """

    subject: AlertSubject
    severity: Severity
    event_time: datetime
    missing: str | None = None
    buy_box_suppressed: bool = False
    pricing_health: bool = False
    echo: bool = False
    facts: Mapping[str, object] = msgspec.field(default_factory=dict)


class Tick(msgspec.Struct, frozen=True):
    """Time has passed. Everything that is due happens, however many ticks were missed."""


class Delivered(msgspec.Struct, frozen=True):
    """A channel took a message about the alert."""

    channel: str


AlertEvent = Sighting | Tick | Delivered
"""Everything that can happen to an alert but an act of a person, which the database does."""
