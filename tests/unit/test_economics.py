"""Fees, profit and margin at a price, against an independent restatement of the bill."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal, localcontext
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from economics.breakdown import Breakdown, break_down
from economics.economics import curve_of, worth_of
from economics.fee_rules import Unknown
from tests.economics_strategies import costs, drawn_cases, rules, schedule, terms, unit

PRICES = st.integers(1, 1500)


def fraction_of(case, price) -> Fraction:
    """The profit in ticks, exactly, by the restatement."""
    gross = Fraction(10_000 + case.sale_vat, 10_000)
    return Fraction(case.surplus(price), 10**10) / gross


def broken_down(case, price) -> Breakdown:
    fees = schedule(case.as_rules(), of_terms=case.as_terms(), of_costs=case.as_costs())
    found = break_down(case.as_costs(), fees, case.price(price))
    assert isinstance(found, Breakdown)
    return found


@settings(max_examples=200)
@given(drawn_cases(), PRICES)
def test_every_line_of_the_bill_is_that_of_the_restatement(case, price):
    lines = {line.kind: line.amount for line in broken_down(case, price).fees}
    expected = case.bill(price)
    expected["vat-on-fees"] = expected.pop("vat")
    assert lines == {kind: case.price(ticks) for kind, ticks in expected.items()}


@settings(max_examples=200)
@given(drawn_cases(), PRICES)
def test_the_surplus_is_exact_and_a_loss_is_told_by_it(case, price):
    found = case.as_unit().surplus(case.price(price))
    assert Fraction(found) == Fraction(case.surplus(price), 10**10) * Fraction(case.tick)
    assert worth_of(case.as_unit(), case.price(price)).loses_money == (case.surplus(price) < 0)


@settings(max_examples=200)
@given(drawn_cases(), PRICES)
def test_the_shown_figures_are_the_exact_ones_rounded(case, price):
    exact = fraction_of(case, price) * Fraction(case.tick)
    worth = worth_of(case.as_unit(), case.price(price))
    assert abs(Fraction(worth.profit) - exact) <= Fraction(case.tick) / 2
    assert worth.profit % case.tick == 0
    net = Fraction(case.price(price)) * 10_000 / (10_000 + case.sale_vat)
    assert 0 <= exact / net * 100 - Fraction(worth.margin_pct) < Fraction(1, 100)
    if case.cost:
        cost = Fraction(case.cost, 100) * Fraction(case.tick)
        assert 0 <= exact / cost * 100 - Fraction(worth.roi_pct) < Fraction(1, 100)
    else:
        assert worth.roi_pct is None


@settings(max_examples=200)
@given(drawn_cases(), PRICES)
def test_the_lines_add_up_to_the_profit_to_the_last_tick(case, price):
    if case.cost % 100 or case.recoverable % 10_000:
        return  # parts of a tick: only then may a sum of rounded lines be off
    shown = broken_down(case, price)
    fees = sum(line.amount for line in shown.fees)
    spent = fees - shown.vat_recovered + sum(amount for _, amount in shown.costs)
    assert shown.price - shown.sale_vat - spent == shown.worth.profit


@settings(max_examples=200)
@given(drawn_cases(), PRICES)
def test_within_a_piece_a_higher_price_never_has_lower_fees(case, price):
    curve = case.as_unit().curve
    at, above = case.price(price), case.price(price + 1)
    if curve.piece_at(at) == curve.piece_at(above):
        assert curve.fees(above) >= curve.fees(at)


@settings(max_examples=50)
@given(drawn_cases(), PRICES)
def test_the_caller_s_decimal_context_changes_nothing(case, price):
    asked, fees = case.price(price), case.as_unit().curve.schedule
    product = case.as_costs(own_postage="1.2345")
    expected = break_down(product, fees, asked)
    curve_of.cache_clear()
    with localcontext(prec=3):
        assert break_down(product, fees, asked) == expected


# by hand ------------------------------------------------------------------------------------------


def lines_at(price, fees, **product):
    found = break_down(costs(**product), schedule(fees), Decimal(price))
    assert isinstance(found, Breakdown)
    return {line.kind: str(line.amount) for line in found.fees}, found


def test_a_sum_by_hand():
    """20.49: VAT 3.42 (3.415), 15 % 3.07 (3.0735), FBA 2.50, 2 % of 5.57 is 0.11, cost 4.00.

    Net 17.075 less 9.68 is 7.395; VAT is shown as 3.42, so the profit is shown as 7.39.
    """
    lines, found = lines_at(
        "20.49", rules(referral="0.15", fulfilment="2.50", digital="0.02", fee_vat="0.20")
    )
    assert lines == {
        "referral": "3.07",
        "fulfilment": "2.50",
        "closing": "0.00",
        "digital-services": "0.11",
        "vat-on-fees": "1.13",  # 0.61 + 0.50 + 0.02
    }
    assert found.sale_vat == Decimal("3.42")
    assert found.vat_recovered == Decimal("1.13")
    assert found.worth.profit == Decimal("7.39")
    assert found.worth.margin_pct == Decimal("43.30")  # 43.309
    assert found.worth.roi_pct == Decimal("184.87")  # 184.875


@pytest.mark.parametrize(
    ("price", "fee"), [("20.00", "1.60"), ("20.01", "3.00"), ("0.01", "0.00"), ("9.94", "0.80")]
)
def test_a_whole_price_tier_takes_its_rate_of_the_whole_price(price, fee):
    tiers = ("whole-price", ("20", "0.08"), (None, "0.15"))
    assert lines_at(price, rules(referral=tiers))[0]["referral"] == fee


@pytest.mark.parametrize(("price", "fee"), [("45", "6.75"), ("45.01", "6.75"), ("100", "11.70")])
def test_a_marginal_tier_takes_its_rate_of_the_part_above(price, fee):
    tiers = ("marginal", ("45", "0.15"), (None, "0.09"))
    lines, found = lines_at(price, rules(referral=tiers))
    assert lines["referral"] == fee
    named = [r.rule_id for r in found.fees[0].rules]
    assert named == (["r0"] if Decimal(price) <= 45 else ["r0", "r1"])


def test_half_a_penny_is_billed_as_a_whole_one():
    assert lines_at("0.30", rules(referral="0.15"))[0]["referral"] == "0.05"
    assert lines_at("0.29", rules(referral="0.15"))[0]["referral"] == "0.04"


def test_what_the_digital_fee_is_a_share_of_is_in_its_rule():
    fees = rules(referral="0.10", fulfilment="3", closing="0.50", digital="0.03")
    for applies, amount in (
        (("referral",), "0.06"),
        (("referral", "fulfilment"), "0.15"),
        (("referral", "fulfilment", "closing"), "0.17"),  # 0.165
        (("closing",), "0.02"),  # 0.015
    ):
        changed = [
            replace(r, applies_to=applies) if r.kind == "digital-services" else r for r in fees
        ]
        assert lines_at("20", changed)[0]["digital-services"] == amount


def test_vat_on_fees_costs_what_is_not_recovered():
    fees = rules(referral="0.15", fulfilment="2.50", fee_vat="0.20")
    profits = [
        worth_of(unit(fees, of_terms=terms(fee_vat_recoverable=Decimal(share))), Decimal(12)).profit
        for share in ("1", "0.5", "0")
    ]
    # 20 % of 1.80 and 2.50 is 0.36 + 0.50.
    assert profits[0] == Decimal("1.70")
    assert [profits[0] - p for p in profits] == [0, Decimal("0.43"), Decimal("0.86")]


def test_a_trifling_loss_is_a_loss_though_it_reads_as_nothing():
    """A third of a penny."""
    at_a_loss = unit(rules(referral="0"), of_costs=costs(unit_cost="10.003", sale_vat_rate="0"))
    worth = worth_of(at_a_loss, Decimal("10.00"))
    assert (worth.profit, worth.loses_money) == (0, True)
    assert worth.margin_pct < 0


def test_without_costs_or_fees_the_sum_is_unknown_with_its_reason():
    assert break_down(None, schedule(rules(referral="0.1")), Decimal(9)) == Unknown(
        "no costs are known for the product"
    )
    assert break_down(costs(), Unknown("no fees"), Decimal(9)) == Unknown("no fees")
    found = break_down(costs(unit_cost=None), schedule(rules(referral="0.1")), Decimal(9))
    assert found == Unknown("the unit cost of the product is not known")
