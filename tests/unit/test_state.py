"""What one more message makes of a product's state: one test a rule."""

from __future__ import annotations

from decimal import Decimal

import pytest
from msgspec.structs import replace

from economics.facts import HealthFacts, MarketFacts, Offer
from tests.factories import GB, JP, OWN_SELLER, RIVALS
from tests.strategies import ECONOMY, SUBJECT, after, at, event
from worker.analysis.judge import standing_of
from worker.analysis.severity import gap_pct
from worker.analysis.state import (
    NOTHING_SEEN,
    ProductState,
    SeveritySettings,
    apply_event,
)

OWN = OWN_SELLER
ANN = RIVALS[0]
MVP = SeveritySettings(policy="mvp")


def offer(seller, listing, *, winner=False):
    return Offer(seller_id=seller, listing=Decimal(listing), winner=winner)


def market(seconds, yours=None, *, rival="10.00", winner=False, **more):
    """An offer message: your offer at this price (None: not sent) and a rival's."""
    own = [] if yours is None else [offer(OWN, yours, winner=winner)]
    facts = MarketFacts(currency="GBP", offers=(offer(ANN, rival), *own), offer_count=10)
    return event(seconds, facts, **more)


def invalid(seconds, **more):
    return market(seconds, "11.00", rival="0", **more)


def health(seconds, issue="BuyBoxDisqualification", **more):
    price = Decimal("26.50")
    return event(seconds, HealthFacts(currency="GBP", issue_type=issue, your_price=price), **more)


def test_nothing_seen_is_info_with_a_reason():
    assert (ProductState(SUBJECT).severity, NOTHING_SEEN.reasons) == (
        "info",
        ("no offers seen yet",),
    )


def test_a_first_message_becomes_the_state_and_names_itself():
    told = market(1, "12.00", row_id=77)
    state, assessment = after(told)
    assert (state.market, state.moment, state.row_id) == (assessment.market, told.moment, 77)
    assert (state.market.your_price, state.trace_id) == (Decimal("12.00"), told.trace_id)
    assert (state.verdict.severity, state.verdict.reasons) == (
        assessment.severity,
        assessment.reasons,
    )
    assert (assessment.outcome, assessment.event) == ("applied", told)
    assert state.version == 0, "versions count what is stored, not what is seen"


def test_gap_policy_and_verdict_are_kept_with_the_state():
    state, assessment = after(market(1, "15.00"), settings=MVP)
    assert (state.gap_pct, state.policy, state.severity) == (50, "mvp", "success")
    assert (assessment.gap_pct, assessment.policy) == (50, "mvp")
    state, _ = after(market(1, "15.00"))
    assert (state.policy, state.severity) == ("full", "high")
    assert state.gap_pct == gap_pct(standing_of(state.market))


def test_points_come_off_for_the_marketplace_of_the_subject():
    told = MarketFacts(
        currency="JPY", offers=(Offer(seller_id=OWN, listing=Decimal(1000), points=10),)
    )
    for marketplace_id, price in ((JP, 990), (GB, 1000)):
        subject = SUBJECT._replace(marketplace_id=marketplace_id)
        assert after(event(1, told, subject=subject))[0].last_own_price == price


def test_the_newest_event_wins():
    state, assessment = after(market(1, "12.00"), market(2, "13.00"))
    assert (state.market.your_price, assessment.outcome) == (Decimal("13.00"), "applied")


def test_a_late_event_goes_to_the_history_and_overwrites_nothing():
    """Its low alone is remembered, for as long as it could be part of a race."""
    newer = after(market(2, "13.00"))[0]
    state, assessment = after(market(1, "20.00"), state=newer)
    assert replace(state, low_points=newer.low_points) == newer
    assert after(market(2 - 7201, "20.00"), state=newer)[0] == newer
    assert (assessment.outcome, assessment.severity) == ("late", "high")
    assert assessment.market.your_price == Decimal("20.00")
    assert assessment.gap_pct == 100


