"""The bodies of answers and events: what they are made of, with examples.

Amounts are decimal numbers as text, exact, in `currency`; times are UTC; null is "not known".
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from db.rows import StateRow
from db.shown_alerts import ShownAlert

Severity = Literal["critical", "high", "warning", "success", "info"]
AlertSeverity = Literal["critical", "high", "warning"]

_STATE: dict[str, JsonValue] = {
    "key": "A1F83G8C2ARO7P|B0CXYZ1234|new|consumer|A2OWNSELLER001",
    "product_key": "A1F83G8C2ARO7P:B0CXYZ1234",
    "marketplace_id": "A1F83G8C2ARO7P",
    "asin": "B0CXYZ1234",
    "item_condition": "new",
    "audience": "consumer",
    "seller_id": "A2OWNSELLER001",
    "title": "Enamel mug, 350 ml",
    "severity": "high",
    "severity_reasons": ["lost the Buy Box to A1RIVAL0000001"],
    "currency": "GBP",
    "your_price": "20.49",
    "market_low": "19.99",
    "your_position": 2,
    "total_offers": 5,
    "gap_pct": "2.5",
    "buy_box_winner": False,
    "has_buy_box": True,
    "buy_box_sellers": ["A1RIVAL0000001"],
    "version": 7,
    "updated_at": "2026-03-04T10:15:31Z",
    "trace_id": "6f1c2a9e",
}


class _Body(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class State(_Body):
    """Where one product of one seller stands. `key` names the row; a higher `version` is newer."""

    model_config = ConfigDict(from_attributes=True, json_schema_extra={"examples": [_STATE]})

    key: str
    product_key: str
    marketplace_id: str
    asin: str
    item_condition: str
    audience: str
    seller_id: str
    title: str | None = None
    severity: Severity
    severity_reasons: list[str]
    currency: str | None = None
    your_price: Decimal | None = None
    own_price_unknown: str | None = None
    market_low: Decimal | None = None
    competitor_low: Decimal | None = None
    prime_low: Decimal | None = None
    your_position: int | None = None
    total_offers: int | None = None
    gap_pct: Decimal | None = None
    buy_box_winner: bool | None = None
    has_buy_box: bool | None = None
    buy_box_price: Decimal | None = None
    buy_box_sellers: list[str] = []
    flags: list[str] = []
    event_time: datetime | None = None
    last_own_price: Decimal | None = None
    last_own_price_at: datetime | None = None
    health_issue: str | None = None
    doubt_reason: str | None = None
    doubt_since: datetime | None = None
    margin_at_current_price: Decimal | None = None
    margin_at_market_low: Decimal | None = None
    margin_at_prime_low: Decimal | None = None
    min_viable_price: Decimal | None = None
    min_price_for_margin: Decimal | None = None
    recommended_price: Decimal | None = None
    recommendation_code: str = "unknown"
    recommendation_reason: str = ""
    risk_flags: list[str] = []
    unfollowable: list[dict[str, str]] = []
    profit_at_stake_per_day: Decimal | None = None
    economics_unknown: str | None = None
    version: int
    updated_at: datetime | None = None
    trace_id: str


class Alert(_Body):
    """One alert. `key` is its id as text. It is active while neither resolved nor snoozed."""

    model_config = ConfigDict(
        from_attributes=True,
        json_schema_extra={
            "examples": [
                {
                    "key": "17",
                    "id": 17,
                    "product_key": "A1F83G8C2ARO7P:B0CXYZ1234",
                    "kind": "price",
                    "severity": "critical",
                    "condition": "firing",
                    "attention": "new",
                    "first_seen": "2026-03-04T10:15:31Z",
                    "last_seen": "2026-03-04T10:20:12Z",
                    "occurrences": 3,
                    "profit_at_stake_per_day": "14.20",
                    "currency": "GBP",
                }
            ]
        },
    )

    key: str
    id: int
    product_key: str
    marketplace_id: str
    asin: str
    item_condition: str
    seller_id: str
    title: str | None = None
    kind: str
    severity: AlertSeverity
    condition: Literal["firing", "cleared"]
    attention: Literal["new", "delivered", "reviewing", "resolved"]
    resolution: str | None = None
    resolved_at: datetime | None = None
    resolved_by: str | None = None
    acknowledged_by: str | None = None
    acknowledged_at: datetime | None = None
    assignee: str | None = None
    note: str | None = None
    snooze_until: datetime | None = None
    snoozed_by: str | None = None
    first_seen: datetime
    last_seen: datetime
    last_event_time: datetime
    occurrences: int
    escalation_level: int = 0
    delivered_at: datetime | None = None
    last_told_at: datetime | None = None
    still_true_since: datetime | None = None
    better_since: datetime | None = None
    unstable_since: datetime | None = None
    inhibited_by: str | None = None
    supersedes: int | None = None
    superseded_by: int | None = None
    profit_at_stake_per_day: Decimal | None = None
    currency: str | None = None
    facts: Any = None
    updated_at: datetime
    trace_id: str


class TrailEntry(_Body):
    """What happened to an alert, by whom and why, and whether people were told."""

    at: datetime
    who: str
    change: str
    from_phase: str | None = None
    to_phase: str | None = None
    reason: str
    told: str | None = None
    quiet: str | None = None


class AlertWithTrail(Alert):
    """An alert and its trail, the newest entry first. `trail_cut`: there are older ones."""

    trail: list[TrailEntry] = []
    trail_cut: bool = False


class Cursor(_Body):
    """Where the feed stands: opaque, for `since` and `Last-Event-ID`."""

    cursor: str = Field(examples=["3f9c1d2e4b5a.1~1042:1042:"])


def state_key(row: StateRow) -> str:
    """The name of a state's row."""
    return key_of_state(
        row.marketplace_id, row.asin, row.item_condition, row.audience, row.seller_id
    )


def key_of_state(*parts: str) -> str:
    """The same name, made from marketplace, ASIN, condition, audience and seller."""
    return "|".join(parts)


def state_body(row: StateRow, title: str | None) -> State:
    """A state as it is shown."""
    values = {name: getattr(row, name) for name in _STATE_FIELDS}
    return State.model_construct(
        **values, key=state_key(row), product_key=row.product_key, title=title
    )


def alert_body(row: ShownAlert, title: str | None) -> Alert:
    """An alert as it is shown."""
    values = {name: getattr(row, name) for name in _ALERT_FIELDS}
    return Alert.model_construct(
        **values, key=str(row.id), product_key=row.product_key, title=title
    )


_OURS = {"key", "product_key", "title"}
_STATE_FIELDS = tuple(name for name in State.model_fields if name not in _OURS)
_ALERT_FIELDS = tuple(name for name in Alert.model_fields if name not in _OURS)
