"""The full policy: exact on every boundary, and unknowns that satisfy nothing."""

from __future__ import annotations

from decimal import Decimal

import pytest
from msgspec.structs import replace

from worker.analysis.severity import Standing, assess, gap_pct

THRESHOLD = Decimal(1)
BEHIND = Standing(
    your_price=Decimal("150.00"),
    market_low=Decimal("100.00"),
    your_position=8,
    total_offers=10,
    buy_box_winner=False,
)
"""Exactly on every boundary of `critical`."""

TRAILING = replace(BEHIND, your_price=Decimal("120.00"), your_position=4, total_offers=5)
"""Exactly on every boundary of `high`, and just behind the third."""

SLIPPING = replace(BEHIND, your_price=Decimal("110.00"), your_position=4, total_offers=3)
"""Exactly on every boundary of `warning`."""

CLOSE = replace(BEHIND, your_price=Decimal("105.00"), your_position=3, total_offers=3)
"""Exactly on every boundary of `success` for an offer that does not win."""

WINNING = replace(CLOSE, buy_box_winner=True)


def severity(standing=BEHIND, *, threshold=THRESHOLD, **changes):
    verdict = assess(replace(standing, **changes), "full", sales_threshold=threshold)
    return verdict.severity


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, "critical"),
        ({"your_price": Decimal("149.99")}, "high"),
        ({"your_price": Decimal("150.01")}, "critical"),
        ({"total_offers": 9}, "high"),
        ({"total_offers": 11, "your_position": 9}, "critical"),
        ({"your_position": 7}, "high"),
        ({"your_position": 9}, "critical"),
        ({"buy_box_winner": True}, "warning"),
    ],
)
def test_critical_needs_ten_offers_a_gap_of_fifty_no_win_and_the_last_fifth(changes, expected):
    assert severity(BEHIND, **changes) == expected


@pytest.mark.parametrize("offers", [10, 15, 20, 25, 100])
def test_exactly_eighty_percent_is_far_back_and_one_rank_nearer_is_not(offers):
    boundary = offers * 4 // 5
    assert severity(total_offers=offers, your_position=boundary) == "critical"
    assert severity(total_offers=offers, your_position=boundary - 1) == "high"
    assert severity(total_offers=offers, your_position=boundary + 1) == "critical"


@pytest.mark.parametrize("offers", [11, 12, 13, 14, 16, 17, 18, 19, 29, 124])
def test_a_share_between_two_ranks_is_not_rounded(offers):
    below = offers * 4 // 5  # the last rank that is less than 80 %
    assert severity(total_offers=offers, your_position=below) == "high"
    assert severity(total_offers=offers, your_position=below + 1) == "critical"


@pytest.mark.parametrize(
    ("sales", "expected"),
    [
        (None, "critical"),
        (Decimal("1.01"), "critical"),
        (Decimal("1.00"), "high"),
        (Decimal("0.99"), "high"),
        (Decimal(0), "high"),
    ],
)
def test_critical_becomes_high_if_only_the_sales_are_too_low(sales, expected):
    assert severity(daily_sales=sales) == expected


@pytest.mark.parametrize("sales", [Decimal("2.49"), Decimal("2.5"), Decimal("2.51"), None])
def test_the_sales_threshold_is_the_one_given(sales):
    expected = "high" if sales is not None and sales <= Decimal("2.5") else "critical"
    assert severity(daily_sales=sales, threshold=Decimal("2.5")) == expected


def test_the_downgrade_for_low_sales_does_not_depend_on_the_rule_for_high():
    """It says so in its reasons, and names both figures."""
    verdict = assess(replace(BEHIND, daily_sales=Decimal("0.5")), "full", sales_threshold=THRESHOLD)
    assert verdict.reasons[-1] == "only 0.5 sales a day (critical needs over 1)"
    assert len(verdict.reasons) == 5


