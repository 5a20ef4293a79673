"""What a product's state becomes when a message is added to it. Pure.

The newest event wins, whatever the order of arrival: the state is the same function of the set of
messages, so every part of it has a clock of its own and moves only forward on it. (The one
exception is `your_price_changed_at`, which dates a change as it was noticed.) A late event still
yields an assessment for the history.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Literal, NamedTuple

from worker.analysis.facts import Audience, HealthFacts, MarketFacts
from worker.analysis.market import INVALID_PRICE, Snapshot, take_snapshot
from worker.analysis.severity import PolicyName, Severity, Standing, Verdict, assess, gap_pct

Outcome = Literal["applied", "late", "rejected"]


class Subject(NamedTuple):
    """Whose view of which product: the key of `current_state`."""

    seller_id: str
    marketplace_id: str
    asin: str
    item_condition: str
    audience: Audience


class Moment(NamedTuple):
    """When an event happened, with its tie-breakers: EventTime, then PublishTime, then its key."""

    event_time: datetime
    publish_time: datetime
    event_key: str


@dataclass(frozen=True, slots=True)
class Event:
    """One notification as analysis sees it. `row_id` is its `worker_notifications.id`."""

    row_id: int
    subject: Subject
    moment: Moment
    facts: MarketFacts | HealthFacts
    trace_id: str = ""


@dataclass(frozen=True, slots=True)
class SeveritySettings:
    """The policy in force and its one threshold (units a day)."""

    policy: PolicyName = "full"
    sales_threshold: Decimal = Decimal(1)


@dataclass(frozen=True, slots=True)
class Health:
    """What the newest PRICING_HEALTH said: the own offer is not featured because of its price."""

    at: datetime
    event_key: str
    facts: HealthFacts


NOTHING_SEEN = Verdict("info", ("no offers seen yet",))


@dataclass(frozen=True, slots=True)
class ProductState:
    """The competitive state of one subject.

    `market` and `moment` come from the newest believable offer message, `row_id` names it;
    `trace_id` is that of the newer of this message and the one of `health`.
    `last_own_price` outlives messages without an own offer. `winner_seen_at` is the newest time an
    own offer was seen winning; it ends an older `health`. `doubt_since` is the time of a message
    that is newer than `market` and could not be believed. `version` counts the stored changes.
    """

    subject: Subject
    market: Snapshot | None = None
    moment: Moment | None = None
    row_id: int | None = None
    trace_id: str = ""
    last_own_price: Decimal | None = None
    last_own_price_at: datetime | None = None
    your_price_changed_at: datetime | None = None
    winner_seen_at: datetime | None = None
    health: Health | None = None
    doubt_reason: str | None = None
    doubt_since: datetime | None = None
    verdict: Verdict = NOTHING_SEEN
    gap_pct: Decimal | None = None
    policy: PolicyName = "full"
    version: int = 0

    @property
    def severity(self) -> Severity:
        """The severity in force."""
        return self.verdict.severity


@dataclass(frozen=True, slots=True)
class Assessment:
    """What one event alone says; becomes a row of `competitive_history`."""

    event: Event
    outcome: Outcome
    severity: Severity
    policy: PolicyName
    reasons: tuple[str, ...]
    gap_pct: Decimal | None = None
    market: Snapshot | None = None


def apply_event(
    state: ProductState, event: Event, settings: SeveritySettings
) -> tuple[ProductState, Assessment]:
    """The state with the event added to it, and what the event says by itself."""
    if isinstance(event.facts, HealthFacts):
        return _apply_health(state, event, event.facts)
    return _apply_market(state, event, event.facts, settings)


def standing_of(market: Snapshot) -> Standing:
    """The severity policies' view of a snapshot. Margins and sales stay unknown until costs are."""
    return Standing(
        your_price=market.your_price,
        market_low=market.market_low,
        your_position=market.your_position,
        total_offers=market.total_offers,
        buy_box_winner=market.buy_box_winner,
    )


