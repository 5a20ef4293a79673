"""The race to the bottom, point by point: what is a fall, whose it is, and what ends it."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from economics.facts import MarketFacts, Offer
from economics.market import take_snapshot
from economics.risks import LowPoint, RaceSettings, low_point, race_to_bottom
from tests.economics_strategies import AT
from tests.factories import GB, OWN_SELLER, RIVALS

THREE = RaceSettings(sellers=2, falls=3, window=timedelta(hours=2), rise_pct=Decimal(5))


def lows(*prices, sellers=("A", "B")):
    """A point a minute up to `AT`, the sellers taking turns."""
    first = AT - timedelta(minutes=len(prices) - 1)
    return [
        LowPoint(first + timedelta(minutes=n), Decimal(price), sellers[n % len(sellers)])
        for n, price in enumerate(prices)
    ]


def raced(*prices, **more) -> bool:
    return race_to_bottom(lows(*prices, **more), AT, THREE)


def test_two_falls_by_two_sellers_are_not_yet_three():
    assert not raced("20", "19.9", "19.9", "19.8", sellers=("A", "B", "C"))
    assert raced("20", "19.9", "19.8", "19.8", "19.7")


@pytest.mark.parametrize(("rise", "goes_on"), [("21", True), ("21.01", False)])
def test_a_rise_by_more_than_five_percent_ends_it_and_one_by_just_that_does_not(rise, goes_on):
    assert raced("22", "21", "20", rise, "20.5") is goes_on


def test_a_rise_is_counted_from_the_lowest_price_since_the_last_one():
    """18.95 is 5.3 % over 18, though less than where it all began."""
    assert not raced("20", "19", "18", "18.95", "18.5")


def test_after_a_rise_all_the_falls_are_needed_again():
    assert not raced("20", "30", "29", "28")
    assert raced("20", "30", "29", "28", "27")


def test_a_seller_nobody_knows_is_not_the_second_one():
    assert not raced("20", "19.9", "19.8", "19.7", sellers=("A", None))


def test_lows_of_one_instant_are_the_falls_they_may_have_been():
    together = [point._replace(event_time=AT) for point in lows("20", "19.9", "19.8", "19.7")]
    assert race_to_bottom(reversed(together), AT, THREE)


@pytest.mark.parametrize("own", ["10.00", "20.00"])
def test_the_low_of_a_message_is_the_same_whether_its_market_is_known_already_or_not(own):
    """The own offer may be the lowest, or the only one."""
    offers = [
        Offer(seller_id=OWN_SELLER, listing=Decimal(own)),
        Offer(seller_id=RIVALS[0], listing=Decimal("15.00")),
    ]
    for sent in (offers, offers[:1]):
        facts = MarketFacts(currency="GBP", offers=tuple(sent))
        market = take_snapshot(facts, seller_id=OWN_SELLER, marketplace_id=GB)
        lowest = min(sent, key=lambda offer: offer.listing)
        expected = LowPoint(AT, lowest.listing, lowest.seller_id)
        assert low_point(AT, facts, GB, market) == low_point(AT, facts, GB) == expected
