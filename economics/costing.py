"""Which costs and fees concern a market, and what it is worth with them. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import lru_cache
from itertools import pairwise

import msgspec
from msgspec import structs

from economics.assess_economics import (
    NO_COSTS,
    EconomicsView,
    Prepared,
    assess_margins,
    assess_prepared,
    prepare,
)
from economics.facts import MarketFacts, Offer
from economics.fee_rules import Channel, ProductCosts, Unknown, local_day
from economics.fee_schedule import FeeBook
from economics.market import Snapshot, landed_price
from economics.risks import RACE, LowPoint, in_order, race_to_bottom

ProductKey = tuple[str, str, str, str]
"""Seller, marketplace, ASIN, item condition."""

PREPARED_KEPT = 20_000
QUARTER_S = 900
POINTS_KEPT = 12
"""How many lows a state remembers at most; a race needs `RaceSettings.falls` and one more."""

_CHANNELS: dict[bool | None, Channel | None] = {True: "amazon", False: "merchant", None: None}

OFFERS_GONE = "The offers of the newest message are no longer kept."


class Ledger:
    """A fee book and what was worked out with it: once per product and day, not per message.

    It remembers by identity, so the same costs should come as the same object. A snapshot: make a
    new one when a fee or a term changes.
    """

    def __init__(self, book: FeeBook) -> None:
        self._book = book
        self._memo: dict[tuple[int, date | None], tuple[ProductCosts, Prepared | Unknown]] = {}
        self._last: tuple[ProductCosts | None, int, Prepared | Unknown] = None, 0, NO_COSTS

    def prepared(self, costs: ProductCosts, at: datetime) -> Prepared | Unknown:
        """The product under the fees of this instant, or why they are not known."""
        quarter, last = int(at.timestamp()) // QUARTER_S, self._last
        if last[0] is costs and last[1] == quarter:
            return last[2]  # a product's messages come one after the other
        key = id(costs), _day(costs.marketplace_id, quarter)
        found = self._memo.get(key)
        if found is None:
            if len(self._memo) >= PREPARED_KEPT:
                self._memo.clear()
            schedule = self._book.schedule_for(costs, at)
            # The costs are kept too: as long as they live, no other object has their id.
            found = self._memo[key] = costs, prepare(costs, schedule)
        self._last = costs, quarter, found[1]
        return found[1]


@lru_cache(maxsize=4096)
def _day(marketplace_id: str, quarter: int) -> date | None:
    """The day in the marketplace during a quarter of an hour: no day begins within one."""
    return local_day(marketplace_id, datetime.fromtimestamp(quarter * QUARTER_S, UTC))


@dataclass(frozen=True, slots=True)
class Economy:
    """The costs of some products, and the fees: all that was known of money at one moment."""

    products: Mapping[ProductKey, Sequence[ProductCosts]] = field(default_factory=dict)
    ledger: Ledger = field(default_factory=lambda: Ledger(FeeBook((), ())))


NOTHING_KNOWN = Economy()


class Economics(msgspec.Struct, frozen=True, gc=False):
    """What a market is worth with the fees in force at `at` and the costs known when assessed.

    `daily_sales` (units a day) and `channel`, by which the own offer is sent, may be known where
    margins are not.
    """

    at: datetime
    view: EconomicsView
    channel: Channel | None = None
    daily_sales: Decimal | None = None


def price_market(
    economy: Economy,
    key: ProductKey,
    market: Snapshot,
    facts: MarketFacts,
    at: datetime,
    *,
    racing: bool = False,
    advise: bool = True,
) -> Economics:
    """What the market of one believable message is worth with the fees of this instant.

    Without `advise` the view ends with the margins, which is all that the history keeps.
    """
    channel = own_channel(facts, market.your_price, key[0], key[1])
    return _price(economy, key, market, facts, at, channel, racing=racing, advise=advise)


def price_again(
    economy: Economy,
    key: ProductKey,
    market: Snapshot,
    known: Economics | None,
    at: datetime,
    *,
    racing: bool = False,
) -> Economics:
    """The same for a message whose offers are no longer kept, from its snapshot alone.

    What only the offers could tell stays as it was or becomes unknown.
    """
    low = market.competitor_low
    facts = MarketFacts(
        currency=market.currency,
        offers=() if low is None else (Offer(seller_id="", listing=low),),
    )
    channel = None if known is None else known.channel
    priced = _price(economy, key, market, facts, at, channel, racing=racing)
    view = priced.view
    if known is not None and "map-breach" in known.view.risk_flags:
        place = 1 if racing else 0
        flags = (*view.risk_flags[:place], "map-breach", *view.risk_flags[place:])
        view = structs.replace(view, risk_flags=flags)
    if view.unfollowable:  # nothing says whose price that is, nor what the others ask
        view = structs.replace(
            view,
            unfollowable=(),
            recommended_price=None,
            recommendation_code="unknown",
            recommendation_reason=OFFERS_GONE,
        )
    return structs.replace(priced, view=view)


def choose_product(rows: Sequence[ProductCosts], channel: Channel | None) -> ProductCosts | Unknown:
    """The row of the own offer's channel; if that leaves several, they must say the same."""
    if not rows:
        return NO_COSTS
    if len(rows) == 1 and channel in {None, rows[0].fulfilment_channel}:
        return rows[0]  # as below, for the usual case
    fitting = [row for row in rows if channel is None or row.fulfilment_channel == channel]
    if not fitting:
        sender = "Amazon" if channel == "amazon" else "the merchant"
        return Unknown(f"no costs are known for the product as sent by {sender}")
    if len(fitting) > 1 and len({replace(row, sku="") for row in fitting}) > 1:
        if len({row.fulfilment_channel for row in fitting}) > 1:
            return Unknown("costs differ by channel, and how the own offer is sent is not known")
        return Unknown("costs differ by SKU, and which one is offered is not known")
    return fitting[0]


