"""What to ask for a product: a price, with the reason in one sentence. Pure.

Never below the lowest price that loses nothing, nor below the seller's `min_price`, nor above the
`max_price`; the price recommended never loses money. Within that: one tick under the lowest rival
that can be followed without giving up the wanted margin. A rival that can't be is named, not
followed.

Source of the rules: issue "Costs, fees and margins", part 4.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Literal

from economics.economics import BILLED, UnitEconomics, grid_above, grid_below
from economics.fee_rules import ZERO
from economics.viable import NoViablePrice, dead_zones, min_viable_price

Advice = Literal[
    "beat-rival",
    "at-max-price",
    "hold",
    "raise-to-floor",
    "lower-to-max",
    "keep-margin",
    "below-dead-zone",
    "margin-out-of-reach",
    "no-viable-price",
    "bounds-contradict",
    "nothing-to-go-by",
    "unknown",
]

Rival = tuple[str, Decimal]
"""Seller and landed price."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """The seller's limits, money; None is no limit. `wanted_margin` is a share of net revenue."""

    min_price: Decimal | None = None
    max_price: Decimal | None = None
    wanted_margin: Decimal = ZERO


@dataclass(frozen=True, slots=True)
class Recommendation:
    """A price, or None, with the reason as a code and as a sentence."""

    price: Decimal | None
    code: Advice
    reason: str


@dataclass(frozen=True, slots=True)
class Floors:
    """Lowest prices: `even` loses nothing, `wanted` keeps the wanted margin.

    The first pair is the product's alone; the second is at or above `min_price`.
    """

    even: Decimal | NoViablePrice
    wanted: Decimal | NoViablePrice
    allowed_even: Decimal | NoViablePrice
    allowed_wanted: Decimal | NoViablePrice


@lru_cache(maxsize=65_536)
def floors_of(unit: UnitEconomics, bounds: Bounds) -> Floors:
    """The floors of one unit under these bounds."""
    start = bounds.min_price or ZERO

    def allowed(lowest: Decimal | NoViablePrice, margin: Decimal) -> Decimal | NoViablePrice:
        if isinstance(lowest, NoViablePrice) or lowest >= start:
            return lowest
        return min_viable_price(unit, margin, at_least=start)

    even = min_viable_price(unit)
    wanted = min_viable_price(unit, bounds.wanted_margin) if bounds.wanted_margin else even
    return Floors(even, wanted, allowed(even, ZERO), allowed(wanted, bounds.wanted_margin))


@dataclass(frozen=True, slots=True)
class Rivals:
    """Everybody else: whether there is anybody, the lowest to follow, those not to follow."""

    any_seen: bool = False
    lowest_followable: Decimal | None = None
    unfollowable: tuple[Rival, ...] = ()


NO_RIVALS = Rivals()


def sort_out(rivals: Sequence[Rival], floors: Floors) -> Rivals:
    """Part the rivals that can be undercut at or above the allowed wanted floor from the others.

    The floor is on the grid of ticks, so the tick just under a price above it is not below it.
    """
    floor = floors.allowed_wanted
    if isinstance(floor, NoViablePrice):
        followable, others = [], list(rivals)
    else:
        followable = [landed for _, landed in rivals if landed > floor]
        others = [rival for rival in rivals if rival[1] <= floor]
    others.sort(key=lambda rival: (rival[1], rival[0]))
    return Rivals(bool(rivals), min(followable, default=None), tuple(others))


def recommend(
    unit: UnitEconomics,
    bounds: Bounds,
    floors: Floors,
    *,
    own_price: Decimal | None,
    rivals: Rivals,
) -> Recommendation:
    """The price to ask; `floors` are those of `bounds`, and `rivals` were sorted out by them."""
    return _Case(unit, bounds, floors, own_price).decide(rivals)


def _just_under(landed: Decimal, tick: Decimal) -> Decimal:
    return BILLED.subtract(grid_above(landed, tick), tick)


