"""The demo's own account of the alerts: boundaries by hand, and that it finds what is wrong."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from worker.demo.alarms import NOBODY_KNOWS, compare_alerts, expected_alerts, expected_severity
from worker.demo.truth import ExpectedState

KEY = ("A1", "GB", "B000000001", "new")
CRITICAL = ExpectedState(
    currency="GBP",
    your_price=Decimal(15),
    market_low=Decimal(10),
    your_position=8,
    total_offers=10,
    buy_box_winner=False,
    has_buy_box=True,
)


@pytest.mark.parametrize(
    ("change", "severity"),
    [
        ({}, "critical"),
        ({"your_price": Decimal("14.99")}, "high"),
        ({"your_position": 7}, "high"),
        ({"buy_box_winner": True}, "warning"),
        ({"total_offers": 9}, "high"),
        ({"your_price": Decimal("11.99")}, "warning"),
        ({"your_price": Decimal("10.99")}, None),
        ({"your_price": Decimal("11.99"), "your_position": 3}, None),
        ({"your_price": None}, NOBODY_KNOWS),
        ({"buy_box_winner": None}, NOBODY_KNOWS),
    ],
)
def test_the_account_knows_the_boundaries(change, severity):
    assert expected_severity(replace(CRITICAL, **change)) == severity


def test_the_account_tells_what_is_missing_what_is_too_much_and_what_is_of_another_severity():
    expected = expected_alerts({KEY: CRITICAL})
    right = [((*KEY, "price"), "critical")]
    assert compare_alerts(expected, right) == []
    assert len(compare_alerts(expected, [])) == 1
    assert len(compare_alerts(expected, [((*KEY, "price"), "high")])) == 1
    assert len(compare_alerts(expected, [*right, ((*KEY, "pricing-health"), "high")])) == 1


@pytest.mark.parametrize(("condition", "severity"), [("new", "high"), ("used", None)])
def test_the_account_misses_the_buy_box_of_new_offers_only(condition, severity):
    key = (*KEY[:-1], condition)
    expected = expected_alerts({key: replace(CRITICAL, has_buy_box=False)})
    assert expected[*key, "buy-box-suppressed"] == severity


def test_of_what_nobody_knows_the_account_says_nothing():
    hidden = replace(CRITICAL, your_price=None, has_buy_box=None)
    assert set(expected_alerts({KEY: hidden})) == {(*KEY, "pricing-health")}
