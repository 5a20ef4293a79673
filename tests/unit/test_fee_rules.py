"""Which rules are in force for a product, and what is unknown and why."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from economics.fee_rules import _ZONES, FeeSchedule, Unknown, local_day, total_cost
from economics.fee_schedule import FeeBook, schedule_for
from economics.marketplaces import all_marketplaces
from tests.economics_strategies import AT, costs, rule, rules, schedule, terms
from tests.factories import JP, OWN_SELLER, US

USUAL = rules(referral="0.15", minimum="0.25", fulfilment="2.50", digital="0.02", fee_vat="0.20")


def why(of_rules=USUAL, *, of_terms=(terms(),), of_costs=None, at=AT) -> str:  # noqa: B008  frozen
    """The reason why there is no schedule; fails the test if there is one."""
    found = schedule_for(of_rules, of_terms, of_costs or costs(), at)
    assert isinstance(found, Unknown), found
    return found.reason


def without(kind):
    return [one for one in USUAL if one.kind != kind]


def swapped(kind, *others):
    return [*without(kind), *others]


# choosing -----------------------------------------------------------------------------------------


def test_a_whole_schedule_is_what_its_rules_say():
    found = schedule(USUAL)
    assert found.referral[0].rate == Decimal("0.15")
    assert found.fulfilment[0].amount == Decimal("2.50")
    assert (found.currency, found.tick, found.sale_vat_rate) == (
        "GBP",
        Decimal("0.01"),
        Decimal("0.20"),
    )


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("referral", "no referral fee rule for category home in UK on 2026-03-04"),
        ("fulfilment", "no fulfilment fee rule for size tier (not known) in UK on 2026-03-04"),
        ("closing", "no closing fee rule for category home in UK on 2026-03-04"),
        ("digital-services", "no digital services fee rule in UK on 2026-03-04"),
        ("vat-on-fees", "no VAT on fees rule in UK on 2026-03-04"),
    ],
)
def test_a_missing_rule_is_unknown_and_never_a_usual_rate_or_nothing(kind, words):
    assert why(without(kind)) == words


def test_another_category_s_rule_does_not_do():
    assert "category toys" in why(of_costs=costs(category="toys"))
    assert "category of the product is not known" in why(of_costs=costs(category=None))


def test_a_rule_for_referral_without_a_category_fits_no_product():
    assert "no referral fee rule" in why(
        swapped("referral", rule("referral", category=None, rate="0.15"))
    )


def test_the_seller_s_own_rule_comes_before_the_general_one_and_others_see_neither():
    own = rule("referral", "mine", seller_id=OWN_SELLER, rate="0.12")
    somebody_s = rule("referral", "theirs", seller_id="A9OTHER", rate="0.01")
    assert [r.rule_id for r in schedule([*USUAL, own, somebody_s]).referral] == ["mine"]
    assert [r.rule_id for r in schedule([*USUAL, somebody_s]).referral] == ["r0"]


@pytest.mark.parametrize(
    "elsewhere",
    [{"marketplace_id": "A1PA6795UKMFR9"}, {"fulfilment_channel": "merchant"}],
    ids=["another marketplace", "the other channel"],
)
def test_a_rule_of_elsewhere_does_not_concern_the_product(elsewhere):
    """Else its rate would be billed, or the two would be said to overlap."""
    strange = rule("referral", "strange", rate="0.01", **elsewhere)
    assert [r.rule_id for r in schedule([*USUAL, strange]).referral] == ["r0"]
    assert why(swapped("referral", strange)).startswith("no referral fee rule")


@pytest.mark.parametrize(
    ("kind", "particular"),
    [
        ("referral", {"fulfilment_channel": "amazon"}),
        ("vat-on-fees", {"category": "home"}),
        ("digital-services", {"category": "home"}),
        ("digital-services", {"fulfilment_channel": "amazon"}),
    ],
)
def test_the_more_particular_rule_comes_before_the_general_one(kind, particular):
    """Food may be sold at another VAT rate than the rest; the product is of home, sent by Amazon."""
    special = rule(kind, "special", rate="0.05", **particular)
    found = schedule([*USUAL, special])
    chosen = {
        "referral": found.referral[0],
        "vat-on-fees": found.vat_on_fees,
        "digital-services": found.digital_services,
    }
    assert chosen[kind].rule_id == "special"


def test_of_category_size_and_channel_the_category_decides_first_and_the_seller_before_all():
    def chosen(*rivals):
        return schedule([*USUAL, *rivals], of_costs=costs(size_tier="small")).vat_on_fees.rule_id

    channel = rule("vat-on-fees", "channel", fulfilment_channel="amazon")
    size = rule("vat-on-fees", "size", size_tier="small", fulfilment_channel=None)
    category = rule("vat-on-fees", "category", category="home")
    seller = rule("vat-on-fees", "seller", seller_id=OWN_SELLER)
    assert chosen(channel, size) == "size"
    assert chosen(channel, size, category) == "category"
    assert chosen(channel, size, category, seller) == "seller"


def test_a_missing_fulfilment_rule_names_the_size_tier_it_is_missing_for():
    reason = why(without("fulfilment"), of_costs=costs(size_tier="small"))
    assert reason == "no fulfilment fee rule for size tier small in UK on 2026-03-04"


def test_a_seller_s_own_tiers_replace_all_the_general_ones():
    own = [
        rule("referral", "m0", seller_id=OWN_SELLER, shape="whole-price", price_up_to="5", rate="0.01"),
        rule("referral", "m1", seller_id=OWN_SELLER, shape="whole-price", rate="0.02"),
    ]  # fmt: skip
    assert [r.rule_id for r in schedule([*USUAL, *own]).referral] == ["m0", "m1"]


def test_a_rule_for_the_size_tier_comes_before_one_for_any():
    sized = rule("fulfilment", "small", size_tier="small", amount="1.00")
    assert schedule([*USUAL, sized]).fulfilment[0].rule_id == "f0"
    chosen = schedule([*USUAL, sized], of_costs=costs(size_tier="small"))
    assert chosen.fulfilment[0].rule_id == "small"


@pytest.mark.parametrize(
    ("weight", "expected"), [(1, "light"), (500, "light"), (501, "mid"), (1000, "mid")]
)
def test_the_weight_band_is_the_first_that_holds_the_weight(weight, expected):
    bands = [
        rule("fulfilment", "mid", weight_up_to_g=1000, amount="3"),
        rule("fulfilment", "light", weight_up_to_g=500, amount="2"),
    ]
    found = schedule(swapped("fulfilment", *bands), of_costs=costs(weight_g=weight))
    assert found.fulfilment[0].rule_id == expected
    assert "1001 g" in why(swapped("fulfilment", *bands), of_costs=costs(weight_g=1001))
    assert "weight of the product is not known" in why(swapped("fulfilment", *bands))


def test_a_merchant_s_own_parcel_has_no_fulfilment_fee_and_needs_no_rule():
    own = costs(fulfilment_channel="merchant", own_postage="3.20")
    assert schedule(without("fulfilment"), of_costs=own).fulfilment == ()


# dates --------------------------------------------------------------------------------------------


def test_a_rule_holds_from_its_first_midnight_up_to_the_last_there():
    """London is an hour ahead of UTC in June."""
    old = rule("referral", "old", rate="0.15", valid_to=date(2026, 6, 1))
    new = rule("referral", "new", rate="0.08", valid_from=date(2026, 6, 1))
    both = swapped("referral", old, new)

    def in_force(at):
        found = schedule_for(both, [terms()], costs(), at)
        assert isinstance(found, FeeSchedule)
        return found.referral[0].rule_id

    assert in_force(datetime(2026, 5, 31, 22, 59, 59, tzinfo=UTC)) == "old"
    assert in_force(datetime(2026, 5, 31, 23, 0, tzinfo=UTC)) == "new"


def test_the_day_is_that_of_the_marketplace():
    at = datetime(2026, 1, 15, 3, tzinfo=UTC)
    assert local_day(US, at) == date(2026, 1, 14)
    assert local_day(JP, datetime(2026, 1, 14, 15, tzinfo=UTC)) == date(2026, 1, 15)
    assert local_day("not-a-marketplace", at) is None


def test_every_marketplace_has_a_clock():
    assert {m.country_code for m in all_marketplaces().values()} == set(_ZONES)
    for marketplace_id in all_marketplaces():
        assert local_day(marketplace_id, AT) == date(2026, 3, 4), marketplace_id


# contradictions -----------------------------------------------------------------------------------


def tiers(*ends, shape="whole-price"):
    return [
        rule("referral", f"t{n}", shape=shape, price_up_to=end, rate="0.1")
        for n, end in enumerate(ends)
    ]


@pytest.mark.parametrize(
    ("kind", "others", "words"),
    [
        ("referral", tiers("10", "20"), "no tier without an upper end"),
        ("referral", tiers("10", "10.00", None), "overlap"),
        ("referral", tiers("10", None, None), "overlap"),
        ("referral", tiers("0", None), "ends at no price"),
        ("referral", tiers(None, None, shape="flat"), "overlap"),
        ("referral", tiers("10", None, shape="flat"), "overlap"),
        ("referral", [*tiers("10"), rule("referral", rate="0.1")], "not of one shape"),
        ("referral", [rule("referral", shape=None, rate="0.1")], "not of one shape"),
        ("referral", [rule("referral", rate=None)], "no rate"),
        ("referral", [rule("referral", rate="15")], "no rate between 0 and 1"),
        ("referral", [rule("referral", rate="1.5")], "no rate between 0 and 1"),
        ("referral", [rule("referral", rate="-0.1")], "negative"),
        ("referral", [rule("referral", rate="0.1", minimum="-1")], "negative"),
        ("referral", [rule("referral", rate="0.1", currency="EUR")], "EUR"),
        ("fulfilment", [rule("fulfilment", amount=None)], "no amount"),
        ("fulfilment", [rule("fulfilment", price_up_to="10")], "no tier without an upper end"),
        ("closing", [rule("closing", "a"), rule("closing", "b")], "overlap"),
        ("closing", [rule("closing", price_up_to="10")], "ends at a price"),
        ("digital-services", [rule("digital-services", rate="0.02", applies_to=())], "share of"),
        ("digital-services", [rule("digital-services", applies_to=("vat",))], "share of"),
    ],
)
def test_rules_that_contradict_each_other_are_unknown_and_it_says_which(kind, others, words):
    reason = why(swapped(kind, *others))
    assert words in reason
    assert any(one.rule_id in reason for one in others)


def test_tiers_come_sorted_whatever_their_order():
    found = schedule(swapped("referral", *reversed(tiers("10", "20", None))))
    assert [r.price_up_to for r in found.referral] == [Decimal(10), Decimal(20), None]


# sellers and products -----------------------------------------------------------------------------


def test_a_seller_without_vat_registration_has_no_vat_on_the_sale_whatever_the_product_says():
    assert schedule(USUAL, of_terms=terms(vat_registered=False)).sale_vat_rate == 0
    assert schedule(USUAL, of_terms=terms(vat_registered=False), of_costs=costs(sale_vat_rate=None))


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"sale_vat_rate": None}, "VAT rate of the sale is not known"),
        ({"sale_vat_rate": "-0.2"}, "negative"),
        ({"currency": "EUR"}, "costs are in EUR, the prices in GBP"),
        ({"marketplace_id": "A0NOWHERE"}, "A0NOWHERE is not a marketplace we know"),
        ({"seller_id": "A9OTHER"}, "no terms of seller A9OTHER in UK on 2026-03-04"),
    ],
)
def test_what_is_not_known_of_the_product_or_the_seller_is_named(changed, words):
    assert words in why(of_costs=costs(**changed))


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ([terms(), terms(wanted_margin=Decimal("0.1"))], "more than one set of terms"),
        ([terms(valid_to=date(2026, 3, 4))], "no terms"),
        ([terms(fee_vat_recoverable=Decimal("1.1"))], "not a share"),
        ([terms(wanted_margin=Decimal(1))], "not a fraction under 1"),
    ],
)
def test_terms_that_do_not_hold_are_unknown(given, words):
    assert words in why(of_terms=given)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"inbound_postage": "0.40", "prep": "0.15", "own_postage": "9"}, Decimal("4.55")),
        ({"fulfilment_channel": "merchant", "own_postage": "3", "inbound_postage": None}, Decimal(7)),
        ({"unit_cost": None}, Unknown("the unit cost of the product is not known")),
        ({"inbound_postage": None}, Unknown("the inbound postage of the product is not known")),
        ({"prep": None}, Unknown("the prep cost of the product is not known")),
        ({"fulfilment_channel": "merchant"}, Unknown("the own postage of the product is not known")),
        ({"unit_cost": "-1"}, Unknown("the unit cost of the product is negative")),
    ],
)  # fmt: skip
def test_the_cost_is_the_sum_of_what_concerns_the_channel_or_names_what_is_missing(given, expected):
    assert total_cost(costs(**given)) == expected


# the book -----------------------------------------------------------------------------------------


def test_the_book_answers_as_the_rules_do_and_remembers():
    june = rule("referral", "new", rate="0.08", valid_from=date(2026, 6, 1))
    march = rule("referral", "old", rate="0.15", valid_to=date(2026, 6, 1))
    given = swapped("referral", march, june)
    book = FeeBook(given, [terms()])
    later = datetime(2026, 6, 2, tzinfo=UTC)
    for at in (AT, later, AT):
        for product in (costs(), costs(category=None), costs(weight_g=3), costs(currency="EUR")):
            assert book.schedule_for(product, at) == schedule_for(given, [terms()], product, at)
    assert book.schedule_for(costs(), AT) is book.schedule_for(costs(weight_g=3), AT)


def test_equal_schedules_are_equal_and_a_changed_one_is_not():
    assert schedule(USUAL) == schedule(USUAL)
    assert hash(schedule(USUAL)) == hash(schedule(USUAL))
    assert schedule(USUAL) != schedule(USUAL, of_terms=terms(wanted_margin=Decimal("0.1")))
    assert schedule(USUAL) != schedule([replace(one, rule_id="x") for one in USUAL])
