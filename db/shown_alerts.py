"""An alert as it is stored, and its trail, as values to be shown."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple


@dataclass(frozen=True, slots=True)
class ShownAlert:
    """A row of `alerts` as people see it, without what only the lifecycle needs.

    None is "not known" or "not so". `better_since`: since when every message about it has been
    better than its severity; the reasons among the `facts` are those of the newest message.
    """

    id: int
    seller_id: str
    marketplace_id: str
    asin: str
    item_condition: str
    kind: str
    severity: str
    condition: str
    attention: str
    resolution: str | None
    resolved_at: datetime | None
    resolved_by: str | None
    acknowledged_by: str | None
    acknowledged_at: datetime | None
    assignee: str | None
    note: str | None
    snooze_until: datetime | None
    snoozed_by: str | None
    first_seen: datetime
    last_seen: datetime
    last_event_time: datetime
    occurrences: int
    escalation_level: int
    delivered_at: datetime | None
    last_told_at: datetime | None
    still_true_since: datetime | None
    better_since: datetime | None
    unstable_since: datetime | None
    inhibited_by: str | None
    supersedes: int | None
    superseded_by: int | None
    profit_at_stake_per_day: Decimal | None
    currency: str | None
    facts: Any
    trace_id: str
    updated_at: datetime
    changed_in: str

    @property
    def product_key(self) -> str:
        """`marketplace:ASIN`, as in bells, locks and views."""
        return f"{self.marketplace_id}:{self.asin}"


class TrailRow(NamedTuple):
    """A row of `alert_events`: what happened to an alert, by whom and why."""

    alert_id: int
    at: datetime
    who: str
    change: str
    from_phase: str | None
    to_phase: str | None
    reason: str
    told: str | None
    quiet: str | None


_COLUMNS = tuple(f.name for f in fields(ShownAlert) if f.name != "better_since")


def shown_alert(row: dict[str, Any]) -> ShownAlert:
    """The alert in a row that has all its columns."""
    better_since = row[f"below_{row['severity']}_since"]
    return ShownAlert(better_since=better_since, **{name: row[name] for name in _COLUMNS})
