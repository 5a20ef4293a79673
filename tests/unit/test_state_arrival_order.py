"""The state is a function of the set of messages: every order of arrival ends in the same state."""

from __future__ import annotations

import itertools
import random
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from economics.costing import POINTS_KEPT
from economics.facts import HealthFacts, MarketFacts, Offer, facts_to_json
from economics.market import take_snapshot
from economics.risks import in_order, low_point
from tests.economics_strategies import rules
from tests.factories import GB, OWN_SELLER, RIVALS
from tests.strategies import (
    COSTS,
    ECONOMY,
    SUBJECT,
    T0,
    after,
    all_facts,
    economy,
    event,
    events,
    health_facts,
    lists_of_any_length,
    market_facts,
)
from worker.analysis.decide import Claimed, decide
from worker.analysis.state import ProductState, SeveritySettings

SETTINGS = st.sampled_from([SeveritySettings(), SeveritySettings(policy="mvp")])


def claimed(told):
    return Claimed(
        told.row_id, told.subject, told.moment, 0, told.trace_id, facts_to_json(told.facts)
    )


def work_in(batches, in_force):
    """The states after these batches, each decided on as one transaction does."""
    known = {}
    for batch in batches:
        decision = decide(
            batch,
            known,
            in_force,
            now=T0,
            max_attempts=3,
            jitter=random.Random(1),
            economy=ECONOMY,
        )
        assert not decision.failed
        known |= {state.subject: state for state in (*decision.states, *decision.noted)}
    return known


def comparable(states):
    """All but the two fields that count or date what was noticed, and when."""
    return {
        subject: msgspec.structs.replace(state, version=0, your_price_changed_at=None)
        for subject, state in states.items()
    }


def batchings(things):
    """Every way to split the things into batches that arrive one after the other."""
    if not things:
        yield []
    for size in range(1, len(things) + 1):
        for first in itertools.combinations(things, size):
            rest = [thing for thing in things if thing not in first]
            for others in batchings(rest):
                yield [list(first), *others]


def test_four_things_can_arrive_in_75_ways():
    """So many ordered partitions they have; the order within a batch is not an order of arrival."""
    assert sum(1 for _ in batchings("abcd")) == 75


small_sets = st.lists(all_facts, min_size=2, max_size=4).flatmap(
    lambda facts: st.permutations(range(len(facts))).map(
        lambda times: [event(t, f) for t, f in zip(times, facts, strict=True)]
    )
)


@settings(max_examples=60)
@given(small_sets, SETTINGS)
def test_every_order_of_arrival_in_every_splitting_ends_in_the_same_state(told, in_force):
    every = [
        comparable(work_in(batches, in_force)) for batches in batchings([claimed(e) for e in told])
    ]
    assert all(states == every[0] for states in every)


def _told(own, *, winner):
    """A rival's offer, and the own one at this price where there is one; "0" is not believable."""
    mine = [] if own is None else [Offer(seller_id=OWN_SELLER, listing=Decimal(own), winner=winner)]
    rival = Offer(seller_id=RIVALS[0], listing=Decimal("10.50"))
    return MarketFacts(currency="GBP", offers=(rival, *mine))


tied_events = st.tuples(
    st.lists(
        st.tuples(
            st.builds(_told, st.sampled_from([None, "10.00", "11.00", "0"]), winner=st.booleans())
            | st.builds(HealthFacts, currency=st.just("GBP"), issue_type=st.sampled_from("AB")),
            st.integers(0, 1),
            st.integers(0, 1),
        ),
        max_size=5,
    ),
    st.permutations("abcde"),
).map(
    lambda drawn: [
        event(n, facts, key=key, row_id=ord(key), published=n + pause)
        for (facts, n, pause), key in zip(*drawn, strict=False)
    ]
)
"""Events in an order of arrival, of which several happened, or were published, at one time."""


@settings(max_examples=300)
@given(tied_events, SETTINGS)
def test_events_of_one_time_end_the_same_in_any_order(told, in_force):
    known = {"settings": in_force, "economy": ECONOMY}
    as_they_came, _ = after(*told, **known)
    in_their_order, _ = after(*sorted(told, key=lambda e: e.moment), **known)
    assert comparable({0: as_they_came}) == comparable({0: in_their_order})


@settings(max_examples=150)
@given(events, st.randoms(use_true_random=False), SETTINGS)
def test_a_long_course_of_events_ends_the_same_in_any_order(told, chance, in_force):
    known = {"settings": in_force, "economy": ECONOMY}
    in_order, _ = after(*sorted(told, key=lambda e: e.moment), **known)
    for _ in range(5):
        chance.shuffle(told)
        shuffled, _ = after(*told, **known)
        assert comparable({0: shuffled}) == comparable({0: in_order})


long_courses = st.sampled_from([60, 300]).flatmap(
    lambda pace_s: lists_of_any_length(
        st.tuples(
            st.integers(0, 150).map(lambda n: n * pace_s),
            st.sampled_from(["9.00", "9.40", "9.80", "10.00", "12.00"]),
            st.sampled_from(RIVALS),
        ),
        min_size=8,
        max_size=40,
        unique_by=lambda drawn: drawn[0],
    )
)
"""Lows over half a day, with a midnight in it, at which the referral fee rises; or more of them in
two hours than a state keeps."""


