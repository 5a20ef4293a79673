"""All the economics of one product in one market, as its state keeps them. Pure.

What doesn't depend on the market (lowest viable prices, dead zones) is worked out once for equal
costs and fees and remembered, so that a message costs only a few sums.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from functools import lru_cache
from typing import TypeVar

import msgspec

from economics.economics import BILLED, UnitEconomics, curve_of, percent_of
from economics.facts import MarketFacts
from economics.fee_rules import ZERO, FeeSchedule, ProductCosts, Unknown, total_cost
from economics.market import Snapshot, landed_price
from economics.recommend import (
    NO_RIVALS,
    Advice,
    Bounds,
    Floors,
    Rival,
    Rivals,
    floors_of,
    recommend,
    sort_out,
)
from economics.risks import RiskFlag
from economics.viable import DeadZone, NoViablePrice, dead_zones

_Key = TypeVar("_Key")
_Value = TypeVar("_Value")

REMEMBERED = 8
"""How many prices, and how many markets, are remembered of a product."""

NO_COSTS = Unknown("no costs are known for the product")


SQUEEZE_PCT = Decimal(5)
"""A squeeze is a margin under this at the market low, and not at the own price."""


class EconomicsView(msgspec.Struct, frozen=True, gc=False):
    """What a market is worth to a seller. Prices landed; margins in percent of net revenue.

    Margins are rounded down to a hundredth. None is not known: `unknown_reason` says why, for all
    that needs costs and fees; a margin is also None where its price is. With costs and fees known,
    a missing `min_viable_price` means that no price works, and `recommendation_reason` says so.
    `min_viable_price` loses nothing; `min_price_for_margin` keeps the wanted margin too.
    `profit_at_stake_per_day` is the profit of a day's sales at the own price while the Buy Box is
    somebody else's: 0 where a sale brings none, None while nothing is lost or nobody knows.
    """

    margin_at_current_price: Decimal | None = None
    margin_at_market_low: Decimal | None = None
    margin_at_prime_low: Decimal | None = None
    min_viable_price: Decimal | None = None
    min_price_for_margin: Decimal | None = None
    recommended_price: Decimal | None = None
    recommendation_code: Advice = "unknown"
    recommendation_reason: str = ""
    risk_flags: tuple[RiskFlag, ...] = ()
    unfollowable: tuple[Rival, ...] = ()
    profit_at_stake_per_day: Decimal | None = None
    unknown_reason: str | None = None


def unit_economics(
    costs: ProductCosts | None, schedule: FeeSchedule | Unknown
) -> UnitEconomics | Unknown:
    """One unit's costs under its fees, or why they are not known."""
    if isinstance(schedule, Unknown):
        return schedule
    if costs is None:
        return NO_COSTS
    if costs.currency != schedule.currency:
        return Unknown(f"the costs are in {costs.currency}, the fees in {schedule.currency}")
    cost = total_cost(costs)
    return cost if isinstance(cost, Unknown) else UnitEconomics(curve_of(schedule), cost)


def assess_economics(
    costs: ProductCosts | None,
    schedule: FeeSchedule | Unknown,
    market: Snapshot,
    facts: MarketFacts,
    *,
    racing: bool = False,
) -> EconomicsView:
    """The economics of a product in a believable market, as one message shows it.

    `racing` is what `race_to_bottom` says of the market's history.
    """
    return assess_prepared(prepare(costs, schedule), market, facts, racing=racing)


@dataclass(frozen=True, slots=True)
class Prepared:
    """The part of a product's economics that doesn't depend on the market."""

    costs: ProductCosts
    unit: UnitEconomics
    bounds: Bounds
    floors: Floors
    zones: tuple[DeadZone, ...]
    # From one message to the next a market stays the same but for a price or two.
    worths: dict[Decimal, tuple[Decimal, Decimal]] = field(default_factory=dict, compare=False)
    views: dict[object, EconomicsView] = field(default_factory=dict, compare=False)

    def worth(self, price: Decimal) -> tuple[Decimal, Decimal]:
        """The surplus at a price, and the margin in percent."""
        found = self.worths.get(price)
        if found is None:
            surplus = self.unit.surplus(price)
            found = surplus, percent_of(surplus, price)
            remember(self.worths, price, found)
        return found

    def margin(self, price: Decimal | None) -> Decimal | None:
        """The margin in percent at a price that may not be known."""
        return None if price is None else self.worth(price)[1]


def remember(memo: dict[_Key, _Value], key: _Key, value: _Value) -> None:
    """Keep a value that can be worked out again; an overfull memory starts afresh."""
    if len(memo) >= REMEMBERED:
        memo.clear()
    memo[key] = value


def prepare(costs: ProductCosts | None, schedule: FeeSchedule | Unknown) -> Prepared | Unknown:
    """All that can be worked out from costs and fees before a market is seen, or why it can't."""
    unit = unit_economics(costs, schedule)
    if costs is None or isinstance(unit, Unknown):
        return unit if isinstance(unit, Unknown) else NO_COSTS
    bounds = Bounds(costs.min_price, costs.max_price, unit.curve.schedule.wanted_margin)
    return Prepared(costs, unit, bounds, floors_of(unit, bounds), dead_zones(unit.curve))