def with_race(economics: Economics, *, racing: bool) -> Economics:
    """The same with or without the flag "race-to-bottom", which comes first."""
    flags = economics.view.risk_flags
    if racing == ("race-to-bottom" in flags):
        return economics
    others = tuple(flag for flag in flags if flag != "race-to-bottom")
    flags = ("race-to-bottom", *others) if racing else others
    return structs.replace(economics, view=structs.replace(economics.view, risk_flags=flags))


def add_point(points: tuple[LowPoint, ...], point: LowPoint | None) -> tuple[LowPoint, ...]:
    """The points and one more, cut to those that a race may still need; oldest first.

    The newest POINTS_KEPT within the window before the newest of all are kept, so the outcome is
    the same in whatever order they come.
    """
    if point is None or point in points:
        return points
    every = (*points, point)
    if points and point.event_time <= points[-1].event_time:
        every = tuple(in_order(every))
    since = every[-1].event_time - RACE.window
    if len(every) > POINTS_KEPT or every[0].event_time < since:
        every = tuple(p for p in every[-POINTS_KEPT:] if p.event_time >= since)
    return every


def is_raced(points: tuple[LowPoint, ...], at: datetime) -> bool:
    """`race_to_bottom` of kept points, asked only if they fall often enough: most do not."""
    falls = sum(later.low < earlier.low for earlier, later in pairwise(points))
    return falls >= RACE.falls and race_to_bottom(points, at)


def by_product(rows: Iterable[ProductCosts]) -> dict[ProductKey, list[ProductCosts]]:
    """The rows by the product whose costs they are."""
    found: dict[ProductKey, list[ProductCosts]] = {}
    for row in rows:
        key = (row.seller_id, row.marketplace_id, row.asin, row.item_condition)
        found.setdefault(key, []).append(row)
    return found


def _price(
    economy: Economy,
    key: ProductKey,
    market: Snapshot,
    facts: MarketFacts,
    at: datetime,
    channel: Channel | None,
    *,
    racing: bool,
    advise: bool = True,
) -> Economics:
    product = choose_product(economy.products.get(key, ()), channel)
    known = product if isinstance(product, Unknown) else economy.ledger.prepared(product, at)
    view = (
        assess_prepared(known, market, facts, racing=racing)
        if advise
        else assess_margins(known, market)
    )
    sales = None if isinstance(product, Unknown) else product.estimated_daily_sales
    return Economics(at, view, channel, sales)


def own_channel(
    facts: MarketFacts, your_price: Decimal | None, seller_id: str, marketplace_id: str
) -> Channel | None:
    """How the own offer at `your_price` is sent; None if nothing says, or offers differ."""
    if your_price is None:
        return None
    told = {
        offer.fulfilled_by_amazon
        for offer in facts.offers
        if offer.seller_id == seller_id and landed_price(offer, marketplace_id) == your_price
    }
    return _CHANNELS[told.pop()] if len(told) == 1 else None
