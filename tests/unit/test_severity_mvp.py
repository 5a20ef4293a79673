"""The mvp policy: exact on every boundary, and unknowns that satisfy nothing."""

from __future__ import annotations

from decimal import Decimal

import pytest
from msgspec.structs import replace

from worker.analysis.severity import Standing, assess

BEHIND = Standing(
    your_price=Decimal("150.00"),
    market_low=Decimal("100.00"),
    your_position=11,
    total_offers=10,
    buy_box_winner=False,
)
"""Exactly on every boundary of `critical`."""

TRAILING = replace(BEHIND, your_price=Decimal("120.00"), your_position=4, total_offers=5)
"""Exactly on every boundary of `high`, and just behind the third."""

CALM = replace(BEHIND, your_price=Decimal("109.99"), your_position=4, total_offers=2)
"""One step under every boundary of `warning`."""


def verdict_on(standing, **changes):
    return assess(replace(standing, **changes), "mvp", sales_threshold=Decimal(1))


def severity(standing, **changes):
    return verdict_on(standing, **changes).severity


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, "critical"),
        ({"your_price": Decimal("149.99")}, "high"),
        ({"your_price": Decimal("150.01")}, "critical"),
        ({"total_offers": 9}, "high"),
        ({"total_offers": 11}, "critical"),
        ({"your_position": 10}, "high"),
        ({"your_position": 12}, "critical"),
        ({"buy_box_winner": True}, "success"),
        ({"your_position": 3}, "success"),
    ],
)
def test_critical_needs_a_gap_of_fifty_ten_offers_and_a_place_behind_the_tenth(changes, expected):
    assert severity(BEHIND, **changes) == expected


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, "high"),
        ({"your_price": Decimal("119.99")}, "warning"),
        ({"your_price": Decimal("120.01")}, "high"),
        ({"total_offers": 4}, "warning"),
        ({"total_offers": 6}, "high"),
        ({"buy_box_winner": None}, "high"),
    ],
)
def test_high_needs_a_gap_of_twenty_and_five_offers(changes, expected):
    assert severity(TRAILING, **changes) == expected


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, "info"),
        ({"your_price": Decimal("110.00")}, "warning"),
        ({"your_price": Decimal("110.01")}, "warning"),
        ({"total_offers": 3}, "warning"),
        ({"total_offers": 4}, "warning"),
        ({"total_offers": 0}, "info"),
        ({"your_price": Decimal("100.00"), "total_offers": 3}, "warning"),
        ({"your_price": Decimal("100.01"), "total_offers": 3}, "warning"),
    ],
)
def test_warning_is_a_gap_of_ten_or_three_offers(changes, expected):
    assert severity(CALM, **changes) == expected


@pytest.mark.parametrize("standing", [BEHIND, TRAILING, CALM])
@pytest.mark.parametrize(("position", "succeeds"), [(1, True), (3, True), (4, False)])
def test_the_third_place_is_a_success_whatever_the_gap(standing, position, succeeds):
    assert (severity(standing, your_position=position) == "success") is succeeds


@pytest.mark.parametrize("standing", [BEHIND, TRAILING, CALM])
def test_a_winner_is_a_success_whatever_else(standing):
    assert severity(standing, buy_box_winner=True) == "success"


def test_margins_and_sales_do_not_enter():
    for known in (Decimal(-50), Decimal(0), Decimal(50)):
        told = {
            "margin_at_your_price_pct": known,
            "margin_at_market_low_pct": known,
            "daily_sales": abs(known),
        }
        assert severity(BEHIND, **told) == "critical"
        assert severity(CALM, **told) == "info"


@pytest.mark.parametrize("standing", [BEHIND, TRAILING, CALM])
def test_without_prices_to_compare_it_is_info(standing):
    for low in (None, Decimal(0)):
        assert severity(standing, market_low=low) == "info"
    assert severity(standing, your_price=None) == "info"


@pytest.mark.parametrize("price", ["99.60", "50.00"])
def test_an_own_price_under_the_market_low_is_one_to_compare(price):
    """However little or far: only what is not known is info."""
    assert severity(TRAILING, your_price=Decimal(price)) == "warning"


def test_no_market_low_does_not_hide_a_success():
    """`winner or position <= 3` comes before `no prices`."""
    assert severity(BEHIND, market_low=None, buy_box_winner=True) == "success"
    assert severity(BEHIND, market_low=None, your_position=3) == "success"


def test_a_missing_own_offer_is_info_before_any_success():
    assert verdict_on(BEHIND, your_price=None).reasons == ("the own offer is unknown",)
    assert severity(BEHIND, your_price=None, buy_box_winner=True) == "info"
    assert severity(BEHIND, your_price=None, your_position=1) == "info"


def test_an_unknown_position_is_neither_behind_the_tenth_nor_in_front():
    assert severity(BEHIND, your_position=None) == "high"
    assert severity(CALM, your_position=None) == "info"


def test_an_unknown_number_of_offers_is_neither_few_nor_many():
    assert severity(BEHIND, total_offers=None) == "warning"
    assert severity(TRAILING, total_offers=None) == "warning"
    assert severity(CALM, total_offers=None) == "info"


def test_an_unknown_winner_is_no_winner():
    for standing in (BEHIND, TRAILING, CALM):
        assert severity(standing, buy_box_winner=None) == severity(standing)


def test_a_known_own_price_alone_is_info():
    assert severity(Standing(your_price=Decimal(10))) == "info"


@pytest.mark.parametrize(
    ("price", "low", "expected"),
    [
        (Decimal("14999.99"), Decimal("10000.00"), "high"),
        (Decimal(15 * 10**29 - 1), Decimal(10**30), "high"),
        (Decimal("55.00"), Decimal("36.67"), "high"),
        (Decimal("55.005"), Decimal("36.67"), "critical"),
        (Decimal("55.01"), Decimal("36.67"), "critical"),
        (Decimal(1499), Decimal(1000), "high"),
        (Decimal(1500), Decimal(1000), "critical"),
        (Decimal("1.10"), Decimal("1.00"), "warning"),
    ],
)
def test_the_gap_is_compared_as_an_exact_fraction(price, low, expected):
    assert severity(BEHIND, your_price=price, market_low=low) == expected


def test_a_warning_names_only_what_led_to_it():
    by_gap = verdict_on(CALM, your_price=Decimal(110), total_offers=None)
    assert by_gap.reasons == ("10.00 % above the market low (10 % or more)",)
    by_offers = verdict_on(CALM, total_offers=3)
    assert by_offers.reasons == ("3 offers (3 or more)",)
    both = verdict_on(CALM, your_price=Decimal(110), total_offers=3)
    assert both.reasons == (*by_gap.reasons, *by_offers.reasons)