@pytest.mark.parametrize("sales", [Decimal(0), Decimal(1000), None])
def test_sales_matter_to_nothing_but_critical(sales):
    for standing, expected in ((TRAILING, "high"), (SLIPPING, "warning"), (CLOSE, "success")):
        assert severity(standing, daily_sales=sales) == expected


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, "high"),
        ({"your_price": Decimal("119.99")}, "warning"),
        ({"your_price": Decimal("120.01")}, "high"),
        ({"total_offers": 4}, "warning"),
        ({"total_offers": 6}, "high"),
        ({"buy_box_winner": True}, "warning"),
        ({"your_position": 1}, "high"),
        ({"your_position": None}, "high"),
    ],
)
def test_high_needs_five_offers_a_gap_of_twenty_and_no_win(changes, expected):
    assert severity(TRAILING, **changes) == expected


@pytest.mark.parametrize(
    ("margin", "expected"),
    [
        (Decimal("9.99"), "high"),
        (Decimal("10.00"), "success"),
        (Decimal("10.01"), "success"),
        (Decimal(-3), "high"),
    ],
)
def test_winning_at_a_margin_under_ten_is_high(margin, expected):
    assert severity(WINNING, margin_at_your_price_pct=margin) == expected


@pytest.mark.parametrize("winner", [False, None])
def test_a_thin_margin_at_your_price_matters_only_to_the_winner(winner):
    assert severity(CLOSE, buy_box_winner=winner, margin_at_your_price_pct=Decimal(1)) == "success"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, "warning"),
        ({"your_price": Decimal("109.99")}, "info"),
        ({"your_price": Decimal("110.01")}, "warning"),
        ({"total_offers": 2}, "success"),
        ({"total_offers": 4}, "warning"),
        ({"your_position": 3}, "info"),
        ({"your_position": 5}, "warning"),
        ({"buy_box_winner": True}, "warning"),
        ({"buy_box_winner": None}, "warning"),
    ],
)
def test_warning_needs_three_offers_a_gap_of_ten_and_a_place_behind_the_third(changes, expected):
    assert severity(SLIPPING, **changes) == expected


@pytest.mark.parametrize(
    ("margin", "expected"),
    [
        (Decimal("4.99"), "warning"),
        (Decimal("5.00"), "success"),
        (Decimal("5.01"), "success"),
        (Decimal(-1), "warning"),
    ],
)
@pytest.mark.parametrize("standing", [CLOSE, WINNING])
def test_a_margin_under_five_at_the_market_low_is_a_warning_before_any_success(
    standing, margin, expected
):
    assert severity(standing, margin_at_market_low_pct=margin) == expected


def test_the_two_margins_are_not_confused():
    assert severity(WINNING, margin_at_your_price_pct=Decimal(7)) == "high"
    assert severity(WINNING, margin_at_market_low_pct=Decimal(7)) == "success"
    assert severity(CLOSE, margin_at_your_price_pct=Decimal(4)) == "success"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, "success"),
        ({"your_price": Decimal("105.01")}, "info"),
        ({"your_price": Decimal("104.99")}, "success"),
        ({"your_position": 4}, "info"),
        ({"your_position": 2}, "success"),
        ({"your_price": Decimal("105.01"), "total_offers": 2}, "success"),
        ({"your_price": Decimal("105.01"), "buy_box_winner": True}, "success"),
        ({"your_position": 4, "buy_box_winner": True}, "success"),
    ],
)
def test_success_is_a_win_or_few_offers_or_third_within_five_percent(changes, expected):
    assert severity(CLOSE, **changes) == expected


def test_the_first_rule_that_matches_decides():
    """A loss-making winner far behind, with few offers, satisfies them all but `critical`."""
    worst = replace(
        TRAILING,
        buy_box_winner=True,
        margin_at_your_price_pct=Decimal(9),
        margin_at_market_low_pct=Decimal(4),
    )
    assert severity(worst) == "high"
    assert severity(worst, margin_at_your_price_pct=None) == "warning"
    calm = replace(worst, margin_at_your_price_pct=None, margin_at_market_low_pct=None)
    assert severity(calm, your_position=3) == "success"


KNOWN_SO_EXPECTED = {
    "your_price": "info",
    "market_low": "info",
    "your_position": "high",
    "total_offers": "info",
    "buy_box_winner": "warning",
}


