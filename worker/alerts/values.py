"""What an alert is: the values that the lifecycle keeps. What happens to them is in `steps`.

An alert has two clocks. The condition (`firing`, `cleared`) moves on evidence only. The attention
(`new`, `delivered`, `reviewing`, `resolved`) moves on what people and time do; its end says why,
and only the reason `cleared` says that the problem is over. All times are aware, in UTC.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Literal, NamedTuple

import msgspec

from worker.analysis.severity import Severity

AlertSeverity = Literal["critical", "high", "warning"]
Condition = Literal["firing", "cleared"]
Attention = Literal["new", "delivered", "reviewing", "resolved"]
Resolution = Literal["cleared", "timeout", "manual", "superseded"]
Kind = Literal[
    "price",
    "buy-box-suppressed",
    "pricing-health",
    "business-price",
    "business-buy-box-suppressed",
    "business-pricing-health",
]
"""What an alert is about. Business customers see another market, which has its own alerts."""

ALERT_SEVERITIES: tuple[AlertSeverity, ...] = ("critical", "high", "warning")
"""Those that open an alert, worst first. `success` and `info` are all clear: only history."""

TellKind = Literal[
    "raised",
    "rose",
    "still-true",
    "seen-again",
    "repeated",
    "escalated",
    "snooze-over",
    "eased",
    "cleared",
    "timed-out",
    "unstable",
    "settled",
]
"""What a message is about."""

_RANKS: dict[Severity, int] = {"critical": 3, "high": 2, "warning": 1, "success": 0, "info": 0}
_ALERTING: dict[Severity, AlertSeverity] = {s: s for s in ALERT_SEVERITIES}


def rank(severity: Severity) -> int:
    """3 is critical, 0 all clear: a larger rank is worse."""
    return _RANKS[severity]


def alert_severity(severity: Severity) -> AlertSeverity | None:
    """The severity if it opens alerts, None if it is all clear."""
    return _ALERTING.get(severity)


class AlertSubject(NamedTuple):
    """What an alert speaks of. A subject has one open alert at most."""

    seller_id: str
    marketplace_id: str
    asin: str
    item_condition: str
    kind: Kind

    @property
    def key(self) -> str:
        """The `subject_key`: `seller|marketplace|asin|condition|kind`."""
        return "|".join(self)


class Phase(NamedTuple):
    """Where an alert stands on both clocks, for the event that tells of a change."""

    severity: AlertSeverity
    condition: Condition
    attention: Attention
    resolution: Resolution | None = None

    def __str__(self) -> str:
        end = f"({self.resolution})" if self.resolution else ""
        return f"{self.severity} {self.condition}/{self.attention}{end}"


class Alert(msgspec.Struct, frozen=True):
    """One alert, as its row holds it. `id` is None until the row exists.

    What people did: `acknowledged_*`, `assignee`, `note`, `snooze_until` with `snoozed_by`, and
    `looked_at`, the first act of a person. Only an act or a transition that says so changes them.

    What data did: `occurrences` and `last_seen` tell of the sightings at this very severity,
    `last_event_time` is Amazon's time of the newest message heard, `below_*_since` say since when
    every message was better than that severity (a fall must hold for a while), `unknown_since`
    since when the data cannot say, `inhibited_by` what mutes the alert.

    What time does: the wait for the next `escalation_level` counts from `waiting_since`, that for
    the timeout from `timeout_from` (None until somebody was reached). `owed` is a message that was
    held back and is due when nothing mutes it any more.

    `supersedes` names the alert whose place this one took; whoever stores it writes the same link
    into the other row's `superseded_by`. `story_told_at` is when that one, or one before it, first
    reached somebody. `still_true_since` is set when the condition is older than this alert, because
    an earlier one ended without a clear.
    """

    subject: AlertSubject
    severity: AlertSeverity
    first_seen: datetime
    last_seen: datetime
    last_event_time: datetime
    waiting_since: datetime
    id: int | None = None
    condition: Condition = "firing"
    attention: Attention = "new"
    resolution: Resolution | None = None
    resolved_at: datetime | None = None
    resolved_by: str | None = None
    acknowledged_by: str | None = None
    acknowledged_at: datetime | None = None
    assignee: str | None = None
    note: str | None = None
    snooze_until: datetime | None = None
    snoozed_by: str | None = None
    looked_at: datetime | None = None
    occurrences: int = 1
    delivered_at: datetime | None = None
    last_told_at: datetime | None = None
    timeout_from: datetime | None = None
    escalation_level: int = 0
    owed: TellKind | None = None
    below_critical_since: datetime | None = None
    below_high_since: datetime | None = None
    below_warning_since: datetime | None = None
    unknown_since: datetime | None = None
    inhibited_by: str | None = None
    still_true_since: datetime | None = None
    story_told_at: datetime | None = None
    supersedes: int | None = None
    superseded_by: int | None = None
    facts: Mapping[str, object] = msgspec.field(default_factory=dict)

    @property
    def phase(self) -> Phase:
        """Where it stands on both clocks."""
        return Phase(self.severity, self.condition, self.attention, self.resolution)

    @property
    def is_open(self) -> bool:
        """Whether it is still somebody's business. What is open is always firing."""
        return self.attention != "resolved"

    @property
    def is_falling(self) -> bool:
        """Whether the newest data look better, but have not held for long enough to count."""
        return below_since(self, self.severity) is not None

    @property
    def true_since(self) -> datetime:
        """Since when the condition has been true, across alerts that ended without a clear."""
        return self.still_true_since or self.first_seen


BELOW: Mapping[AlertSeverity, str] = {
    "critical": "below_critical_since",
    "high": "below_high_since",
    "warning": "below_warning_since",
}
"""The field that says since when it has been better than each severity."""


def below_since(alert: Alert, level: AlertSeverity) -> datetime | None:
    """Since when every message about the subject was better than `level`."""
    found: datetime | None = getattr(alert, BELOW[level])
    return found