def test_the_same_event_again_is_late_and_changes_nothing():
    once = after(market(1, "12.00"))[0]
    again, assessment = after(market(1, "12.00"), state=once)
    assert (again, assessment.outcome) == (once, "late")


@pytest.mark.parametrize("first_in", [0, 1])
def test_of_events_of_one_time_the_later_published_wins(first_in):
    tied = [market(1, "12.00", key="z", published=2), market(1, "13.00", key="a", published=3)]
    state, assessment = after(tied[first_in], tied[1 - first_in])
    assert state.market.your_price == state.last_own_price == Decimal("13.00")
    assert assessment.outcome == ("applied" if first_in == 0 else "late")


@pytest.mark.parametrize("first_in", [0, 1])
def test_of_events_published_at_once_the_greater_key_wins(first_in):
    tied = [market(1, "12.00", key="a"), market(1, "13.00", key="b")]
    state, _ = after(tied[first_in], tied[1 - first_in])
    assert state.market.your_price == state.last_own_price == Decimal("13.00")


def test_an_event_published_before_it_happened_is_taken_as_it_comes():
    """Amazon's own example has it so."""
    state, assessment = after(market(2, "12.00", published=1), market(3, "13.00", published=0))
    assert (state.market.your_price, assessment.outcome) == (Decimal("13.00"), "applied")


def test_a_missing_own_offer_is_info_and_the_last_own_price_is_kept_with_its_age():
    state, _ = after(market(1, "12.00", winner=True), market(9))
    assert (state.market.your_price, state.severity) == (None, "info")
    assert state.verdict.reasons == ("the own offer is unknown", "outside-offers-sent")
    assert (state.last_own_price, state.last_own_price_at) == (Decimal("12.00"), at(1))


def test_the_age_of_the_own_price_is_that_of_its_newest_sight_even_if_it_did_not_change():
    state, _ = after(market(1, "12.00"), market(5, "12.00"), market(9))
    assert (state.last_own_price, state.last_own_price_at) == (Decimal("12.00"), at(5))


def test_a_late_event_may_tell_a_newer_own_price_than_the_one_known():
    state, _ = after(market(1, "12.00"), market(9), market(5, "14.00"))
    assert (state.last_own_price, state.last_own_price_at) == (Decimal("14.00"), at(5))
    assert state.market.your_price is None


def test_a_late_event_never_brings_back_an_older_own_price():
    state, _ = after(market(5, "14.00"), market(9), market(1, "12.00"))
    assert (state.last_own_price, state.last_own_price_at) == (Decimal("14.00"), at(5))


def test_a_changed_own_price_is_dated():
    state, _ = after(market(1, "12.00"))
    assert state.your_price_changed_at is None, "nothing to compare with"
    state, _ = after(market(2, "12.0"), state=state)
    assert state.your_price_changed_at is None, "the same amount"
    state, _ = after(market(3, "11.99"), state=state)
    assert state.your_price_changed_at == at(3)
    state, _ = after(market(4, "11.99"), market(5), state=state)
    assert state.your_price_changed_at == at(3)


def test_an_own_price_that_comes_back_changed_is_dated_and_a_late_one_is_not():
    state, _ = after(market(1, "12.00"), market(2), market(3, "13.00"), market(2.5, "14.00"))
    assert state.your_price_changed_at == at(3)


def test_pricing_health_sets_its_own_facts_and_nothing_of_the_market():
    before, _ = after(market(1, "12.00", row_id=7))
    state, assessment = after(health(2), state=before)
    assert (state.health.facts, state.health.at) == (health(2).facts, at(2))
    kept = replace(state, health=None, trace_id=before.trace_id)
    assert kept == before
    assert (assessment.outcome, assessment.market, assessment.gap_pct) == ("applied", None, None)
    assert assessment.severity == before.severity
    assert assessment.reasons[0] == "pricing health: BuyBoxDisqualification"
    assert assessment.reasons[1:] == before.verdict.reasons


