"""The economics of a product in a market: what its state keeps, and what stays unknown and why."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import msgspec
import pytest

from economics.assess_economics import assess_economics
from economics.facts import MarketFacts, Offer, ReferencePrices
from economics.fee_rules import FeeSchedule, Unknown
from economics.fee_schedule import schedule_for
from economics.market import take_snapshot
from economics.risks import LowPoint, RaceSettings, low_point, race_to_bottom
from tests.economics_strategies import AT, costs, rule, rules, schedule, terms
from tests.factories import GB, JP, OWN_SELLER, RIVALS

USUAL = rules(referral="0.15", minimum="0.25", fulfilment="2.50", digital="0.02", fee_vat="0.20")
HOME = rules(referral=("whole-price", ("20", "0.08"), (None, "0.15")), digital="0.02")


def market(own="20.49", rivals=("19.49",), *, winner=False, advertised=None, **given):
    """Own offer and rivals (the first one prime); the Buy Box is a rival's unless `winner`."""
    offers = [
        Offer(seller_id=RIVALS[n], listing=Decimal(price), prime=n == 0, winner=not winner and n == 0)
        for n, price in enumerate(rivals)
    ]  # fmt: skip
    if own is not None:
        offers.append(Offer(seller_id=OWN_SELLER, listing=Decimal(own), prime=False, winner=winner))
    reference = ReferencePrices(minimum_advertised=advertised and Decimal(advertised))
    facts = MarketFacts(
        **{"currency": "GBP", "offers": tuple(offers), "reference": reference, **given}
    )
    return take_snapshot(facts, seller_id=OWN_SELLER, marketplace_id=GB), facts


def view(*, fees=USUAL, product=None, of_terms=None, racing=False, **of_market):
    product = product or costs()
    snapshot, facts = market(**of_market)
    found = schedule(fees, of_terms=of_terms, of_costs=product)
    return assess_economics(product, found, snapshot, facts, racing=racing)


# what is known ------------------------------------------------------------------------------------


def test_the_margins_are_those_at_the_own_price_the_low_and_the_prime_low():
    """20.49: 43.309 %. 17.00: 14.1667 - 2.55 - 2.50 - 0.10 - 4 = 5.0167, 35.41 %."""
    found = view(rivals=("19.49", "17.00"))
    assert found.margin_at_current_price == Decimal("43.30")
    assert found.margin_at_market_low == Decimal("35.41")
    assert found.margin_at_prime_low == Decimal("41.32")
    assert found.unknown_reason is None


def test_the_lowest_prices_the_advice_and_the_unfollowable_are_there():
    found = view(
        of_terms=terms(wanted_margin=Decimal("0.10")), rivals=("19.49", "10.50"), own="20.49"
    )
    assert (found.min_viable_price, found.min_price_for_margin) == (Decimal("9.63"), Decimal("10.96"))  # fmt: skip
    assert (found.recommended_price, found.recommendation_code) == (Decimal("19.48"), "beat-rival")
    assert found.unfollowable == ((RIVALS[1], Decimal("10.50")),)


def test_the_seller_s_own_limits_bind_the_advice_and_not_the_floors():
    """The rival asks 19.49; break-even is 9.63."""
    low = view(product=costs(min_price="19.60"))
    assert (low.recommended_price, low.recommendation_code) == (Decimal("20.49"), "hold")
    high = view(product=costs(max_price="15.00"))
    assert (high.recommended_price, high.recommendation_code) == (Decimal("15.00"), "at-max-price")
    floors = [(one.min_viable_price, one.min_price_for_margin) for one in (low, high)]
    assert floors == [(Decimal("9.63"), Decimal("9.63"))] * 2
    assert low.unfollowable == ((RIVALS[0], Decimal("19.49")),)


def test_a_rival_at_the_very_price_that_loses_nothing_is_not_followed():
    """Under it would be a loss."""
    found = view(rivals=("9.63",))
    assert (found.recommended_price, found.recommendation_code) == (Decimal("20.49"), "hold")
    assert found.unfollowable == ((RIVALS[0], Decimal("9.63")),)
    assert view(rivals=("9.64",)).recommended_price == Decimal("9.63")


def test_a_rival_s_shipping_is_part_of_the_price_that_is_followed():
    """9.00 cannot be followed, 9.50 and 5.00 for shipping can: it is 14.50 to the buyer."""
    own = Offer(seller_id=OWN_SELLER, listing=Decimal("20.49"))
    low = Offer(seller_id=RIVALS[0], listing=Decimal("9.00"))
    shipped = Offer(seller_id=RIVALS[1], listing=Decimal("9.50"), shipping=Decimal("5.00"))
    facts = MarketFacts(currency="GBP", offers=(own, low, shipped))
    snapshot = take_snapshot(facts, seller_id=OWN_SELLER, marketplace_id=GB)
    found = assess_economics(costs(), schedule(USUAL), snapshot, facts)
    assert found.recommended_price == Decimal("14.49")
    assert found.unfollowable == ((RIVALS[0], Decimal("9.00")),)


