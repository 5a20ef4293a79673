"""Why a product's prices are worth what they are: sums at several prices, floors, gaps. Pure.

For people and programs that ask about one product; the state of a product keeps less. Nothing is
worked out here that `breakdown` and `assess_economics` do not say: it is only put side by side.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from msgspec.structs import replace

from economics.assess_economics import EconomicsView, assess_economics, unit_economics
from economics.breakdown import Breakdown, break_down
from economics.economics import BILLED, Worth
from economics.facts import MarketFacts
from economics.fee_rules import ZERO, FeeRule, FeeSchedule, ProductCosts, Unknown
from economics.market import (
    NO_OFFERS_SENT,
    NOT_AMONG_READABLE,
    OUTSIDE_OFFERS_SENT,
    Snapshot,
)
from economics.recommend import Bounds, Floors, floors_of
from economics.remedies import ASK_FOR_A_PRICE, IMPORT_COSTS, remedy_for
from economics.viable import DeadZone, dead_zones

NO_MESSAGE = "no message with offers of the product has come"
OFFERS_DROPPED = "the offers of the newest message are no longer kept"

SALE_VAT = "VAT of the sale"
VAT_BACK = "VAT on fees that comes back"
FEE_NAMES: dict[str, str] = {
    "referral": "referral fee",
    "fulfilment": "fulfilment fee",
    "closing": "closing fee",
    "digital-services": "digital services fee",
    "vat-on-fees": "VAT on fees",
}

_OWN_PRICE = {
    OUTSIDE_OFFERS_SENT: "the own offer is not among those that Amazon sent (20 at most)",
    NO_OFFERS_SENT: "Amazon sent no offers",
    NOT_AMONG_READABLE: "the own offer is not among those that could be read",
}


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a sum: what it adds to the profit, so costs and fees are negative."""

    name: str
    amount: Decimal


@dataclass(frozen=True, slots=True)
class PriceSum:
    """The sum at one price. Its lines add up to the profit in `worth` exactly.

    `lines` is empty and `worth` None where there is no sum: `price` None, or costs or fees
    unknown. `rules` are those the fees come from.
    """

    name: str
    price: Decimal | None
    lines: tuple[Line, ...] = ()
    worth: Worth | None = None
    rules: tuple[FeeRule, ...] = ()


@dataclass(frozen=True, slots=True)
class Gap:
    """Something that is not known, why, and what to do about it ("" if nothing can be done)."""

    what: str
    why: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Explanation:
    """All there is to say. `schedule` and `floors` are None if costs or fees are unknown."""

    sums: tuple[PriceSum, ...]
    view: EconomicsView
    schedule: FeeSchedule | None
    floors: Floors | None
    dead_zones: tuple[DeadZone, ...]
    gaps: tuple[Gap, ...]

    @property
    def rules(self) -> dict[FeeRule, tuple[str, ...]]:
        """Every rule with the names of the sums it is used in, in the order of the lines."""
        used: dict[FeeRule, list[str]] = {}
        for one in self.sums:
            for rule in one.rules:
                used.setdefault(rule, []).append(one.name)
        kinds = list(FEE_NAMES)
        order = sorted(
            used,
            key=lambda r: (kinds.index(r.kind), r.price_up_to is None, r.price_up_to or ZERO),
        )
        return {rule: tuple(used[rule]) for rule in order}


