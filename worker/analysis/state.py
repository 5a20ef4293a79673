"""What a product's state becomes when a message is added to it. Pure.

The newest event wins, whatever the order of arrival: the state is the same function of the set of
messages, so every part of it has a clock of its own and moves only forward on it. (The one
exception is `your_price_changed_at`, which dates a change as it was noticed.) A late event still
yields an assessment for the history.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal, NamedTuple

import msgspec
from msgspec.structs import replace

from economics.costing import (
    NOTHING_KNOWN,
    Economics,
    Economy,
    ProductKey,
    add_point,
    is_raced,
    price_market,
    with_race,
)
from economics.facts import Audience, HealthFacts, MarketFacts
from economics.market import INVALID_PRICE, Snapshot, take_snapshot
from economics.risks import LowPoint, low_point
from worker.analysis.judge import judge
from worker.analysis.severity import PolicyName, Severity, Verdict

Outcome = Literal["applied", "late", "rejected"]

Depth = Literal["margins", "advice"]
"""How far the economics of an event are worked out."""


class Subject(NamedTuple):
    """Whose view of which product: the key of `current_state`."""

    seller_id: str
    marketplace_id: str
    asin: str
    item_condition: str
    audience: Audience

    @property
    def product(self) -> ProductKey:
        """The product that costs belong to: both audiences buy the same thing."""
        return self.seller_id, self.marketplace_id, self.asin, self.item_condition


class Moment(NamedTuple):
    """When an event happened, with its tie-breakers: EventTime, then PublishTime, then its key."""

    event_time: datetime
    publish_time: datetime
    event_key: str


class Event(msgspec.Struct, frozen=True, gc=False):
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


class Health(msgspec.Struct, frozen=True, gc=False):
    """What the newest PRICING_HEALTH said: the own offer is not featured because of its price."""

    at: datetime
    event_key: str
    facts: HealthFacts


NOTHING_SEEN = Verdict("info", ("no offers seen yet",))


class ProductState(msgspec.Struct, frozen=True, gc=False):
    """The competitive state of one subject.

    `market` and `moment` come from the newest believable offer message, `row_id` names it;
    `trace_id` is that of this message or of the one of `health`, whichever is newer.
    `last_own_price` outlives messages without an own offer, `last_own_moment` is the moment of the
    message that told it. `winner_seen_at` is the newest time an own offer was seen winning; it ends
    an older `health`. `doubt_since` is the time of a message that is newer than `market` and could
    not be believed. `economics` is what `market` is worth, with the fees of the message's own time
    or of a later assessment; `low_points` are the newest lows, late ones too. `version` counts the
    stored changes.
    """

    subject: Subject
    market: Snapshot | None = None
    moment: Moment | None = None
    row_id: int | None = None
    trace_id: str = ""
    last_own_price: Decimal | None = None
    last_own_moment: Moment | None = None
    your_price_changed_at: datetime | None = None
    winner_seen_at: datetime | None = None
    health: Health | None = None
    doubt_reason: str | None = None
    doubt_since: datetime | None = None
    verdict: Verdict = NOTHING_SEEN
    gap_pct: Decimal | None = None
    policy: PolicyName = "full"
    economics: Economics | None = None
    low_points: tuple[LowPoint, ...] = ()
    version: int = 0

    @property
    def severity(self) -> Severity:
        """The severity in force."""
        return self.verdict.severity

    @property
    def last_own_price_at(self) -> datetime | None:
        """When the last own price was seen."""
        return None if self.last_own_moment is None else self.last_own_moment.event_time


class Assessment(msgspec.Struct, frozen=True, gc=False):
    """What one event alone says; becomes a row of `competitive_history`."""

    event: Event
    outcome: Outcome
    severity: Severity
    policy: PolicyName
    reasons: tuple[str, ...]
    gap_pct: Decimal | None = None
    market: Snapshot | None = None
    economics: Economics | None = None


def apply_event(
    state: ProductState,
    event: Event,
    settings: SeveritySettings,
    economy: Economy = NOTHING_KNOWN,
    depth: Depth = "advice",
) -> tuple[ProductState, Assessment]:
    """The state with the event added to it, and what the event says by itself.

    Margins are those with the fees in force when the event happened. Depth "margins" will do for
    an event that a newer one of the same subject follows at once.
    """
    if isinstance(event.facts, HealthFacts):
        return _apply_health(state, event, event.facts)
    return _apply_market(state, event, event.facts, settings, economy, depth)


def _apply_market(
    state: ProductState,
    event: Event,
    facts: MarketFacts,
    settings: SeveritySettings,
    economy: Economy,
    depth: Depth,
) -> tuple[ProductState, Assessment]:
    market = take_snapshot(
        facts,
        seller_id=event.subject.seller_id,
        marketplace_id=event.subject.marketplace_id,
        item_condition=event.subject.item_condition,
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

    subject, key, at = event.subject, event.subject.product, event.moment.event_time
    newest = state.moment is None or event.moment > state.moment
    lows = add_point(state.low_points, low_point(at, facts, subject.marketplace_id, market))
    advise = newest and depth == "advice"  # the history keeps margins only
    racing = advise and is_raced(lows, at)
    economics = price_market(economy, key, market, facts, at, racing=racing, advise=advise)
    verdict, gap = judge(market, economics, settings.policy, settings.sales_threshold)
    assessment = Assessment(
        event,
        "applied" if newest else "late",
        verdict.severity,
        settings.policy,
        verdict.reasons,
        gap,
        market,
        economics,
    )
    # Gathered and made at once: this runs for every message, and a new state has many fields.
    changes = _own_price_seen(state, market, event)
    changes |= _winner_seen(state, market, event)
    if newest:
        changes |= {
            "market": market,
            "moment": event.moment,
            "row_id": event.row_id,
            "trace_id": state.trace_id if _health_is_newer(state, event) else event.trace_id,
            "verdict": verdict,
            "gap_pct": gap,
            "policy": settings.policy,
            "economics": economics,
            "low_points": lows,
            "your_price_changed_at": _price_change(state, market, event),
            **_doubt_cleared(state, at),
        }
    elif lows != state.low_points:
        changes |= _lows_seen(state, lows)
    return (replace(state, **changes) if changes else state), assessment


def _health_is_newer(state: ProductState, market: Event) -> bool:
    return state.health is not None and state.health.at > market.moment.event_time


def _price_change(state: ProductState, market: Snapshot, event: Event) -> datetime | None:
    """Amazon may still report the old price for some 40 s: people see since when it is new."""
    known = state.last_own_price is not None and market.your_price is not None
    if known and market.your_price != state.last_own_price:
        return event.moment.event_time
    return state.your_price_changed_at


def _lows_seen(state: ProductState, lows: tuple[LowPoint, ...]) -> dict[str, Any]:
    """A low counts for the race even if it arrives late."""
    if state.economics is None or state.moment is None:
        return {"low_points": lows}
    racing = is_raced(lows, state.moment.event_time)
    return {"low_points": lows, "economics": with_race(state.economics, racing=racing)}


def _own_price_seen(state: ProductState, market: Snapshot, event: Event) -> dict[str, Any]:
    if market.your_price is None:
        return {}
    if state.last_own_moment is not None and event.moment <= state.last_own_moment:
        return {}
    return {"last_own_price": market.your_price, "last_own_moment": event.moment}


def _winner_seen(state: ProductState, market: Snapshot, event: Event) -> dict[str, Any]:
    """An own winner ends every PRICING_HEALTH up to its own time, even if it arrives late."""
    at = event.moment.event_time
    if not market.buy_box_winner:
        return {}
    if state.winner_seen_at is not None and at <= state.winner_seen_at:
        return {}
    ended = state.health is not None and state.health.at <= at
    return {"winner_seen_at": at, **({"health": None} if ended else {})}


def _doubted(state: ProductState, event: Event) -> ProductState:
    at = event.moment.event_time
    if state.moment is not None and at <= state.moment.event_time:
        return state
    if state.doubt_since is not None and at <= state.doubt_since:
        return state
    return replace(state, doubt_reason=INVALID_PRICE, doubt_since=at)


def _doubt_cleared(state: ProductState, at: datetime) -> dict[str, Any]:
    if state.doubt_since is None or state.doubt_since > at:
        return {}
    return {"doubt_reason": None, "doubt_since": None}


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