@pytest.mark.parametrize(
    ("winner", "own", "sales", "expected"),
    [
        (False, "20.49", "2.5", "18.49"),  # 2.5 * 7.395 = 18.4875
        (True, "20.49", "2.5", None),
        (False, "20.49", None, None),
        (False, None, "2.5", None),
        (False, "9.00", "2.5", "0.00"),
    ],
)
def test_what_is_at_stake_is_a_day_s_profit_while_the_buy_box_is_lost(winner, own, sales, expected):
    found = view(product=costs(estimated_daily_sales=sales), winner=winner, own=own)
    assert found.profit_at_stake_per_day == (expected and Decimal(expected))


def test_what_is_at_stake_is_unknown_while_the_holder_of_the_buy_box_is():
    snapshot, facts = market()
    untold = [msgspec.structs.replace(offer, winner=None) for offer in facts.offers]
    facts = msgspec.structs.replace(facts, offers=tuple(untold))
    snapshot = take_snapshot(facts, seller_id=OWN_SELLER, marketplace_id=GB)
    product = costs(estimated_daily_sales="2")
    found = assess_economics(product, schedule(USUAL), snapshot, facts)
    assert found.profit_at_stake_per_day is None


# flags --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "flags"),
    [
        ({}, ()),
        ({"own": "9.62"}, ("below-cost",)),
        ({"own": "9.63"}, ()),
        (
            {"own": "4", "fees": rules(referral="0"), "product": costs(sale_vat_rate="0")},
            (),
        ),  # 0.00
        ({"fees": HOME, "own": "20.01"}, ("dead-zone",)),
        ({"fees": HOME, "own": "20.00"}, ()),
        ({"rivals": ("10.00",)}, ("margin-squeeze",)),  # 3.20 %
        ({"rivals": ("12.00",)}, ()),
        ({"rivals": ("9.99",), "own": "10.00"}, ()),  # no squeeze: the own margin is no better
        ({"advertised": "20.50"}, ("map-breach",)),
        ({"advertised": "20.49"}, ()),
        ({"racing": True}, ("race-to-bottom",)),
    ],
)
def test_a_flag_is_raised_exactly_where_it_is_due(given, flags):
    assert view(**given).risk_flags == flags


@pytest.mark.parametrize(
    ("own", "rival", "flags"),
    [
        ("12.00", "10.00", ()),
        ("12.00", "9.99", ("margin-squeeze",)),
        ("10.00", "9.99", ("margin-squeeze",)),
    ],
)
def test_a_margin_of_five_percent_is_none_that_is_squeezed_and_one_that_can_be(own, rival, flags):
    """At 10.00 a cost of 9.50 leaves exactly 5 %."""
    product = costs(unit_cost="9.50", sale_vat_rate="0")
    given = {"fees": rules(referral="0"), "product": product, "own": own, "rivals": (rival,)}
    assert view(**given).risk_flags == flags


# what is not known --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("product", "fees", "reason"),
    [
        (None, schedule(USUAL), "no costs are known for the product"),
        (costs(unit_cost=None), schedule(USUAL), "the unit cost of the product is not known"),
        (costs(), Unknown("no referral fee rule"), "no referral fee rule"),
        (costs(currency="EUR"), schedule(USUAL), "the costs are in EUR, the fees in GBP"),
    ],
)
def test_without_costs_or_fees_all_is_unknown_with_the_reason_but_the_market_s_own_flags(
    product, fees, reason
):
    snapshot, facts = market(advertised="30")
    found = assess_economics(product, fees, snapshot, facts, racing=True)
    assert found.unknown_reason == reason
    assert found.recommendation_reason == f"{reason[0].upper()}{reason[1:]}."
    assert found.recommendation_code == "unknown"
    assert found.risk_flags == ("race-to-bottom", "map-breach")
    assert found.unfollowable == ()
    amounts = (
        found.margin_at_current_price,
        found.margin_at_market_low,
        found.margin_at_prime_low,
        found.min_viable_price,
        found.min_price_for_margin,
        found.recommended_price,
        found.profit_at_stake_per_day,
    )
    assert amounts == (None,) * 7


def test_a_marketplace_without_fees_is_unknown_and_not_free_of_fees():
    snapshot, facts = market()
    fees = schedule_for([], [terms()], costs(), AT)
    found = assess_economics(costs(), fees, snapshot, facts)
    assert found.unknown_reason == "no referral fee rule for category home in UK on 2026-03-04"
    assert found.min_viable_price is None


def test_prices_in_another_currency_than_the_fees_are_not_compared():
    snapshot, facts = market(currency="EUR")
    found = assess_economics(costs(), schedule(USUAL), snapshot, facts)
    assert found.unknown_reason == "prices are in EUR, fees in GBP"


def test_a_margin_is_unknown_where_its_price_is():
    found = view(own=None, rivals=())
    assert found.unknown_reason is None
    assert found.margin_at_current_price is None
    assert found.margin_at_market_low is None
    assert found.min_viable_price == Decimal("9.63")


