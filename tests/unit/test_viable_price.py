"""The lowest viable price and the dead zones: against every tick, and the worked examples."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from economics import viable
from economics.economics import UnitEconomics, curve_of
from economics.viable import DeadZone, NoViablePrice, dead_zones, min_viable_price
from tests.economics_strategies import BP, Drawn, costs, drawn_cases, rule, rules, terms, unit

FAR = 2_500
"""Ticks tried one by one: most answers of the drawn cases lie below."""

REFERENCE = {"referral": "0.15", "minimum": "0.25", "fulfilment": "2.50", "digital": "0.02"}
"""The worked example: 15 % but at least 0.25, 2.50 fulfilment, 2 % digital services fee."""

UNREGISTERED = {"vat_registered": False, "fee_vat_recoverable": Decimal(0)}


def lowest(of_unit: UnitEconomics, margin="0", at_least="0") -> Decimal:
    found = min_viable_price(of_unit, Decimal(margin), at_least=Decimal(at_least))
    assert isinstance(found, Decimal), found
    return found


# worked examples ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("margin", "formula", "billed"),
    # Billed at 10.96 the referral fee is 1.64, not 1.644, and the digital fee 0.08, not 0.0829:
    # the seven tenths of a penny are worth two ticks of price.
    [("0", "9.63", "9.63"), ("0.10", "10.98", "10.96")],
)
def test_the_example_of_a_registered_seller(margin, formula, billed):
    sums = rules(**REFERENCE, fee_vat="0.20")
    assert lowest(unit(sums, rounded=False), margin) == Decimal(formula)
    assert lowest(unit(sums), margin) == Decimal(billed)


def test_the_example_of_a_seller_without_vat_registration():
    """No VAT on the sale, 20 % on the fees for good: 8.65 by the formula.

    Billed, the referral fee of 8.65 rounds up to 1.30 and the digital fee to 0.08, so it takes 8.66.
    """
    sums = rules(**REFERENCE, fee_vat="0.20")
    assert lowest(unit(sums, of_terms=terms(**UNREGISTERED), rounded=False)) == Decimal("8.65")
    assert lowest(unit(sums, of_terms=terms(**UNREGISTERED))) == Decimal("8.66")


def test_where_the_minimum_fee_binds_the_percentage_alone_is_wrong():
    """0.67, not 0.40. Billed 0.68: 2 % of 0.25 is half a penny, which is billed as a whole one."""
    cheap = costs(unit_cost="0.30")
    with_minimum = rules(referral="0.08", minimum="0.25", digital="0.02")
    percentage_alone = rules(referral="0.08", digital="0.02")
    assert lowest(unit(percentage_alone, of_costs=cheap, rounded=False)) == Decimal("0.40")
    assert lowest(unit(with_minimum, of_costs=cheap, rounded=False)) == Decimal("0.67")
    assert lowest(unit(with_minimum, of_costs=cheap)) == Decimal("0.68")
    assert unit(with_minimum, of_costs=cheap).surplus(Decimal("0.67")) < 0


HOME = ("whole-price", ("20", "0.08"), (None, "0.15"))
CLOTHING = ("whole-price", ("15", "0.05"), ("20", "0.10"), (None, "0.15"))
GROCERY = ("whole-price", ("10", "0.05"), (None, "0.15"))
LOW_PRICE_FBA = [("20", "2.10"), (None, "2.50")]


def crossing(top, low, high, *, vat="1.2", step="0"):
    """The price that earns as much as `top`, by the formula, without rounding (digital fee 2 %)."""
    top, low, high, vat, step = (Fraction(n) for n in (top, low, high, vat, step))
    k = Fraction("1.02")
    return (top / vat - k * low * top + k * step) / (1 / vat - k * high)


@pytest.mark.parametrize(
    ("fees", "vat", "expected"),
    [
        ({"referral": HOME}, "0.20", [("20", "0.08", "0.15", "0", "22.10")]),
        (
            {"referral": HOME, "fulfilment": LOW_PRICE_FBA},
            "0.20",
            [("20", "0.08", "0.15", "0.40", "22.70")],
        ),
        (
            {"referral": CLOTHING},
            "0.20",
            [("15", "0.05", "0.10", "0", "16.05"), ("20", "0.10", "0.15", "0", "21.50")],
        ),
        ({"referral": GROCERY}, "0.20", [("10", "0.05", "0.15", "0", "11.50")]),
        # The formula gives 11.2044: 11.20 to the penny, and 11.21 is the first that earns as much.
        ({"referral": GROCERY}, "0", [("10", "0.05", "0.15", "0", "11.21")]),
    ],
    ids=["home", "home and fulfilment", "clothing", "grocery", "grocery, zero rated"],
)
def test_the_known_dead_zones(fees, vat, expected):
    sums, product = rules(**fees, digital="0.02"), costs(sale_vat_rate=vat)
    formula = dead_zones(unit(sums, of_costs=product, rounded=False).curve)
    billed = dead_zones(unit(sums, of_costs=product).curve)
    assert len(formula) == len(billed) == len(expected)
    for zone, really, (top, low, high, step, first_good) in zip(
        formula, billed, expected, strict=True
    ):
        price = crossing(top, low, high, vat=1 + Fraction(vat), step=step)
        assert zone == DeadZone(Decimal(top), Decimal(first_good) - Decimal("0.01"))
        assert zone.until < price <= zone.until + Decimal("0.01")
        assert abs(really.until - zone.until) <= Decimal("0.02")  # each fee a tick at most


# against every tick -------------------------------------------------------------------------------


A_TICK_LESS = Drawn(
    marketplace_id="A1F83G8C2ARO7P",
    shape="flat", tiers=((None, 8333, 0),), bands=((None, 0),), closing=50,
    digital=8, applies_to=("referral",), fee_vat=20, recoverable=0, sale_vat=0,
    cost=0, margin=0,
)  # fmt: skip
"""The VAT on the fees, rounded, makes the bill so much lower than the formula that a tick less does."""


@settings(max_examples=250)
@given(drawn_cases(), st.integers(0, 900))
@example(A_TICK_LESS, 0)
def test_the_lowest_viable_price_is_the_first_of_all_ticks_that_holds(case, at_least):
    for margin, start in ((case.margin, 0), (0, at_least)):
        found = min_viable_price(case.as_unit(), Decimal(margin) / BP, at_least=case.price(start))
        tried = case.lowest(margin, FAR, start)
        if tried is not None:
            assert found == case.price(tried)
        else:
            assert isinstance(found, NoViablePrice) or found > case.price(FAR)


@settings(max_examples=200)
@given(drawn_cases())
def test_profit_is_never_negative_at_the_lowest_viable_price_and_is_one_tick_below(case):
    found = min_viable_price(case.as_unit())
    if isinstance(found, NoViablePrice):
        return
    ticks = int(found / case.tick)
    assert case.surplus(ticks) >= 0
    assert case.as_unit().surplus(found) >= 0
    if ticks > 1:
        assert case.surplus(ticks - 1) < 0
        assert case.as_unit().surplus(found - case.tick) < 0


@settings(max_examples=200)
@given(drawn_cases())
def test_the_dead_zones_are_those_found_by_trying_every_tick(case):
    found = dead_zones(case.as_unit().curve)
    tried = case.dead_zones(FAR)
    assert [zone.after for zone in found] == [case.price(after) for after, _ in tried]
    for zone, (_, until) in zip(found, tried, strict=True):
        if until is not None:
            assert zone.until == case.price(until)
        else:
            assert zone.until is None or zone.until >= case.price(FAR - 1)


@settings(max_examples=40)
@given(drawn_cases())
def test_without_rounding_too_the_first_of_all_ticks_is_found(case):
    by_bill = case.as_unit()
    plain = UnitEconomics(curve_of(by_bill.curve.schedule, rounded=False), by_bill.cost)
    margin = Decimal(case.margin) / BP
    prices = (case.price(ticks) for ticks in range(1, 500))
    tried = next((p for p in prices if exact_keeps(case, p, Fraction(margin))), None)
    found = min_viable_price(plain, margin)
    if tried is not None:
        assert found == tried
    else:
        assert isinstance(found, NoViablePrice) or found >= case.price(500)


def exact_keeps(case, price, margin):
    """profit >= margin * net revenue, in fractions and without any rounding."""
    ticks = int(price / case.tick)
    fees = Fraction(case.unrounded_fees(ticks, ticks), BP**4)
    net = Fraction(ticks * BP, BP + case.sale_vat)
    return net - fees - Fraction(case.cost, 100) >= margin * net


def test_the_drawn_cases_reach_what_they_are_for():
    """Else the comparisons above would prove little."""
    reached = set()

    @settings(max_examples=400, database=None, derandomize=True)
    @given(drawn_cases())
    def draw(case):
        found = case.lowest(case.margin, FAR)
        reached.add("an answer" if found else "none within reach")
        if found and found > min((e for e, *_ in case.tiers if e), default=FAR):
            reached.add(f"{case.shape} beyond the first tier")
        if found and case.bill(found)["referral"] == next(
            m for e, _, m in case.tiers if e is None or found <= e
        ):
            reached.add("the minimum binds")
        if found and any(not case.keeps(p, case.margin) for p in range(found, found + 50)):
            reached.add("short again above it")
        for _, until in case.dead_zones(FAR):
            reached.add("a dead zone" if until else "an endless dead zone")

    draw()
    assert reached == {
        "an answer",
        "none within reach",
        "whole-price beyond the first tier",
        "marginal beyond the first tier",
        "the minimum binds",
        "short again above it",
        "a dead zone",
        "an endless dead zone",
    }


# edges --------------------------------------------------------------------------------------------


def test_when_fees_and_margin_take_everything_there_is_no_price_and_it_says_so():
    greedy = unit(rules(referral="0.45", digital="0.02"))
    found = min_viable_price(greedy, Decimal("0.60"))
    assert isinstance(found, NoViablePrice)
    assert found.reason.startswith(
        "at every price, fees, VAT, costs and the wanted margin are more"
    )
    assert isinstance(min_viable_price(greedy, Decimal(1)), NoViablePrice)


def test_a_search_that_would_not_end_says_so_instead_of_guessing(monkeypatch):
    monkeypatch.setattr(viable, "MAX_STEPS", 2)
    found = min_viable_price(unit(rules(referral="0.4444")), Decimal("0.321"))
    assert isinstance(found, NoViablePrice)
    assert "so nearly all" in found.reason


def test_a_dead_zone_whose_end_was_not_found_is_not_said_to_have_none(monkeypatch):
    monkeypatch.setattr(viable, "MAX_STEPS", 1)
    sums = rules(referral=("whole-price", ("20", "0.08"), (None, "0.151")))
    (zone,) = dead_zones(unit(sums).curve)
    assert zone.after == Decimal("20.00")
    assert zone.until is not None


def test_a_digital_fee_that_leaves_the_referral_fee_out_is_not_counted_on_it():
    plain = [
        one for one in rules(referral="0.15", fulfilment="2.50") if one.kind != "digital-services"
    ]
    digital = rule("digital-services", rate=Decimal("0.09"), applies_to=("fulfilment",))
    product = unit([*plain, digital])
    ticks = (Decimal(n) / 100 for n in range(1, 5_000))
    assert lowest(product) == next(price for price in ticks if product.surplus(price) >= 0)


def test_yen_have_no_minor_unit():
    sums = [
        rule(kind, marketplace_id="A1VC38T7YXB528", currency="JPY", **given)
        for kind, given in {
            "referral": {"rate": "0.15", "minimum": "30"},
            "fulfilment": {"amount": "434"},
            "closing": {},
            "digital-services": {},
            "vat-on-fees": {"rate": "0.10"},
        }.items()
    ]
    place = {"marketplace_id": "A1VC38T7YXB528"}
    product = costs(**place, currency="JPY", unit_cost="800", sale_vat_rate="0.10")
    found = lowest(unit(sums, of_terms=terms(**place), of_costs=product))
    assert found == found.to_integral_value()
    assert (
        str(found) == "1626"
    )  # 1,626 / 1.1 = 1,478.2, less 244 + 434 + 800; at 1,625 it is 1,477.3


def test_a_dead_zone_holds_its_end_and_not_its_beginning():
    zone = DeadZone(Decimal("20.00"), Decimal("22.09"))
    assert Decimal("20.00") not in zone
    assert Decimal("20.01") in zone
    assert Decimal("22.09") in zone
    assert Decimal("22.10") not in zone
    assert Decimal(10**9) in DeadZone(Decimal("20.00"), None)


def test_a_tier_that_ends_between_two_ticks_is_cut_at_the_lower_one():
    sums = rules(referral=("whole-price", ("20.005", "0.08"), (None, "0.15")))
    assert [zone.after for zone in dead_zones(unit(sums).curve)] == [Decimal("20.00")]
