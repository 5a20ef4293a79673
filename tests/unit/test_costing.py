"""Which costs concern a market, what a state remembers of lows, and a second look without offers."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from economics.assess_economics import EconomicsView
from economics.costing import (
    OFFERS_GONE,
    POINTS_KEPT,
    Economics,
    add_point,
    by_product,
    choose_product,
    is_raced,
    price_again,
    price_market,
    with_race,
)
from economics.facts import MarketFacts, Offer, ReferencePrices
from economics.fee_rules import Unknown
from economics.market import take_snapshot
from economics.risks import RACE, LowPoint, race_to_bottom
from tests.economics_strategies import costs
from tests.factories import GB, JP, OWN_SELLER, RIVALS, US
from tests.strategies import (
    COSTS,
    ECONOMY,
    SUBJECT,
    T0,
    after,
    at,
    economy,
    event,
    lists_of_any_length,
)
from worker.analysis.reassess import reassess, scopes_between
from worker.analysis.state import ProductState, SeveritySettings

AMAZON, MERCHANT = costs(), costs(fulfilment_channel="merchant", own_postage="1")


# which row ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("channel", [None, "amazon"])
def test_the_only_row_is_the_row(channel):
    assert choose_product([AMAZON], channel) is AMAZON


def test_the_own_offers_channel_decides_between_channels():
    assert choose_product([AMAZON, MERCHANT], "merchant") is MERCHANT
    assert choose_product([AMAZON, MERCHANT], "amazon") is AMAZON


@pytest.mark.parametrize(
    ("rows", "channel", "reason"),
    [
        ([], None, "no costs are known for the product"),
        ([AMAZON], "merchant", "no costs are known for the product as sent by the merchant"),
        ([MERCHANT], "amazon", "no costs are known for the product as sent by Amazon"),
        ([AMAZON, MERCHANT], None, "costs differ by channel, and how the own offer is sent"),
        ([AMAZON, replace(AMAZON, sku="B", unit_cost=Decimal(5))], "amazon", "costs differ by SKU"),
        ([AMAZON, replace(AMAZON, sku="B", min_price=Decimal(9))], "amazon", "costs differ by SKU"),
        ([AMAZON, replace(AMAZON, sku="B", max_price=Decimal(9))], None, "costs differ by SKU"),
        (
            [AMAZON, replace(AMAZON, sku="B", estimated_daily_sales=Decimal(3))],
            None,
            "costs differ by SKU",
        ),
        (
            [AMAZON, replace(AMAZON, fulfilment_channel="merchant")],
            None,
            "costs differ by channel",
        ),
    ],
)
def test_what_leaves_it_open_is_unknown_with_a_reason(rows, channel, reason):
    found = choose_product(rows, channel)
    assert isinstance(found, Unknown)
    assert found.reason.startswith(reason)


@pytest.mark.parametrize("channel", [None, "amazon"])
def test_rows_that_differ_in_no_cost_say_the_same(channel):
    other = replace(AMAZON, sku="B")
    assert choose_product([AMAZON, other], channel) is AMAZON


def test_rows_are_found_by_seller_marketplace_asin_and_condition():
    used, french = replace(AMAZON, item_condition="used"), replace(AMAZON, marketplace_id="A13V")
    key = (OWN_SELLER, GB, AMAZON.asin, "new")
    assert by_product([AMAZON, used, french, MERCHANT]) == {
        key: [AMAZON, MERCHANT],
        (*key[:3], "used"): [used],
        (key[0], "A13V", *key[2:]): [french],
    }


def told(*fulfilled, prices=None):
    """Own offers sent by these, at these prices, and a rival."""
    prices = prices or ["12.00"] * len(fulfilled)
    own = [
        Offer(seller_id=OWN_SELLER, listing=Decimal(p), fulfilled_by_amazon=f)
        for f, p in zip(fulfilled, prices, strict=True)
    ]
    rival = Offer(seller_id=RIVALS[0], listing=Decimal("11.00"), fulfilled_by_amazon=True)
    return MarketFacts(currency="GBP", offers=(*own, rival))


def priced(facts, known=ECONOMY):
    market = take_snapshot(facts, seller_id=OWN_SELLER, marketplace_id=GB)
    return price_market(known, SUBJECT.product, market, facts, T0)


@pytest.mark.parametrize(
    ("facts", "channel"),
    [
        (told(True), "amazon"),
        (told(False), "merchant"),
        (told(None), None),
        (told(), None),
        (told(True, False), None),
        (told(True, False, prices=["12.00", "13.00"]), "amazon"),
        (told(True, False, prices=["13.00", "12.00"]), "merchant"),
        (told(False, prices=["11.00"]), "merchant"),  # as the rival's, which Amazon sends
    ],
)
def test_the_own_channel_is_that_of_the_own_offer_that_makes_the_price(facts, channel):
    assert priced(facts).channel == channel


def test_in_japan_points_are_part_of_what_makes_the_price():
    by_amazon = Offer(
        seller_id=OWN_SELLER, listing=Decimal(3000), points=100, fulfilled_by_amazon=True
    )
    by_hand = Offer(seller_id=OWN_SELLER, listing=Decimal(2950), fulfilled_by_amazon=False)
    facts = MarketFacts(currency="JPY", offers=(by_amazon, by_hand))
    market = take_snapshot(facts, seller_id=OWN_SELLER, marketplace_id=JP)
    key = (OWN_SELLER, JP, SUBJECT.asin, "new")
    assert market.your_price == 2900
    assert price_market(ECONOMY, key, market, facts, T0).channel == "amazon"


def test_sales_are_known_where_margins_are_not():
    found = priced(told(True), economy(replace(COSTS, unit_cost=None)))
    assert (found.daily_sales, found.view.margin_at_current_price) == (Decimal("2.5"), None)


def test_what_was_worked_out_for_one_market_is_not_given_for_another():
    """The ledger remembers; each answer must be what a new one says."""
    for own in ("12.00", "13.00", "12.00"):
        for advertised in (None, Decimal("12.50")):
            facts = msgspec.structs.replace(
                told(True, prices=[own]), reference=ReferencePrices(minimum_advertised=advertised)
            )
            assert priced(facts) == priced(facts, economy(COSTS))


# lows ---------------------------------------------------------------------------------------------

points = lists_of_any_length(
    st.builds(
        LowPoint,
        st.integers(0, 30).map(lambda n: T0 + timedelta(minutes=6 * n)),
        st.sampled_from([Decimal(n) / 2 for n in range(10, 24)]),
        st.sampled_from([None, *RIVALS]),
    ),
    max_size=30,
)


def kept(some):
    lows = ()
    for point in some:
        lows = add_point(lows, point)
    return lows


@given(points, st.randoms(use_true_random=False))
def test_the_lows_kept_are_the_same_in_any_order(some, chance):
    once = kept(some)
    chance.shuffle(some)
    assert kept([*some, *some]) == once


@given(points)
def test_the_lows_kept_are_the_newest_and_not_too_old(some):
    lows = kept(some)
    assert len(lows) <= POINTS_KEPT
    assert [p.event_time for p in lows] == sorted(p.event_time for p in lows)
    newest = max((p.event_time for p in some), default=T0)
    assert all(newest - p.event_time <= RACE.window for p in lows)
    dropped = set(some) - set(lows)
    for point in dropped:
        assert newest - point.event_time > RACE.window or len(lows) == POINTS_KEPT


def test_of_many_lows_within_the_window_the_newest_are_kept():
    """A state row keeps them: they must not become more and more while a market is in motion."""
    many = [LowPoint(T0 + timedelta(minutes=n), Decimal(50 - n), RIVALS[0]) for n in range(30)]
    assert kept(many) == tuple(many[-POINTS_KEPT:])


@given(points)
def test_the_short_look_never_misses_a_race(some):
    lows = kept(some)
    assert is_raced(lows, at(0) + timedelta(days=1)) is False
    newest = max((p.event_time for p in lows), default=T0)
    assert is_raced(lows, newest) == race_to_bottom(lows, newest)


def test_one_seller_who_goes_down_and_down_is_no_race():
    alone = kept([LowPoint(T0 + timedelta(minutes=n), Decimal(20 - n), "ann") for n in range(9)])
    assert is_raced(alone, alone[-1].event_time) is False


def test_with_a_race_the_other_flags_stay():
    calm = Economics(T0, EconomicsView(risk_flags=("below-cost", "map-breach")))
    raced = with_race(calm, racing=True)
    assert raced.view.risk_flags == ("race-to-bottom", "below-cost", "map-breach")
    assert with_race(raced, racing=False) == calm


def low(minute, price, seller):
    offer = Offer(seller_id=seller, listing=Decimal(price))
    return event(60 * minute, MarketFacts(currency="GBP", offers=(offer,)))


def test_a_race_that_a_late_message_shows_is_flagged():
    race = [low(n, Decimal(20) - n, RIVALS[n % 2]) for n in range(7)]
    assert "race-to-bottom" in after(*race)[0].economics.view.risk_flags
    without_one = [*race[:3], *race[4:]]
    state, _ = after(*without_one)
    assert state.economics.view.risk_flags == ()
    state, assessment = after(race[3], state=state)
    assert assessment.outcome == "late"
    assert state.economics.view.risk_flags == ("race-to-bottom",)


# a second look ------------------------------------------------------------------------------------

NOW = datetime(2026, 3, 1, tzinfo=UTC)
CHEAPER = economy(replace(COSTS, unit_cost=Decimal(1)))


def state_of(facts):
    return after(event(1, facts), economy=ECONOMY)[0]


def test_nothing_is_touched_where_nothing_changes():
    state = state_of(told(True))
    assert reassess(state, told(True), ECONOMY, SeveritySettings(), now=NOW) is state


def test_a_state_without_a_market_is_left_alone():
    state = ProductState(SUBJECT)
    assert reassess(state, None, ECONOMY, SeveritySettings(), now=NOW) is state


def test_only_what_money_decides_changes_and_it_is_dated():
    state = state_of(told(True))
    anew = reassess(state, told(True), CHEAPER, SeveritySettings(), now=NOW)
    assert anew.economics.at == NOW
    assert (
        anew.economics.view.margin_at_current_price > state.economics.view.margin_at_current_price
    )
    assert msgspec.structs.replace(anew, economics=state.economics) == state


def test_the_fees_are_never_those_of_before_the_event():
    state = state_of(told(True))
    early = reassess(state, told(True), CHEAPER, SeveritySettings(), now=T0 - timedelta(days=1))
    assert early.economics.at == state.moment.event_time


@pytest.mark.parametrize("are_offers_kept", [True, False])
def test_a_race_is_one_whatever_the_product_costs(are_offers_kept):
    race = [low(n, Decimal(20) - n, RIVALS[n % 2]) for n in range(8)]
    state, _ = after(*race, economy=ECONOMY)
    facts = race[-1].facts if are_offers_kept else None
    anew = reassess(state, facts, CHEAPER, SeveritySettings(), now=NOW)
    assert anew.economics.view.min_viable_price < state.economics.view.min_viable_price
    assert "race-to-bottom" in anew.economics.view.risk_flags


def test_a_state_that_was_never_assessed_is_now():
    state = state_of(told(True))
    bare = msgspec.structs.replace(state, economics=None)
    anew = reassess(bare, told(True), ECONOMY, SeveritySettings(), now=NOW)
    assert anew.economics.view == state.economics.view


def test_a_state_says_by_which_policy_it_was_judged():
    simpler = SeveritySettings(policy="mvp")
    assert reassess(state_of(told(True)), None, ECONOMY, simpler, now=NOW).policy == "mvp"


@given(st.sampled_from(["12.00", "8.00", "4.00", None]), st.booleans())
def test_without_the_offers_what_they_do_not_decide_is_the_same(rival, breach):
    """Margins, floors and flags always; the advice where the lowest rival can be followed."""
    facts = told(True)
    offers = facts.offers[:1]
    if rival:
        offers = (*offers, Offer(seller_id=RIVALS[0], listing=Decimal(rival)))
    reference = ReferencePrices(minimum_advertised=Decimal(13) if breach else None)
    facts = msgspec.structs.replace(facts, offers=offers, reference=reference)
    state = state_of(facts)
    whole = price_market(CHEAPER, SUBJECT.product, state.market, facts, NOW)
    alone = price_again(CHEAPER, SUBJECT.product, state.market, state.economics, NOW)
    if whole.view.unfollowable:
        assert (alone.view.recommended_price, alone.view.unfollowable) == (None, ())
        assert (alone.view.recommendation_code, alone.view.recommendation_reason) == (
            "unknown",
            OFFERS_GONE,
        )
        names = ("recommended_price", "recommendation_code", "recommendation_reason")
        as_before = {name: getattr(whole.view, name) for name in (*names, "unfollowable")}
        view = msgspec.structs.replace(alone.view, **as_before)
        alone = msgspec.structs.replace(alone, view=view)
    assert alone == whole


def test_days_begin_by_the_clock_of_the_marketplace():
    day = date(2026, 7, 1)
    days = [(GB, None, day), (US, "S", day), (JP, None, day), ("nowhere", None, day)]
    midnight_utc = datetime(2026, 7, 1, tzinfo=UTC)

    def between(first, last):
        hours = [midnight_utc + timedelta(hours=h) for h in (first, last)]
        return scopes_between(days, *hours)

    assert between(-10, -8) == [(JP, None)]
    assert between(-2, 0) == [(GB, None)]  # 23:00 UTC is midnight in a British summer
    assert between(6, 8) == [(US, "S")]
    assert between(8, 30) == []
    assert len(between(-10, 8)) == 3


def test_a_day_may_begin_for_all_sellers_and_for_some():
    begin = datetime(2026, 7, 1, tzinfo=UTC)
    days = [(GB, seller, begin.date()) for seller in ("S2", None, "S1")]
    assert scopes_between(days, T0, begin) == [(GB, None), (GB, "S1"), (GB, "S2")]