def _low(seconds, price, seller):
    offers = (
        Offer(seller_id=seller, listing=Decimal(price)),
        Offer(seller_id=OWN_SELLER, listing=Decimal("11.00")),
    )
    return event(seconds, MarketFacts(currency="GBP", offers=offers))


@settings(max_examples=100)
@given(long_courses, st.randoms(use_true_random=False))
def test_races_and_fees_of_a_new_day_are_the_same_in_any_order(drawn, chance):
    midnight = date(2025, 3, 5)
    old, new = (
        [
            replace(rule, rule_id=f"{rule.rule_id}-{n}", valid_from=begin, valid_to=end)
            for rule in rules(referral=rate)
        ]
        for n, (rate, begin, end) in enumerate(
            [("0.15", date(2020, 1, 1), midnight), ("0.30", midnight, None)]
        )
    )
    known = economy(COSTS, fees=[*old, *new])
    told = [_low(*one) for one in drawn]
    sorted_first, _ = after(*sorted(told, key=lambda e: e.moment), economy=known)
    for _ in range(3):
        chance.shuffle(told)
        assert comparable({0: after(*told, economy=known)[0]}) == comparable({0: sorted_first})
    every = {low_point(e.moment.event_time, e.facts, GB) for e in told}
    newest = max(point.event_time for point in every)
    within = in_order(p for p in every if newest - p.event_time <= timedelta(hours=2))
    assert set(sorted_first.low_points) == set(within[-POINTS_KEPT:])


@given(events, st.randoms(use_true_random=False), SETTINGS)
def test_what_was_worked_in_may_come_again_at_any_time(told, chance, in_force):
    once, _ = after(*told, settings=in_force)
    repeats = [*told, *told]
    chance.shuffle(repeats)
    again, _ = after(*repeats, settings=in_force)
    assert comparable({0: again}) == comparable({0: once})


@settings(max_examples=150)
@given(events)
def test_the_state_is_what_the_newest_message_of_each_kind_says(told):
    """The same, said without any order: over the whole set, as an operator would ask."""
    state, _ = after(*told)
    health = [e for e in told if isinstance(e.facts, HealthFacts)]
    seen = {
        e: take_snapshot(e.facts, seller_id=OWN_SELLER, marketplace_id=e.subject.marketplace_id)
        for e in told
        if e not in health
    }
    believable = [e for e in seen if seen[e].believable]

    def newest(some):
        return max(some, key=lambda e: e.moment, default=None)

    def time(one):
        return one and one.moment.event_time

    market = newest(believable)
    assert state.moment == (market and market.moment)
    assert state.market == (market and seen[market])
    assert state.row_id == (market and market.row_id)

    own = newest(e for e in believable if seen[e].your_price is not None)
    assert state.last_own_price == (own and seen[own].your_price)
    assert state.last_own_price_at == time(own)

    won = newest(e for e in believable if seen[e].buy_box_winner)
    assert state.winner_seen_at == time(won)
    issue = newest(e for e in health if won is None or time(e) > time(won))
    assert (state.health and state.health.facts) == (issue and issue.facts)

    doubt = newest(e for e in seen if not seen[e].believable)
    stands = doubt is not None and (market is None or time(doubt) > time(market))
    assert state.doubt_since == (time(doubt) if stands else None)

    shown = newest([e for e in (market, issue) if e])
    assert state.trace_id == (shown.trace_id if shown else "")


@given(events, st.randoms(use_true_random=False))
def test_a_late_event_never_overwrites_what_is_newer(told, chance):
    """Whatever arrives, each clock of the state moves forward only."""
    state = ProductState(SUBJECT)
    chance.shuffle(told)
    for one in told:
        before, (state, assessment) = state, after(one, state=state)
        for clock in ("moment", "last_own_price_at", "winner_seen_at"):
            was, now = getattr(before, clock), getattr(state, clock)
            assert was is None or now >= was, clock
        if assessment.outcome != "applied" or isinstance(one.facts, HealthFacts):
            kept = ("market", "moment", "row_id", "verdict", "gap_pct", "policy")
            assert [getattr(before, f) for f in kept] == [getattr(state, f) for f in kept]


audiences = st.lists(
    st.tuples(market_facts | health_facts, st.sampled_from(["consumer", "business"])),
    min_size=1,
    max_size=6,
)


@given(audiences)
def test_subjects_decided_on_together_end_as_if_each_were_alone(told):
    """Consumer and business prices of one product come in one batch and never mix."""
    mixed = [
        claimed(event(n, facts, subject=SUBJECT._replace(audience=audience)))
        for n, (facts, audience) in enumerate(told)
    ]
    together = work_in([mixed], SeveritySettings())
    alone = {}
    for audience in ("consumer", "business"):
        own = [one for one in mixed if one.subject.audience == audience]
        alone |= work_in([own], SeveritySettings())
    assert together == alone
