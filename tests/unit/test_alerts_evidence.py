"""What a product's state says to its alerts, and when a better severity is evidence."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from msgspec.structs import replace

from economics.facts import HealthFacts, MarketFacts, Offer
from tests.alerts import delivered, ended
from tests.strategies import SUBJECT, T0
from worker.alerts.evidence import severities_of, sighting_of, what_is_missing
from worker.alerts.facts import HEALTH_AT
from worker.alerts.values import rank
from worker.analysis.severity import Standing, assess
from worker.analysis.state import Event, Moment, ProductState, SeveritySettings, apply_event

ONE = Decimal(1)
PRICES = st.sampled_from(["0.01", "9.00", "10.00", "10.01", "11", "12", "15", "99"]).map(Decimal)
MARGINS = st.sampled_from(["-20", "4.99", "5", "9.99", "10", "40"]).map(Decimal)
VALUES = {
    "market_low": PRICES,
    "your_position": st.integers(1, 30),
    "total_offers": st.integers(0, 40),
    "buy_box_winner": st.booleans(),
}
COSTS = {"margin_at_your_price_pct": MARGINS, "margin_at_market_low_pct": MARGINS}
POLICIES = st.sampled_from(["full", "mvp"])


@st.composite
def gaps(draw, *, costs_known):
    """A standing with gaps, and one that it may be in truth."""
    values = VALUES | (COSTS if costs_known else {})
    truth = Standing(your_price=draw(PRICES), **{k: draw(v) for k, v in values.items()})
    hidden = draw(st.sets(st.sampled_from(sorted(values))))
    return replace(truth, **dict.fromkeys(hidden)), truth


@given(st.booleans().flatmap(lambda c: st.tuples(st.just(c), gaps(costs_known=c))), POLICIES)
def test_what_passes_for_evidence_is_never_better_than_the_truth(drawn, policy):
    costs_known, (seen, truth) = drawn
    missing = what_is_missing(seen, policy, sales_threshold=ONE, costs_known=costs_known)
    assume(missing is None)
    said = assess(seen, policy, sales_threshold=ONE).severity
    assert rank(assess(truth, policy, sales_threshold=ONE).severity) <= rank(said)


@given(gaps(costs_known=True), POLICIES)
def test_nothing_is_missing_where_everything_is_known(drawn, policy):
    assert what_is_missing(drawn[1], policy, sales_threshold=ONE, costs_known=True) is None


def test_an_unknown_own_offer_is_no_evidence_of_anything():
    assert what_is_missing(Standing(), "full", sales_threshold=ONE) == "the own offer is unknown"


def test_what_cannot_matter_is_not_missing():
    """Two offers can't be three, wherever the own one stands; a winner of unknown margin can."""
    two = Standing(your_price=ONE, market_low=ONE, total_offers=2)
    assert what_is_missing(two, "full", sales_threshold=ONE) is None
    won = Standing(ONE, ONE, 1, 9, buy_box_winner=True)
    assert what_is_missing(won, "full", sales_threshold=ONE) is None
    named = what_is_missing(won, "full", sales_threshold=ONE, costs_known=True)
    assert named == "unknown: margin at your price pct, margin at market low pct"


HIGH_UP = {"your_price": Decimal(12), "market_low": Decimal(8)}
"""Half above the market low: no rule's distance is missing."""
NOT_WON, WON = {"buy_box_winner": False}, {"buy_box_winner": True}


@pytest.mark.parametrize(
    ("gap", "known"),
    [
        ("market low", {"your_price": ONE, "your_position": 10, "total_offers": 10} | NOT_WON),
        ("your position", HIGH_UP | {"total_offers": 3} | NOT_WON),
        ("total offers", HIGH_UP | {"your_position": 2} | NOT_WON),
        ("buy box winner", HIGH_UP | {"your_position": 9, "total_offers": 10}),
    ],
)
def test_what_could_make_it_worse_is_named(gap, known):
    assert what_is_missing(Standing(**known), "full", sales_threshold=ONE) == f"unknown: {gap}"


def test_where_costs_are_known_a_margin_that_is_missing_could_be_thin():
    two = Standing(ONE, ONE, 1, 2, buy_box_winner=False, margin_at_your_price_pct=Decimal(40))
    missing = what_is_missing(two, "full", sales_threshold=ONE, costs_known=True)
    assert missing == "unknown: margin at market low pct"


@pytest.mark.parametrize(
    "known",
    [
        {"your_price": ONE, "market_low": ONE, "total_offers": 9} | NOT_WON,
        HIGH_UP | {"your_position": 2} | WON,
        HIGH_UP | {"total_offers": 2} | NOT_WON,
        {"your_price": ONE, "market_low": ONE, "total_offers": 9} | WON,
    ],
    ids=["no distance", "a winner in front", "two offers", "a winner"],
)
def test_what_is_known_is_not_guessed_at(known):
    """Else nothing would ever clear where one value is never sent."""
    margins = dict.fromkeys(COSTS, Decimal(40))
    for costs_known, more in ((False, {}), (True, margins)):
        seen = Standing(**known, **more)
        missing = what_is_missing(seen, "full", sales_threshold=ONE, costs_known=costs_known)
        assert missing is None


# from a state -------------------------------------------------------------------------------------


def market(*offers, boxes=(Decimal(10),), minute=0):
    facts = MarketFacts(currency="GBP", offers=offers, offer_count=3, buy_box_prices=boxes)
    at = T0 + timedelta(minutes=minute)
    return Event(1, SUBJECT, Moment(at, at, f"k{minute}"), facts)


