"""Whether a subject's severity changes too often to tell each change. Pure.

The scheme is Icinga's: those of the last 20 assessments that changed something are added up, newer
ones weighing more (0.80 for the oldest place to 1.15 for the newest), as a share of 20. Above the
upper threshold the subject is unstable, at or under the lower one it is settled. Icinga checks at
a steady pace; our messages come when something changes, so changes also age: without the
horizon a product that changes once a day would be unstable, and one that went quiet would stay so.
"""

from __future__ import annotations

from datetime import datetime
from itertools import pairwise
from typing import Literal, NamedTuple

import msgspec
from msgspec.structs import replace

from worker.alerts.settings import AlertSettings
from worker.alerts.values import AlertSeverity, alert_severity, rank
from worker.analysis.severity import Severity

ASSESSMENTS = 20
"""How many assessments are looked back on."""

_STEPS = ASSESSMENTS - 1
_WHOLE = 100 * _STEPS
"""The weights are integers over this, so that comparing with a threshold is exact."""

_WEIGHTS = tuple(80 * _STEPS + 35 * place for place in range(ASSESSMENTS))

Flip = Literal["unstable", "settled"]


class Seen(NamedTuple):
    """One assessment. All clear is None, whatever its name."""

    at: datetime
    severity: AlertSeverity | None


class Flap(msgspec.Struct, frozen=True):
    """A subject's last assessments, oldest first; one more than 20, to see the oldest's change.

    While unstable, `peak` is the worst severity that people have heard of; only worse is told.
    """

    seen: tuple[Seen, ...] = ()
    unstable_since: datetime | None = None
    peak: AlertSeverity | None = None

    @property
    def unstable(self) -> bool:
        """Whether changes are kept quiet, unless they are worse than all before."""
        return self.unstable_since is not None


STEADY = Flap()


def note(flap: Flap, severity: Severity, now: datetime, settings: AlertSettings) -> Flap:
    """Add an assessment and judge anew."""
    seen = (*flap.seen, Seen(now, alert_severity(severity)))[-ASSESSMENTS - 1 :]
    return judge(replace(flap, seen=seen), now, settings)


def judge(flap: Flap, now: datetime, settings: AlertSettings) -> Flap:
    """Unstable or settled, as of now."""
    score = _score(flap, now, settings)
    limit = settings.flapping_leave_pct if flap.unstable else settings.flapping_enter_pct
    unstable = score > limit * ASSESSMENTS * _WHOLE
    if unstable == flap.unstable:
        return flap
    if not unstable:
        return replace(flap, unstable_since=None, peak=None)
    recent = [s.severity for s in flap.seen if now - s.at < settings.flapping_horizon]
    return replace(flap, unstable_since=now, peak=worst(*recent))


def flip(before: Flap, after: Flap) -> Flip | None:
    """What the subject has become, None if it is what it was."""
    if before.unstable == after.unstable:
        return None
    return "unstable" if after.unstable else "settled"


def changes(flap: Flap, now: datetime, settings: AlertSettings) -> tuple[datetime, ...]:
    """The times of the changes that count, oldest first."""
    return tuple(at for _, at in _changes(flap, now, settings))


def describe(flap: Flap, now: datetime, settings: AlertSettings) -> str:
    """`unstable: n changes in m min`, over the changes that count."""
    times = changes(flap, now, settings)
    minutes = -((times[0] - now).total_seconds() // 60) if times else 0
    return f"unstable: {len(times)} changes in {minutes:.0f} min"


def worst(*severities: AlertSeverity | None) -> AlertSeverity | None:
    """The worst of them; None is all clear."""
    return max(severities, key=lambda s: rank(s) if s else 0, default=None)


def _score(flap: Flap, now: datetime, settings: AlertSettings) -> int:
    """A hundred times the weights of the places that changed, in parts of `_WHOLE`."""
    return 100 * sum(_WEIGHTS[place] for place, _ in _changes(flap, now, settings))


def _changes(flap: Flap, now: datetime, settings: AlertSettings) -> list[tuple[int, datetime]]:
    """(place, time) of each change that is young enough; the newest assessment's place is 19."""
    first = ASSESSMENTS - (len(flap.seen) - 1)
    return [
        (place, at)
        for place, ((_, before), (at, after)) in enumerate(pairwise(flap.seen), first)
        if before != after and now - at < settings.flapping_horizon
    ]
