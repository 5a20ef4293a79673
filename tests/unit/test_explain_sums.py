"""An explanation: lines that add up, the same figures as the sums elsewhere, and honest gaps."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from economics.breakdown import Breakdown, break_down
from economics.explanation import explain, lines_of
from economics.facts import MarketFacts, Offer
from economics.fee_rules import Unknown
from economics.fee_schedule import schedule_for
from economics.market import Snapshot, take_snapshot
from economics.recommend import Bounds, floors_of
from economics.remedies import remedy_for
from economics.viable import dead_zones
from tests.economics_strategies import AT, costs, drawn_cases, rule, rules, schedule, terms
from tests.factories import GB, OWN_SELLER, RIVALS

USUAL = rules(referral="0.15", minimum="0.25", fulfilment="2.50", digital="0.02", fee_vat="0.20")
PRICES = st.integers(1, 1500)


def market(own="20.49", rivals=("19.49",)):
    """The first rival is Prime and has the Buy Box."""
    offers = [
        Offer(seller_id=RIVALS[n], listing=Decimal(price), prime=n == 0, winner=n == 0)
        for n, price in enumerate(rivals)
    ]
    if own is not None:
        offers.append(Offer(seller_id=OWN_SELLER, listing=Decimal(own), prime=False, winner=False))
    facts = MarketFacts(currency="GBP", offers=tuple(offers))
    return take_snapshot(facts, seller_id=OWN_SELLER, marketplace_id=GB), facts


def explained(product=None, fees=None, *, asked=None, **of_market):
    product = product or costs()
    fees = schedule(USUAL, of_costs=product) if fees is None else fees
    return explain(product, fees, *market(**of_market), asked=asked)


def gaps(found) -> dict[str, tuple[str, str]]:
    return {gap.what: (gap.why, gap.remedy) for gap in found.gaps}


# sums ---------------------------------------------------------------------------------------------


def parts(case, price):
    fees = schedule(case.as_rules(), of_terms=case.as_terms(), of_costs=case.as_costs())
    return case.as_costs(), fees, case.price(price)


@settings(max_examples=200)
@given(drawn_cases(), PRICES)
def test_the_lines_of_every_sum_add_up_to_its_profit_exactly(case, price):
    product, fees, asked = parts(case, price)
    found = explain(product, fees, None, None, asked=asked).sums[0]
    assert sum(line.amount for line in found.lines) == found.worth.profit
    assert (found.name, found.price, found.lines[0].amount) == ("asked", asked, asked)


@settings(max_examples=200)
@given(drawn_cases(), PRICES)
def test_the_lines_are_those_of_the_breakdown(case, price):
    product, fees, asked = parts(case, price)
    pure = break_down(product, fees, asked)
    assert isinstance(pure, Breakdown)
    shown = [line.amount for line in explain(product, fees, None, None, asked=asked).sums[0].lines]
    expected = [pure.price, -pure.sale_vat, *(-fee.amount for fee in pure.fees)]
    expected += [pure.vat_recovered, *(-amount for _, amount in pure.costs)]
    assert shown[: len(expected)] == expected
    rounding = shown[len(expected) :]
    if case.cost % 100 == 0 and case.recoverable % 10_000 == 0:
        assert rounding == []
    assert all(0 < abs(amount) <= 2 * case.tick for amount in rounding)


@settings(max_examples=100)
@given(drawn_cases())
def test_floors_and_dead_zones_are_those_of_the_pure_search(case):
    product, fees, _ = parts(case, 1)
    found = explain(product, fees, None, None)
    bounds = Bounds(product.min_price, product.max_price, fees.wanted_margin)
    assert found.floors == floors_of(case.as_unit(), bounds)
    assert found.dead_zones == dead_zones(case.as_unit().curve)


def test_a_line_for_rounding_says_what_rounding_did():
    """A quarter of 1.13 of VAT comes back: 0.2825, shown as 0.28. The profit is 6.5475: 6.55."""
    fees = schedule(USUAL, of_terms=terms(fee_vat_recoverable=Decimal("0.25")))
    pure = break_down(costs(), fees, Decimal("20.49"))
    assert isinstance(pure, Breakdown)
    lines = {line.name: str(line.amount) for line in lines_of(pure)}
    assert str(pure.worth.profit) == "6.55"
    assert (lines["VAT on fees that comes back"], lines["rounding"]) == ("0.28", "0.01")


def test_the_prices_stand_side_by_side_with_the_margins_of_the_state():
    found = explained(rivals=("19.49", "17.00"), asked=Decimal("12.00"))
    assert [(one.name, str(one.price)) for one in found.sums] == [
        ("asked", "12.00"),
        ("own price", "20.49"),
        ("market low", "17.00"),
        ("Prime low", "19.49"),
        ("recommended", "16.99"),
    ]
    margins = [one.worth.margin_pct for one in found.sums[1:4]]
    assert margins == [
        found.view.margin_at_current_price,
        found.view.margin_at_market_low,
        found.view.margin_at_prime_low,
    ]


def test_every_rule_is_named_once_with_the_prices_it_makes_a_fee_of():
    tiers = rules(referral=("whole-price", ("20", "0.08"), (None, "0.15")))
    found = explained(fees=schedule(tiers), rivals=("19.49",))
    used = {rule.rule_id: names for rule, names in found.rules.items()}
    assert list(used)[:2] == ["r0", "r1"]
    assert used["r0"] == ("market low", "Prime low", "recommended")
    assert used["r1"] == ("own price",)
    assert len(used["f0"]) == 4


# what is not known --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("product", "why", "remedy"),
    [
        (costs(unit_cost=None), "the unit cost of the product is not known", "fill the column"),
        (costs(category=None), "the category of the product is not known", "fill the column"),
        (costs(category="toys"), "no referral fee rule for category toys", "buybox fees import"),
        (costs(sale_vat_rate=None), "the VAT rate of the sale is not known", "fill the column"),
        (costs(currency="EUR"), "the costs are in EUR", "fill the column"),
    ],
)
def test_what_a_product_lacks_is_named_with_what_to_do(product, why, remedy):
    found = explained(product, schedule_for(USUAL, [terms()], product, AT))
    told, todo = gaps(found)["fees, profit and margin"]
    assert told.startswith(why)
    assert todo.startswith(remedy) or remedy in todo
    assert [one.lines for one in found.sums] == [()] * 4
    assert [str(one.price) for one in found.sums[:2]] == ["20.49", "19.49"]
    assert (found.floors, found.schedule, found.dead_zones) == (None, None, ())


BROKEN = [
    [one for one in USUAL if one.kind != "fulfilment"],
    [one for one in USUAL if one.kind != "closing"],
    [one for one in USUAL if one.kind != "digital-services"],
    [one for one in USUAL if one.kind != "vat-on-fees"],
    [*USUAL, rule("closing", "another")],
    [replace(one, price_up_to=Decimal(9)) for one in USUAL],
    [replace(one, currency="EUR") for one in USUAL],
    [*USUAL, rule("referral", "of another shape", shape="marginal", rate="0.1")],
    [replace(one, weight_up_to_g=100) if one.kind == "fulfilment" else one for one in USUAL],
    [replace(one, rate=None) if one.kind == "vat-on-fees" else one for one in USUAL],
]


@pytest.mark.parametrize("fees", BROKEN)
@pytest.mark.parametrize("weight", [None, 200])
def test_every_reason_of_the_schedule_has_a_remedy(fees, weight):
    found = schedule_for(fees, [terms()], costs(weight_g=weight), AT)
    assert isinstance(found, Unknown)
    assert remedy_for(found.reason), found.reason


@pytest.mark.parametrize(
    "of_terms", [[], [terms(), terms()], [terms(fee_vat_recoverable=Decimal(2))]]
)
def test_every_reason_of_the_terms_has_the_same_remedy(of_terms):
    found = schedule_for(USUAL, of_terms, costs(), AT)
    assert isinstance(found, Unknown)
    assert "buybox fees terms" in remedy_for(found.reason), found.reason


def test_a_product_without_costs_shows_its_prices_and_asks_for_the_costs():
    found = explain(None, Unknown("no costs are known for the product"), *market())
    assert "buybox products import" in gaps(found)["fees, profit and margin"][1]
    assert str(found.sums[0].price) == "20.49"
    assert found.sums[0].worth is None


def test_an_own_price_that_is_not_told_is_a_gap_and_the_others_are_explained():
    found = explained(own=None)
    assert "not among those that Amazon sent" in gaps(found)["own price"][0]
    assert found.sums[0].price is None
    assert found.sums[1].worth is not None


def test_without_a_message_there_are_floors_and_no_advice():
    found = explain(costs(), schedule(USUAL), None, None)
    assert str(found.floors.even) == "9.63"
    assert [one.price for one in found.sums] == [None] * 4
    assert set(gaps(found)) == {"prices of the market", "rivals and recommendation"}
    assert found.view.recommendation_code == "unknown"


def test_offers_that_are_no_longer_kept_are_not_offers_that_are_not_there():
    snapshot, _ = market()
    found = explain(costs(), schedule(USUAL), snapshot, None)
    assert "no longer kept" in gaps(found)["rivals and recommendation"][0]
    assert found.view.recommended_price is None
    assert found.sums[0].worth is not None


def test_advice_that_is_none_says_why():
    found = explained(costs(max_price="5.00"))
    assert "below 9.63" in gaps(found)["recommendation"][0]


def test_a_market_that_shows_nothing_is_all_gaps():
    empty = Snapshot("GBP", own_price_unknown="no-offers-sent")
    found = explain(costs(), schedule(USUAL), empty, MarketFacts(currency="GBP"))
    assert set(gaps(found)) == {"own price", "market low", "Prime low", "recommendation"}


def test_money_at_stake_needs_the_sales():
    assert "profit at stake" in gaps(explained())
    sold = explained(costs(estimated_daily_sales="2"))
    assert "profit at stake" not in gaps(sold)
    assert sold.view.profit_at_stake_per_day is not None


def test_prices_in_another_currency_are_shown_and_not_reckoned_with():
    snapshot = Snapshot("EUR", your_price=Decimal(9), market_low=Decimal(8))
    found = explain(costs(), schedule(USUAL), snapshot, MarketFacts(currency="EUR"))
    assert gaps(found)["fees, profit and margin"][0] == "prices are in EUR, fees in GBP"
    assert found.sums[0].lines == ()


def test_a_fee_of_another_day_is_another_rule():
    old = rule("referral", "old", rate="0.15", valid_to=date(2026, 3, 4))
    new = rule("referral", "new", rate="0.08", valid_from=date(2026, 3, 4))
    fees = [*(one for one in USUAL if one.kind != "referral"), old, new]
    found = explained(fees=schedule(fees))
    assert "new" in {r.rule_id for r in found.rules}
    assert "old" not in {r.rule_id for r in found.rules}


def test_a_race_is_among_the_risks_that_are_explained():
    calm, raced = (
        explain(costs(), schedule(USUAL), *market(), racing=racing).view.risk_flags
        for racing in (False, True)
    )
    assert (calm, raced) == ((), ("race-to-bottom",))


def test_why_the_own_price_is_not_known_is_told_from_offers_that_were_not_sent():
    assert "among those that Amazon sent" in gaps(explained(own=None))["own price"][0]
    assert gaps(explained(own=None, rivals=()))["own price"][0] == "Amazon sent no offers"