def own(price="12", *, winner=False):
    return Offer(seller_id=SUBJECT.seller_id, listing=Decimal(price), winner=winner)


def rival(*, winner=True):
    return Offer(seller_id="A1RIVAL0000001", listing=Decimal(10), winner=winner)


def health(minute=0):
    at = T0 + timedelta(minutes=minute)
    facts = HealthFacts(currency="GBP", issue_type="BuyBoxDisqualification")
    return Event(2, SUBJECT, Moment(at, at, f"h{minute}"), facts)


def said(*events):
    """What the state after the events says, by kind."""
    state = ProductState(SUBJECT)
    for event in events:
        state, _ = apply_event(state, event, SeveritySettings())
    return {
        kind: sighting_of(state, kind, severity, SeveritySettings(), {"n": 1})
        for kind, severity in severities_of(state).items()
    }


def test_a_state_that_has_seen_nothing_says_nothing():
    assert said() == {}


def test_an_ordinary_market_speaks_to_all_three_alerts():
    found = said(market(own(), rival()))
    assert set(found) == {"price", "buy-box-suppressed", "pricing-health"}
    assert found["buy-box-suppressed"].severity == found["pricing-health"].severity == "success"
    assert found["price"].missing is None
    assert found["price"].facts == {"n": 1}


def test_a_suppressed_buy_box_is_an_alert_of_its_own_and_a_flag_for_the_price():
    found = said(market(own(), rival(winner=False), boxes=()))
    assert found["buy-box-suppressed"].severity == "high"
    assert found["price"].buy_box_suppressed


@pytest.mark.parametrize("condition", ["used", "collectible", "refurbished"])
def test_that_nobody_has_the_buy_box_is_news_of_new_offers_only(condition):
    """Most used goods and all of the rarer conditions have none, and their prices matter alone."""
    subject = SUBJECT._replace(item_condition=condition)
    event = replace(market(own(), rival(winner=False), boxes=()), subject=subject)
    state, _ = apply_event(ProductState(subject), event, SeveritySettings())
    assert (state.market.has_buy_box, state.market.flags) == (False, ())
    assert severities_of(state)["buy-box-suppressed"] == "success"
    price = sighting_of(state, "price", state.severity, SeveritySettings(), {})
    assert not price.buy_box_suppressed


def test_pricing_health_lasts_until_the_own_offer_wins():
    ill = said(market(own(), rival()), health(1))
    assert ill["pricing-health"].severity == "high"
    assert ill["price"].pricing_health
    well = said(market(own(), rival()), health(1), market(own(winner=True), minute=2))
    assert well["pricing-health"].severity == "success"
    assert well["pricing-health"].event_time == T0 + timedelta(minutes=2)


@pytest.mark.parametrize(
    "events",
    [
        (health(),),
        (market(rival()),),
        (market(own(), rival()), market(own("0"), minute=1)),
    ],
    ids=["no market yet", "own offer unknown", "an unbelievable newest message"],
)
def test_what_cannot_be_known_is_no_evidence(events):
    assert said(*events)["price"].missing


def test_each_alert_asks_only_for_what_it_is_about():
    """An own offer outside of those that are sent hides the price, and neither Box nor health."""
    found = said(health(), market(own(winner=True), minute=1), market(rival(), minute=2))
    assert found["price"].missing
    assert found["buy-box-suppressed"].missing is None
    assert (found["pricing-health"].severity, found["pricing-health"].missing) == ("success", None)


def test_a_box_that_nobody_spoke_of_and_a_message_in_doubt_clear_no_suppressed_box():
    assert said(health())["buy-box-suppressed"].missing == "nobody said who has the Buy Box"
    doubted = said(market(own(), rival()), market(own("0"), minute=1))
    assert doubted["buy-box-suppressed"].missing == "invalid-price"


def test_a_pricing_health_mutes_anew_when_it_is_another_than_the_closed_alert_heard_of():
    state, _ = apply_event(ProductState(SUBJECT), health(5), SeveritySettings())
    for minute, news in ((5, False), (4, True)):
        at = (T0 + timedelta(minutes=minute)).isoformat()
        closed = ended("manual", facts={HEALTH_AT: at})
        seen = {
            kind: sighting_of(state, kind, "high", SeveritySettings(), {}, health_alert=closed)
            for kind in ("price", "pricing-health")
        }
        assert (seen["price"].pricing_health, seen["pricing-health"].echo) == (news, not news)
        assert not seen["price"].echo
    open_ = delivered(facts={HEALTH_AT: (T0 + timedelta(minutes=5)).isoformat()})
    still = sighting_of(state, "price", "high", SeveritySettings(), {}, health_alert=open_)
    assert still.pricing_health, "it mutes as long as its alert is open"


def test_a_pricing_health_that_comes_late_speaks_at_the_time_of_the_newest_message():
    """At its own, every alert of the product would refuse it as late, and nobody would hear of it."""
    found = said(market(own(), rival(), minute=2), health(1))
    assert {sighting.event_time for sighting in found.values()} == {T0 + timedelta(minutes=2)}


def test_business_customers_have_alerts_of_their_own():
    state = ProductState(SUBJECT._replace(audience="business"))
    event = replace(market(own(), rival()), subject=state.subject)
    state, _ = apply_event(state, event, SeveritySettings())
    found = severities_of(state)
    assert set(found) == {
        "business-price",
        "business-buy-box-suppressed",
        "business-pricing-health",
    }
    assert sighting_of(state, "business-price", "info", SeveritySettings(), {}).missing is None