def explain(
    costs: ProductCosts | None,
    schedule: FeeSchedule | Unknown,
    market: Snapshot | None,
    facts: MarketFacts | None,
    *,
    asked: Decimal | None = None,
    racing: bool = False,
) -> Explanation:
    """Explain the prices of a product's market, and the price `asked` about (above 0).

    `market` None: no message has come; `facts` None: those of the newest are no longer kept.
    `racing` is what `race_to_bottom` says of the market's history.
    """
    seen = market or Snapshot(costs.currency if costs else "")
    view = assess_economics(
        costs, schedule, seen, facts or MarketFacts(currency=seen.currency), racing=racing
    )
    gaps = list(_gaps(costs, seen, view, has_message=market is not None))
    if view.unknown_reason is None and (market is None or facts is None):
        why = NO_MESSAGE if market is None else OFFERS_DROPPED
        view = _without_rivals(view, why)
        gaps.append(Gap("rivals and recommendation", why))
    elif view.unknown_reason is None and view.recommended_price is None:
        gaps.append(Gap("recommendation", view.recommendation_reason.rstrip(".")))

    unit = Unknown(view.unknown_reason) if view.unknown_reason else unit_economics(costs, schedule)
    prices = [
        ("own price", seen.your_price),
        ("market low", seen.market_low),
        ("Prime low", seen.prime_low),
        ("recommended", view.recommended_price),
    ]
    asked_first = [("asked", asked), *prices] if asked is not None else prices
    if costs is None or isinstance(unit, Unknown):
        sums = tuple(PriceSum(name, price) for name, price in asked_first)
        return Explanation(sums, view, None, None, (), tuple(gaps))
    fees = unit.curve.schedule
    bounds = Bounds(costs.min_price, costs.max_price, fees.wanted_margin)
    return Explanation(
        sums=tuple(_sum_at(name, price, fees, costs) for name, price in asked_first),
        view=view,
        schedule=fees,
        floors=floors_of(unit, bounds),
        dead_zones=dead_zones(unit.curve),
        gaps=tuple(gaps),
    )


def lines_of(found: Breakdown) -> tuple[Line, ...]:
    """A breakdown as lines that add up to its profit exactly.

    If costs or the VAT that comes back are not whole ticks, a last line says what rounding did.
    """
    lines = [
        Line("price", found.price),
        Line(SALE_VAT, BILLED.minus(found.sale_vat)),
        *(Line(FEE_NAMES[fee.kind], BILLED.minus(fee.amount)) for fee in found.fees),
        Line(VAT_BACK, found.vat_recovered),
        *(Line(name, BILLED.minus(amount)) for name, amount in found.costs),
    ]
    total = ZERO
    for line in lines:
        total = BILLED.add(total, line.amount)
    rounding = BILLED.subtract(found.worth.profit, total)
    return (*lines, Line("rounding", rounding)) if rounding else tuple(lines)


def _sum_at(
    name: str, price: Decimal | None, schedule: FeeSchedule, costs: ProductCosts
) -> PriceSum:
    if price is None:
        return PriceSum(name, None)
    found = break_down(costs, schedule, price)
    if isinstance(found, Unknown):
        return PriceSum(name, price)
    rules = tuple(rule for fee in found.fees for rule in fee.rules)
    return PriceSum(name, price, lines_of(found), found.worth, rules)


def _without_rivals(view: EconomicsView, why: str) -> EconomicsView:
    """The view without advice: that offers can't be looked at does not mean there are none."""
    return replace(
        view,
        recommended_price=None,
        recommendation_code="unknown",
        recommendation_reason=f"{why[:1].upper()}{why[1:]}.",
        unfollowable=(),
    )


def _gaps(
    costs: ProductCosts | None, market: Snapshot, view: EconomicsView, *, has_message: bool
) -> Iterator[Gap]:
    if view.unknown_reason is not None:
        why = view.unknown_reason
        yield Gap("fees, profit and margin", why, remedy_for(why))
    if not has_message:
        yield Gap("prices of the market", NO_MESSAGE, ASK_FOR_A_PRICE)
        return
    if market.your_price is None:
        why = _OWN_PRICE.get(market.own_price_unknown or "", market.own_price_unknown or "not told")
        yield Gap("own price", why, ASK_FOR_A_PRICE)
    if market.market_low is None:
        yield Gap("market low", "the newest message shows no price")
    if market.prime_low is None:
        yield Gap("Prime low", "the newest message shows no Prime offer")
    lost = market.buy_box_winner is False
    if lost and costs is not None and costs.estimated_daily_sales is None:
        yield Gap("profit at stake", "the estimated daily sales are not known", IMPORT_COSTS)
