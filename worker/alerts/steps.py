"""What the lifecycle gives back: what happened, what is told of it, or why nothing happened."""

from __future__ import annotations

from typing import Literal

import msgspec

from worker.alerts.flapping import Flap
from worker.alerts.values import Alert, AlertSeverity, Phase, TellKind

# what is told -------------------------------------------------------------------------------------

QuietCode = Literal[
    "deduplicated",
    "acknowledged",
    "snoozed",
    "inhibited",
    "unstable",
    "waiting-to-fall",
    "unknown",
    "never-told",
    "resolved",
    "act-of-a-person",
    "bookkeeping",
    "told-otherwise",
]


class Tell(msgspec.Struct, frozen=True):
    """A message is due. `severity` decides its queue (None is all clear); `why` is a sentence."""

    kind: TellKind
    severity: AlertSeverity | None
    why: str


class Quiet(msgspec.Struct, frozen=True):
    """No message, and the reason: a code to count by and a sentence to read."""

    code: QuietCode
    why: str


Voice = Tell | Quiet

# what happens -------------------------------------------------------------------------------------

Change = Literal[
    "raised",
    "rose",
    "superseded",
    "still-true",
    "updated",
    "seen-again",
    "eased",
    "cleared",
    "cleared-later",
    "delivered",
    "snooze-over",
    "timed-out",
    "escalated",
    "repeated",
    "told-late",
    "unstable",
    "settled",
    "acknowledged",
    "unacknowledged",
    "assigned",
    "noted",
    "snoozed",
    "resolved",
    "reopened",
]
Ended = Literal["acknowledgement", "snooze", "note", "assignment"]

DATA = "data"
CLOCK = "clock"
DELIVERY = "delivery"


class Transition(msgspec.Struct, frozen=True):
    """One thing that happened, for `alert_events`: who, from, to, why, and what is told of it.

    `of` says which alert of the step it belongs to; `subject` is for what belongs to none.
    `ended` names the acts of people to which this transition puts an end. The change `updated`
    touches counters, times and facts only: worth counting, not worth an event.
    """

    change: Change
    of: Literal["alert", "closed", "subject"]
    before: Phase | None
    after: Phase | None
    who: str
    reason: str
    voice: Voice
    ended: tuple[Ended, ...] = ()


class Step(msgspec.Struct, frozen=True):
    """What an event led to.

    `alert` is the subject's newest alert afterwards. `closed` is the one that made room for it:
    store it first, since a subject has one open alert at most. `flap` belongs to the subject.
    """

    alert: Alert | None
    flap: Flap
    transitions: tuple[Transition, ...] = ()
    closed: Alert | None = None

    @property
    def told(self) -> tuple[Tell, ...]:
        """The messages that are due."""
        return tuple(t.voice for t in self.transitions if isinstance(t.voice, Tell))


class Refusal(msgspec.Struct, frozen=True):
    """The event does not fit the alert: nothing changes. `why` is a sentence for whoever asked."""

    code: Literal["no-alert", "another-subject", "late", "superseded", "already-resolved"]
    why: str