def test_the_trace_is_that_of_the_newer_of_the_offers_and_the_health_in_any_order():
    tied, older = market(2, "12.00", key="m"), market(1, "12.00", key="o")
    for one, other in ((tied, health(2)), (health(2), tied)):
        assert after(one, other)[0].trace_id == tied.trace_id
    for one, other in ((older, health(2)), (health(2), older)):
        assert after(one, other)[0].trace_id == health(2).trace_id


def test_pricing_health_alone_leaves_the_market_unknown():
    state, assessment = after(health(1))
    assert (state.market, state.moment, state.row_id) == (None, None, None)
    assert (state.last_own_price, state.verdict) == (None, NOTHING_SEEN)
    assert (assessment.outcome, assessment.severity) == ("applied", "info")


def test_pricing_health_repeats_the_severity_in_force_under_the_policy_that_gave_it():
    """The setting may have changed since; the next offer message is judged under the new one."""
    before, _ = after(market(1, "12.00"))
    state, assessment = after(health(2), state=before, settings=MVP)
    assert (state.policy, assessment.policy) == ("full", "full")
    assert after(market(3, "12.00"), state=state, settings=MVP)[0].policy == "mvp"


def test_of_two_pricing_healths_the_newer_counts_in_either_order():
    for told in ([health(1), health(2, "Other")], [health(2, "Other"), health(1)]):
        assert after(*told)[0].health.facts.issue_type == "Other"
    assert after(health(2), health(1))[1].outcome == "late"
    assert after(health(2), health(2))[1].outcome == "late"


def test_of_two_pricing_healths_of_one_time_the_greater_key_counts():
    tied = [health(1, "A", key="a"), health(1, "B", key="b")]
    for told in (tied, tied[::-1]):
        assert after(*told)[0].health.facts.issue_type == "B"


def test_pricing_health_ends_when_a_newer_message_shows_an_own_winner():
    state, _ = after(health(1), market(2, "12.00", winner=True))
    assert (state.health, state.winner_seen_at) == (None, at(2))


def test_pricing_health_ends_with_a_winner_that_arrives_late():
    """The winner is older than the market in force, and newer than the health message."""
    state, assessment = after(health(1), market(9, "13.00"), market(5, "12.00", winner=True))
    assert (state.health, assessment.outcome) == (None, "late")
    assert state.market.your_price == Decimal("13.00")


def test_pricing_health_that_arrives_after_its_end_is_late():
    state, assessment = after(market(5, "12.00", winner=True), market(9), health(1))
    assert (state.health, assessment.outcome) == (None, "late")


@pytest.mark.parametrize("order", [1, -1])
def test_pricing_health_of_the_very_time_of_the_winner_has_ended(order):
    told = [health(5), market(5, "12.00", winner=True)][::order]
    assert after(*told)[0].health is None


@pytest.mark.parametrize("order", [1, -1])
def test_an_older_winner_does_not_end_a_newer_pricing_health(order):
    told = [market(1, "12.00", winner=True), health(2)][::order]
    assert after(*told)[0].health.at == at(2)


@pytest.mark.parametrize("newer", [market(2), market(2, "12.00"), invalid(2)])
def test_pricing_health_does_not_end_without_an_own_winner(newer):
    assert after(health(1), newer)[0].health.at == at(1)


def test_an_older_pricing_health_does_not_come_back_once_a_newer_one_has_ended():
    state, _ = after(health(4), market(5, "12.00", winner=True), health(3))
    assert state.health is None


def test_an_invalid_price_changes_no_state_and_leaves_a_doubt():
    before, _ = after(market(1, "12.00"))
    state, assessment = after(invalid(2), state=before)
    assert (state.doubt_reason, state.doubt_since) == ("invalid-price", at(2))
    assert replace(state, doubt_reason=None, doubt_since=None) == before
    assert (assessment.outcome, assessment.severity) == ("rejected", "info")
    assert assessment.market.flags == ("invalid-price",)
    assert assessment.reasons