def assess_prepared(
    prepared: Prepared | Unknown, market: Snapshot, facts: MarketFacts, *, racing: bool
) -> EconomicsView:
    """As `assess_economics`, for a product that was prepared."""
    flags = _market_flags(market, facts, racing=racing)
    fitting = _fitting(prepared, market)
    if isinstance(fitting, Unknown):
        return _unknown(fitting.reason, tuple(flags))
    return _known(fitting, market, facts, flags)


def assess_margins(prepared: Prepared | Unknown, market: Snapshot) -> EconomicsView:
    """The part of `assess_prepared` that needs no offers: margins and the lowest viable price."""
    fitting = _fitting(prepared, market)
    if isinstance(fitting, Unknown):
        return _unknown(fitting.reason, ())
    key = own, low, prime = market.your_price, market.market_low, market.prime_low
    found = fitting.views.get(key)
    if found is None:
        found = EconomicsView(
            margin_at_current_price=fitting.margin(own),
            margin_at_market_low=fitting.margin(low),
            margin_at_prime_low=fitting.margin(prime),
            min_viable_price=_or_none(fitting.floors.even),
        )
        remember(fitting.views, key, found)
    return found


def _fitting(prepared: Prepared | Unknown, market: Snapshot) -> Prepared | Unknown:
    """The product, unless its currency is not the market's."""
    if not isinstance(prepared, Unknown):
        fees_in = prepared.unit.curve.schedule.currency
        if market.currency != fees_in:
            return Unknown(f"prices are in {market.currency}, fees in {fees_in}")
    return prepared


@lru_cache(maxsize=1024)
def _unknown(reason: str, flags: tuple[RiskFlag, ...]) -> EconomicsView:
    return EconomicsView(
        recommendation_reason=f"{reason[:1].upper()}{reason[1:]}.",
        risk_flags=flags,
        unknown_reason=reason,
    )


def _known(
    prepared: Prepared, market: Snapshot, facts: MarketFacts, flags: list[RiskFlag]
) -> EconomicsView:
    rivals = _rivals(facts, market, prepared.costs, prepared.floors)
    prices = market.your_price, market.market_low, market.prime_low
    key = *prices, market.buy_box_winner, rivals, *flags
    found = prepared.views.get(key)
    if found is None:
        found = _worked_out(prepared, market, rivals, flags)
        remember(prepared.views, key, found)
    return found


def _worked_out(
    prepared: Prepared, market: Snapshot, rivals: Rivals, flags: list[RiskFlag]
) -> EconomicsView:
    own, floors = market.your_price, prepared.floors
    advice = recommend(prepared.unit, prepared.bounds, floors, own_price=own, rivals=rivals)
    surplus, at_own = (None, None) if own is None else prepared.worth(own)
    at_low = prepared.margin(market.market_low)
    if own is not None and surplus is not None:
        if surplus < 0:
            flags.append("below-cost")
        if any(own in zone for zone in prepared.zones):
            flags.append("dead-zone")
    if at_own is not None and at_low is not None and at_low < SQUEEZE_PCT <= at_own:
        flags.append("margin-squeeze")
    return EconomicsView(
        margin_at_current_price=at_own,
        margin_at_market_low=at_low,
        margin_at_prime_low=prepared.margin(market.prime_low),
        min_viable_price=_or_none(floors.even),
        min_price_for_margin=_or_none(floors.wanted),
        recommended_price=advice.price,
        recommendation_code=advice.code,
        recommendation_reason=advice.reason,
        risk_flags=tuple(flags),
        unfollowable=rivals.unfollowable,
        profit_at_stake_per_day=_at_stake(prepared.unit, surplus, prepared.costs, market),
    )


def _market_flags(market: Snapshot, facts: MarketFacts, *, racing: bool) -> list[RiskFlag]:
    """The flags that need no costs."""
    flags: list[RiskFlag] = ["race-to-bottom"] if racing else []
    advertised = facts.reference.minimum_advertised
    if advertised is not None and market.your_price is not None and market.your_price < advertised:
        flags.append("map-breach")
    return flags


def _rivals(facts: MarketFacts, market: Snapshot, costs: ProductCosts, floors: Floors) -> Rivals:
    low = market.competitor_low
    if low is None:
        return NO_RIVALS
    if not isinstance(floors.allowed_wanted, NoViablePrice) and low > floors.allowed_wanted:
        return Rivals(any_seen=True, lowest_followable=low)  # the usual case: all can be followed
    others = (offer for offer in facts.offers if offer.seller_id != costs.seller_id)
    return sort_out([(o.seller_id, landed_price(o, costs.marketplace_id)) for o in others], floors)


def _or_none(price: Decimal | NoViablePrice) -> Decimal | None:
    return None if isinstance(price, NoViablePrice) else price


def _at_stake(
    unit: UnitEconomics, surplus: Decimal | None, costs: ProductCosts, market: Snapshot
) -> Decimal | None:
    """A day's profit while the Buy Box is known to be lost; to the tick, half up."""
    sales = costs.estimated_daily_sales
    if surplus is None or sales is None or market.buy_box_winner is not False:
        return None
    profit = BILLED.divide(max(surplus, ZERO), unit.curve.gross)
    return BILLED.quantize(BILLED.multiply(sales, profit), unit.curve.tick)
