"""What is wrong with a price or dangerous about its market, as flags. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Literal, NamedTuple

from economics.facts import MarketFacts
from economics.market import Snapshot, landed_prices

RiskFlag = Literal["below-cost", "margin-squeeze", "race-to-bottom", "dead-zone", "map-breach"]


@dataclass(frozen=True, slots=True)
class RaceSettings:
    """When a falling low counts as a race: `falls` or more, by `sellers` or more, within `window`.

    A rise to more than `rise_pct` percent above its lowest point ends the race.
    """

    sellers: int = 2
    falls: int = 6
    window: timedelta = timedelta(hours=2)
    rise_pct: Decimal = Decimal(5)


RACE = RaceSettings()


class LowPoint(NamedTuple):
    """The market low after one event, and whose it was; None where the message named nobody."""

    event_time: datetime
    low: Decimal
    seller_id: str | None


def low_point(
    event_time: datetime, facts: MarketFacts, marketplace_id: str, market: Snapshot | None = None
) -> LowPoint | None:
    """The point a message adds to the history; None when it shows no offers.

    `market`, if it was taken from these facts already, saves looking for the low again.
    """
    if not facts.offers:
        return None
    prices = landed_prices(facts.offers, marketplace_id)
    low = None if market is None else market.market_low
    if low is None:
        low = min(prices)
    sellers = [o.seller_id for o, price in zip(facts.offers, prices, strict=True) if price == low]
    return LowPoint(event_time, low, min(sellers))


def in_order(points: Iterable[LowPoint]) -> list[LowPoint]:
    """By time; at one instant the higher first, so that they count as the falls they may be."""
    return sorted(points, key=lambda point: (point.event_time, -point.low, point.seller_id or ""))


def race_to_bottom(
    history: Iterable[LowPoint], at: datetime, settings: RaceSettings = RACE
) -> bool:
    """Whether the low is being raced down at this instant. Order and repeats don't matter.

    Counts the falls of the low, and the sellers who made them, since the last rise within the
    window that ends at `at`; later points are ignored.
    """
    since = at - settings.window
    within = {point for point in history if since <= point.event_time <= at}
    if len(within) <= settings.falls:
        return False
    points = in_order(within)
    falls, sellers, low = 0, set[str](), points[0].low
    bottom = low
    for point in points[1:]:
        if point.low < low:
            falls += 1
            sellers |= {point.seller_id} if point.seller_id is not None else set()
        elif (point.low - bottom) * 100 > settings.rise_pct * bottom:
            falls, sellers, bottom = 0, set(), point.low
        low = point.low
        bottom = min(bottom, low)
    return falls >= settings.falls and len(sellers) >= settings.sellers