def _apply_market(
    state: ProductState, event: Event, facts: MarketFacts, settings: SeveritySettings
) -> tuple[ProductState, Assessment]:
    market = take_snapshot(
        facts, seller_id=event.subject.seller_id, marketplace_id=event.subject.marketplace_id
    )
    if not market.believable:
        return _doubted(state, event), Assessment(
            event,
            "rejected",
            "info",
            settings.policy,
            ("a price in the message is zero or negative",),
            market=market,
        )

    verdict, gap = _judge(market, settings)
    newest = state.moment is None or event.moment > state.moment
    assessment = Assessment(
        event,
        "applied" if newest else "late",
        verdict.severity,
        settings.policy,
        verdict.reasons,
        gap,
        market,
    )
    if newest:
        state = _clear_doubt(
            replace(
                state,
                market=market,
                moment=event.moment,
                row_id=event.row_id,
                trace_id=state.trace_id if _health_is_newer(state, event) else event.trace_id,
                verdict=verdict,
                gap_pct=gap,
                policy=settings.policy,
                your_price_changed_at=_price_change(state, market, event),
            )
        )
    return _note_winner(_note_own_price(state, market, event), market, event), assessment


def _health_is_newer(state: ProductState, market: Event) -> bool:
    return state.health is not None and state.health.at > market.moment.event_time


def _judge(market: Snapshot, settings: SeveritySettings) -> tuple[Verdict, Decimal | None]:
    standing = standing_of(market)
    verdict = assess(standing, settings.policy, sales_threshold=settings.sales_threshold)
    if market.own_price_unknown:
        verdict = replace(verdict, reasons=(*verdict.reasons, market.own_price_unknown))
    return verdict, gap_pct(standing)


def _price_change(state: ProductState, market: Snapshot, event: Event) -> datetime | None:
    """Amazon may still report the old price for some 40 s; alerts need to know since when."""
    known = state.last_own_price is not None and market.your_price is not None
    if known and market.your_price != state.last_own_price:
        return event.moment.event_time
    return state.your_price_changed_at


def _note_own_price(state: ProductState, market: Snapshot, event: Event) -> ProductState:
    at = event.moment.event_time
    if market.your_price is None:
        return state
    if state.last_own_price_at is not None and at < state.last_own_price_at:
        return state
    if at == state.last_own_price_at and event.moment != state.moment:
        return state
    return replace(state, last_own_price=market.your_price, last_own_price_at=at)


def _note_winner(state: ProductState, market: Snapshot, event: Event) -> ProductState:
    """An own winner ends every PRICING_HEALTH up to its own time, even if it arrives late."""
    at = event.moment.event_time
    if not market.buy_box_winner:
        return state
    if state.winner_seen_at is not None and at <= state.winner_seen_at:
        return state
    ended = state.health is not None and state.health.at <= at
    return replace(state, winner_seen_at=at, health=None if ended else state.health)


def _doubted(state: ProductState, event: Event) -> ProductState:
    at = event.moment.event_time
    if state.moment is not None and at <= state.moment.event_time:
        return state
    if state.doubt_since is not None and at <= state.doubt_since:
        return state
    return replace(state, doubt_reason=INVALID_PRICE, doubt_since=at)


def _clear_doubt(state: ProductState) -> ProductState:
    if state.doubt_since is None or state.moment is None:
        return state
    if state.doubt_since > state.moment.event_time:
        return state
    return replace(state, doubt_reason=None, doubt_since=None)


def _apply_health(
    state: ProductState, event: Event, facts: HealthFacts
) -> tuple[ProductState, Assessment]:
    at, key = event.moment.event_time, event.moment.event_key
    ended = state.winner_seen_at is not None and state.winner_seen_at >= at
    superseded = state.health is not None and (state.health.at, state.health.event_key) >= (at, key)
    applies = not ended and not superseded
    if applies:
        newest = state.moment is None or at > state.moment.event_time
        state = replace(
            state,
            health=Health(at, key, facts),
            trace_id=event.trace_id if newest else state.trace_id,
        )
    return state, Assessment(
        event,
        "applied" if applies else "late",
        state.severity,
        state.policy,
        (f"pricing health: {facts.issue_type}", *state.verdict.reasons),
    )