def test_an_invalid_price_comes_first_to_an_empty_state():
    state, _ = after(invalid(1))
    assert (state.market, state.last_own_price, state.verdict) == (None, None, NOTHING_SEEN)
    assert state.doubt_since == at(1)


def test_a_win_in_an_unbelievable_message_is_no_evidence():
    told = MarketFacts(currency="GBP", offers=(offer(OWN, "0", winner=True),))
    state, _ = after(health(1), event(2, told))
    assert (state.winner_seen_at, state.health.at) == (None, at(1))


def test_a_newer_believable_message_clears_the_doubt():
    state, _ = after(market(1, "12.00"), invalid(2), market(3, "12.00"))
    assert (state.doubt_reason, state.doubt_since) == (None, None)


def test_an_older_believable_message_does_not():
    assert after(invalid(2), market(1, "12.00"))[0].doubt_since == at(2)
    assert after(market(0, "9"), invalid(2), market(1, "12.00"))[0].doubt_since == at(2)


def test_an_older_invalid_price_casts_no_doubt_on_a_newer_market():
    assert after(market(3, "12.00"), invalid(2))[0].doubt_since is None
    assert after(invalid(5), invalid(4))[0].doubt_since == at(5)


@pytest.mark.parametrize("order", [1, -1])
def test_a_believable_message_of_the_same_time_leaves_no_doubt(order):
    told = [invalid(2, key="a"), market(2, "12.00", key="b")][::order]
    assert after(*told)[0].doubt_since is None


def test_pricing_health_clears_no_doubt():
    assert after(invalid(1), health(2))[0].doubt_since == at(1)


def test_a_business_price_is_another_subject_and_never_mixes():
    """Each event is judged for its own subject: seller, marketplace, condition and audience."""
    business = SUBJECT._replace(audience="business")
    consumer_state, _ = after(market(1, "12.00"))
    business_state, _ = apply_event(
        ProductState(business), market(2, "8.00", subject=business), SeveritySettings()
    )
    assert consumer_state.market.your_price == Decimal("12.00")
    assert business_state.market.your_price == Decimal("8.00")
    assert consumer_state.subject != business_state.subject


def test_a_late_low_is_remembered_by_a_state_that_was_never_priced():
    """As one is that was written before there were economics."""
    state, _ = after(market(5, "12.00"))
    late, assessment = after(market(1, "12.00", rival="9.00"), state=replace(state, economics=None))
    assert (assessment.outcome, late.economics) == ("late", None)
    assert [point.low for point in late.low_points] == [Decimal("9.00"), Decimal("10.00")]


def test_an_own_win_that_comes_late_brings_back_no_pricing_health_that_a_newer_win_ended():
    wins = [market(at_, "9.00", winner=True) for at_ in (1, 3, 2)]
    state, told = after(*wins, health(2.5))
    assert (state.winner_seen_at, state.health, told.outcome) == (at(3), None, "late")


def test_an_older_doubt_takes_nothing_from_the_newer_one():
    state, _ = after(invalid(5), invalid(3), market(4, "11.00"))
    assert (state.doubt_since, state.doubt_reason) == (at(5), "invalid-price")


def test_a_race_is_flagged_whether_its_lows_come_in_order_or_one_of_them_late():
    """Six falls by two rivals in turn are one; five are none."""
    lows = []
    for n in range(7):
        rival = Offer(seller_id=RIVALS[n % 2], listing=Decimal(10) - Decimal(n) / 10)
        facts = MarketFacts(currency="GBP", offers=(rival, offer(OWN, "11.00")))
        lows.append(event(n, facts))
    in_order, _ = after(*lows, economy=ECONOMY)
    without, _ = after(*lows[:3], *lows[4:], economy=ECONOMY)
    late, _ = after(lows[3], state=without, economy=ECONOMY)
    flags = [one.economics.view.risk_flags for one in (in_order, without, late)]
    assert ["race-to-bottom" in found for found in flags] == [True, False, True]
