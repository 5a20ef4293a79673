"""Rows as values: what goes into the statements and what comes out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import msgspec


class InboxRow(msgspec.Struct, frozen=True, gc=False):
    """A notification to be filed by T1. Fields are the columns of `worker_notifications`.

    `head_start_s` is its queue's head start in seconds, `facts` is JSON text or None.
    """

    notification_type: str
    status: str
    seller_id: str | None
    marketplace_id: str | None
    asin: str | None
    item_condition: str | None
    audience: str
    event_time: datetime | None
    publish_time: datetime | None
    event_key: str
    message_id: str | None
    body_hash: bytes
    source_key: str
    notification_id: str | None
    trace_id: str
    source: str
    envelope: str
    sent_at: datetime | None
    receive_count: int
    head_start_s: int
    body: str
    facts: str | None


@dataclass(frozen=True, slots=True)
class RejectedRow:
    """A message to be filed by T1 as a dead letter."""

    error_type: str
    error_message: str
    message_id: str | None
    trace_id: str
    source: str
    body_hash: bytes
    raw_body: bytes


@dataclass(frozen=True, slots=True)
class StoredBatch:
    """What T1 filed: only the new rows. Those that it was given and does not name were repeats."""

    row_ids: list[int]
    trace_ids: list[str]
    ignored: int
    jobs: int


class ClaimedRow(msgspec.Struct, frozen=True, gc=False):
    """A notification that T2 holds. `facts` is JSON text, None when its body was dropped."""

    id: int
    seller_id: str
    marketplace_id: str
    asin: str
    item_condition: str
    audience: str
    event_time: datetime
    publish_time: datetime | None
    event_key: str
    attempts: int
    trace_id: str
    facts: str | None


class StateRow(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """A row of `current_state`; None is "not known", but in `economics_unknown` it is "known".

    `unfollowable` holds objects of seller and landed price, amounts as text; `low_points` holds
    lists of time, low and seller, as text in a row that was read.
    """

    marketplace_id: str
    asin: str
    item_condition: str
    audience: str
    seller_id: str
    severity: str
    severity_policy: str
    severity_reasons: list[str]
    trace_id: str
    version: int
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
    buy_box_sellers: list[str] = msgspec.field(default_factory=list)
    flags: list[str] = msgspec.field(default_factory=list)
    event_time: datetime | None = None
    publish_time: datetime | None = None
    event_key: str | None = None
    notification_row_id: int | None = None
    last_own_price: Decimal | None = None
    last_own_price_at: datetime | None = None
    last_own_publish_time: datetime | None = None
    last_own_event_key: str | None = None
    your_price_changed_at: datetime | None = None
    winner_seen_at: datetime | None = None
    health_issue: str | None = None
    health_at: datetime | None = None
    health_event_key: str | None = None
    health: dict[str, Any] | None = None
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
    risk_flags: list[str] = msgspec.field(default_factory=list)
    unfollowable: list[dict[str, str]] = msgspec.field(default_factory=list)
    profit_at_stake_per_day: Decimal | None = None
    daily_sales: Decimal | None = None
    own_channel: str | None = None
    economics_unknown: str | None = None
    economics_at: datetime | None = None
    low_points: Sequence[Sequence[Any]] = ()
    worker_id: str | None = None
    updated_at: datetime | None = None
    changed_in: str | None = None

    @property
    def product_key(self) -> str:
        """`marketplace:ASIN`, as in bells, locks and views."""
        return f"{self.marketplace_id}:{self.asin}"


def state_row(row: Mapping[str, Any]) -> StateRow:
    """The state in a row of named columns; further columns are passed over."""
    return StateRow(**{name: row[name] for name in StateRow.__struct_fields__})


class HistoryRow(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """A row of `competitive_history`: what one message alone said."""

    notification_row_id: int
    event_time: datetime
    seller_id: str
    marketplace_id: str
    asin: str
    item_condition: str
    audience: str
    kind: str
    outcome: str
    severity: str
    severity_policy: str
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
    buy_box_sellers: list[str] | None = None
    flags: list[str] = msgspec.field(default_factory=list)
    margin_at_current_price: Decimal | None = None
    margin_at_market_low: Decimal | None = None
    margin_at_prime_low: Decimal | None = None
    min_viable_price: Decimal | None = None


class ProcessedRow(msgspec.Struct, frozen=True, gc=False):
    """The mark for one notification whose effects are in this transaction."""

    row_id: int
    outcome: str
    severity: str
    policy: str


@dataclass(frozen=True, slots=True)
class AttemptRow:
    """A failed attempt at one notification. Without `next_attempt_at` it is given up."""

    row_id: int
    product_key: str
    trace_id: str
    error_type: str
    error_message: str
    next_attempt_at: datetime | None


@dataclass(frozen=True, slots=True)
class FeedPage:
    """Changes since a cursor. `next_cursor` is what to ask with next time.

    `reset` says why the cursor could not be used (None: it could): the reader must start again from
    the whole state, then go on from `next_cursor`.
    """

    rows: list[StateRow]
    next_cursor: str
    reset: str | None = None


@dataclass(frozen=True, slots=True)
class FailureRow:
    """A dead letter, without its body."""

    id: int
    stage: str
    error_type: str
    error_message: str
    failure_count: int
    first_failed_at: datetime
    last_failed_at: datetime
    resolved_at: datetime | None
    resolution: str | None
    message_id: str | None
    notification_row_id: int | None
    trace_id: str
    source: str
    worker_id: str


@dataclass(frozen=True, slots=True)
class FailureBody:
    """A dead letter with its body, for a second try.

    `notification_status` is None if the notification has no row; `has_body`: that row has its body.
    """

    id: int
    stage: str
    message_id: str | None
    raw_body: bytes
    notification_row_id: int | None
    notification_status: str | None
    has_body: bool


@dataclass(frozen=True, slots=True)
class Backlog:
    """How far analysis is behind; `oldest_received_at` is None when nothing waits untried."""

    waiting: int
    oldest_received_at: datetime | None


@dataclass(frozen=True, slots=True)
class Outcomes:
    """Counts of what became of the notifications received since a moment."""

    stored: int
    waiting: int
    processed: int
    ignored: int
    failed: int
    late: int
    rejected: int
    quarantined: int


@dataclass(frozen=True, slots=True)
class ProcessingTimes:
    """One analysed notification: `received_at` is just before T1, `processed_at` inside T2."""

    product_key: str
    outcome: str
    received_at: datetime
    processed_at: datetime


@dataclass(frozen=True, slots=True)
class DatabaseFindings:
    """What the doctor reads off a database."""

    procrastinate_version: str | None
    has_ops_reader: bool
    notification_queue_usage: float
    bodies_without_partition: int
    history_without_partition: int
    swept_products: int | None