def test_a_market_of_nobody_else_is_told_from_one_of_rivals_that_cannot_be_followed():
    assert view(rivals=()).recommendation_reason == "Stay: there is no rival."
    assert view(rivals=("9.00",)).recommendation_reason == "Stay: no rival can be followed."


def test_where_no_price_works_the_reason_says_so_and_the_margins_are_still_known():
    found = view(fees=rules(referral="0.90"))
    assert found.min_viable_price is None
    assert found.recommendation_reason.startswith("No price works")
    assert found.margin_at_current_price < 0
    assert found.unfollowable == ((RIVALS[0], Decimal("19.49")),)


def test_a_fee_change_at_midnight_gives_two_margins():
    dear = rule("referral", "old", rate="0.15", valid_to=date(2026, 6, 1))
    cheap = rule("referral", "new", rate="0.08", valid_from=date(2026, 6, 1))
    fees = [one for one in USUAL if one.kind != "referral"] + [dear, cheap]
    snapshot, facts = market()

    def margin(at):
        found = schedule_for(fees, [terms()], costs(), at)
        assert isinstance(found, FeeSchedule)
        return assess_economics(costs(), found, snapshot, facts).margin_at_current_price

    before = margin(datetime(2026, 5, 31, 22, 59, tzinfo=UTC))
    after = margin(datetime(2026, 5, 31, 23, 0, tzinfo=UTC))
    # 7 % of a price of which 1/1.2 is net: 8.4 points, and the digital fee on them.
    assert Decimal("8.4") < after - before < Decimal("8.7")


def test_yen():
    place = {"marketplace_id": JP, "currency": "JPY"}
    fees = [
        rule("referral", rate="0.15", **place),
        rule("fulfilment", amount="434", **place),
        rule("closing", **place),
        rule("digital-services", **place),
        rule("vat-on-fees", rate="0.10", **place),
    ]
    product = costs(**place, unit_cost="800", sale_vat_rate="0.10", estimated_daily_sales="1.5")
    found = schedule_for(fees, [terms(marketplace_id=JP)], product, AT)
    facts = MarketFacts(
        currency="JPY",
        offers=(
            Offer(seller_id=OWN_SELLER, listing=Decimal(2000), winner=False),
            Offer(seller_id=RIVALS[0], listing=Decimal(1900), points=19, winner=True),
        ),
    )
    snapshot = take_snapshot(facts, seller_id=OWN_SELLER, marketplace_id=JP)
    seen = assess_economics(product, found, snapshot, facts)
    assert str(seen.min_viable_price) == "1626"
    assert str(seen.recommended_price) == "1880"
    assert str(seen.profit_at_stake_per_day) == "426"  # 1.5 * (1818.18 - 300 - 434 - 800) = 426.3


# the race -----------------------------------------------------------------------------------------

RACE = RaceSettings(sellers=2, falls=3, window=timedelta(hours=2))


def lows(*prices, sellers="AB", minutes=10):
    """One point each ten minutes up to `AT`, the sellers taking turns."""
    return [
        LowPoint(
            AT - timedelta(minutes=minutes * (len(prices) - 1 - n)),
            Decimal(price),
            sellers[n % len(sellers)],
        )
        for n, price in enumerate(prices)
    ]


@pytest.mark.parametrize(
    ("history", "expected"),
    [
        (lows("20", "19.9", "19.8", "19.7"), True),
        (lows("20", "19.9", "19.8"), False),
        (lows("20", "19.9", "19.9", "19.8"), False),
        (lows("20", "19.9", "19.8", "19.7", sellers="A"), False),
        (lows("20", "19.9", "19.8", "19.7", minutes=41), False),
        (lows("20", "19.9", "19.8", "19.7", minutes=40), True),
        (lows("20", "19.9", "19.8", "19.81", "19.7"), True),
        (lows("20", "19.9", "19.8", "25", "19.7"), False),
        (lows("20", "19.9", "19.8", "19.7", "25"), False),
        ([], False),
        (lows("20"), False),
    ],
)
def test_a_race_is_several_sellers_making_new_lows_within_the_window(history, expected):
    assert race_to_bottom(history, AT, RACE) is expected
    assert race_to_bottom([*reversed(history), *history], AT, RACE) is expected


def test_what_happened_after_the_instant_is_not_looked_at():
    history = lows("20", "19.9", "19.8", "19.7")
    assert race_to_bottom(history, AT - timedelta(seconds=1), RACE) is False


def test_a_low_of_nobody_knows_whom_counts_as_a_fall_but_as_no_seller():
    history = [LowPoint(p.event_time, p.low, None) for p in lows("20", "19.9", "19.8", "19.7")]
    assert race_to_bottom(history, AT, RACE) is False


def test_a_message_adds_its_lowest_offer_to_the_history():
    _, facts = market(rivals=("19.49", "18.00"))
    assert low_point(AT, facts, GB) == LowPoint(AT, Decimal("18.00"), RIVALS[1])
    assert low_point(AT, MarketFacts(currency="GBP"), GB) is None