class _Case:
    """One decision. Every price that leaves it lies within the bounds and loses nothing."""

    def __init__(
        self, unit: UnitEconomics, bounds: Bounds, floors: Floors, own_price: Decimal | None
    ) -> None:
        self._unit, self._floors, self._own = unit, floors, own_price
        self._margin, top = bounds.wanted_margin, bounds.max_price
        self._cap = None if top is None else grid_below(top, unit.curve.tick)
        self._min = bounds.min_price

    def decide(self, rivals: Rivals) -> Recommendation:
        even, wanted = self._floors.allowed_even, self._floors.allowed_wanted
        cap, rival = self._cap, rivals.lowest_followable
        if isinstance(even, NoViablePrice):
            return Recommendation(None, "no-viable-price", f"No price works: {even.reason}.")
        if cap is not None and cap < even:
            return self._contradiction(even, cap)
        if isinstance(wanted, NoViablePrice) or (cap is not None and cap < wanted):
            return self._out_of_reach(even, cap)
        if rival is not None:
            return self._beat(rival, wanted, cap)
        why = "no rival can be followed" if rivals.any_seen else "there is no rival"
        if self._own is None:
            reason = f"The own price is not known and {why}."
            return Recommendation(None, "nothing-to-go-by", reason)
        return self._stay(self._own, wanted, cap, why)

    def _contradiction(self, even: Decimal, cap: Decimal) -> Recommendation:
        if self._min is not None and cap < self._min:
            why = f"below the lowest price set, {self._min}"
        else:
            why = f"below {even}, the lowest that loses nothing"
        reason = f"The highest price set, {cap}, is {why}."
        return Recommendation(None, "bounds-contradict", reason)

    def _beat(self, rival: Decimal, floor: Decimal, cap: Decimal | None) -> Recommendation:
        price = _just_under(rival, self._unit.curve.tick)
        code: Advice = "beat-rival"
        reason = f"Just under {rival}, the lowest rival that can be followed."
        if cap is not None and cap < price:
            price, code = cap, "at-max-price"
            reason = f"The highest price set; the lowest rival that can be followed asks {rival}."
        return self._settled(price, floor, self._margin, code, reason)

    def _stay(self, own: Decimal, floor: Decimal, cap: Decimal | None, why: str) -> Recommendation:
        price = grid_below(own, self._unit.curve.tick)
        if price < floor:
            reason = f"The lowest price that keeps the margin; {why}."
            return Recommendation(floor, "raise-to-floor", reason)
        if cap is not None and cap < price:
            reason = f"The own price is above the highest price set; {why}."
            return self._settled(cap, floor, self._margin, "lower-to-max", reason)
        return self._settled(price, floor, self._margin, "hold", f"Stay: {why}.")

    def _out_of_reach(self, even: Decimal, cap: Decimal | None) -> Recommendation:
        """The wanted margin can't be had: as near to it as the bounds allow, and never a loss."""
        reason = "No allowed price keeps the wanted margin"
        price = cap
        if price is None:
            price = max(even, grid_below(self._own or even, self._unit.curve.tick))
        else:
            reason += f"; {cap} is the highest"
        return self._settled(price, even, ZERO, "margin-out-of-reach", f"{reason}.")

    def _settled(
        self, price: Decimal, floor: Decimal, margin: Decimal, code: Advice, reason: str
    ) -> Recommendation:
        """The price itself, or the better one below it if it lies just above a step of the fees."""
        settled, zones = price, dead_zones(self._unit.curve)
        if not self._unit.keeps(price, margin):
            # Above the floor and yet too little: a step of the fees lies between, or a rounding.
            # Only the tops of the steps and the floor may keep the margin, and the floor does.
            tops = (z.after for z in zones if floor <= z.after < price)
            settled = max((top for top in tops if self._unit.keeps(top, margin)), default=floor)
            what = "keeps the wanted margin" if margin else "loses nothing"
            code, reason = "keep-margin", f"{settled} {what}; {price}, higher, does not."
        for zone in reversed(zones):
            if settled in zone and zone.after >= floor:
                settled, code = zone.after, "below-dead-zone"
                reason = f"{settled} earns more than {price}, which is just above a fee step."
        return Recommendation(settled, code, reason)