@pytest.mark.parametrize(("field", "expected"), KNOWN_SO_EXPECTED.items())
def test_what_is_unknown_cannot_make_it_critical(field, expected):
    assert severity(BEHIND, **{field: None}) == expected


@pytest.mark.parametrize("field", ["your_price", "market_low", "your_position"])
def test_what_is_unknown_cannot_make_it_a_success(field):
    assert severity(CLOSE, **{field: None}) == "info"


def test_an_unknown_number_of_offers_is_neither_few_nor_many():
    assert severity(SLIPPING, total_offers=None) == "info"
    assert severity(TRAILING, total_offers=None) == "info"
    assert severity(BEHIND, total_offers=None) == "info"


def test_an_unknown_winner_is_neither_a_winner_nor_a_loser():
    assert severity(TRAILING, buy_box_winner=None, your_position=3) == "info"
    unknown = replace(TRAILING, buy_box_winner=None, your_position=3)
    assert severity(unknown, margin_at_your_price_pct=Decimal(1)) == "info"


def test_a_known_own_price_alone_is_info():
    assert severity(Standing(your_price=Decimal(10))) == "info"


def test_no_offers_at_all_is_no_division_by_zero():
    assert severity(BEHIND, total_offers=0) == "success"
    assert severity(BEHIND, total_offers=0, market_low=Decimal(0)) == "success"


LIES = {
    "rounded to two places it is 20": (Decimal("11999.99"), Decimal("10000.00"), "warning"),
    "rounded to two places it is 50": (Decimal("14999.99"), Decimal("10000.00"), "high"),
    "in 28 digits it is 20": (Decimal(12 * 10**29 - 1), Decimal(10**30), "warning"),
    "in 28 digits it is 50": (Decimal(15 * 10**29 - 1), Decimal(10**30), "high"),
    "in floats it is under 10": (Decimal("3.30"), Decimal("3.00"), "warning"),
    "in floats it is over 5": (Decimal("1.05"), Decimal("1.00"), "info"),
    "a fifth more than 36.67 is 44.004": (Decimal("44.00"), Decimal("36.67"), "warning"),
    "which 44.01 exceeds": (Decimal("44.01"), Decimal("36.67"), "high"),
    "half more than 36.67 is 55.005": (Decimal("55.00"), Decimal("36.67"), "high"),
    "which 55.01 exceeds, too": (Decimal("55.01"), Decimal("36.67"), "critical"),
    "exactly half more, in thousandths": (Decimal("55.005"), Decimal("36.67"), "critical"),
    "a third more": (Decimal(4), Decimal(3), "high"),
}


@pytest.mark.parametrize("case", LIES)
def test_the_gap_is_compared_as_an_exact_fraction(case):
    price, low, expected = LIES[case]
    assert severity(your_price=price, market_low=low) == expected


def test_a_gap_of_exactly_five_is_a_success_though_floats_put_it_above():
    assert (1.05 - 1.00) / 1.00 * 100 > 5
    assert severity(CLOSE, your_price=Decimal("1.05"), market_low=Decimal("1.00")) == "success"


@pytest.mark.parametrize(
    ("price", "expected"),
    [(1499, "high"), (1500, "critical"), (1501, "critical"), (1199, "warning"), (1200, "high")],
)
def test_yen_have_no_minor_unit_and_the_same_boundaries(price, expected):
    assert severity(your_price=Decimal(price), market_low=Decimal(1000)) == expected


def test_the_stored_gap_is_not_rounded_to_places():
    third = gap_pct(Standing(your_price=Decimal("4.00"), market_low=Decimal("3.00")))
    assert third == Decimal("33.33333333333333333333333333")
    assert gap_pct(Standing(your_price=Decimal("44.00"), market_low=Decimal("36.67"))) == Decimal(
        733
    ) / Decimal("36.67")
    assert gap_pct(Standing(your_price=Decimal("15.0"), market_low=Decimal("10.00"))) == 50


@pytest.mark.parametrize(
    ("price", "low"),
    [(None, Decimal(1)), (Decimal(1), None), (None, None), (Decimal(1), Decimal(0))],
)
def test_there_is_no_gap_without_both_prices(price, low):
    assert gap_pct(Standing(your_price=price, market_low=low)) is None
