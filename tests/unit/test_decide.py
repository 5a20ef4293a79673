"""From claimed notifications to what one transaction writes: errors, attempts, versions."""

from __future__ import annotations

import random
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from economics.facts import HealthFacts, MarketFacts, Offer, facts_to_json
from tests.deciding import claim, decided, states_of
from tests.factories import JP, NOW, OWN_SELLER
from tests.strategies import ECONOMY, SUBJECT
from worker.analysis import decide as room
from worker.analysis.decide import (
    RETRY_FIRST,
    RETRY_LONGEST,
    backoff,
    failed_attempt,
    subjects,
)
from worker.analysis.severity import SEVERITIES
from worker.analysis.store import history_from_assessment
from worker.errors import (
    PermanentError,
    RetryableError,
    StateMovedError,
    UnreadableFactsError,
)

OTHER = SUBJECT._replace(asin="B0OTHER001")
OWN_OFFER = Offer(seller_id=OWN_SELLER, listing=Decimal("12.00"))
HEALTH = facts_to_json(HealthFacts(currency="GBP", issue_type="BuyBoxDisqualification"))


@pytest.fixture
def raising(monkeypatch):
    """Makes the analysis of one row raise."""
    real = room.apply_event

    def install(error, row_id=20):
        def apply_or_raise(state, one, *more):
            if one.row_id == row_id:
                raise error
            return real(state, one, *more)

        monkeypatch.setattr(room, "apply_event", apply_or_raise)

    return install


def test_an_event_whose_analysis_raises_is_set_apart_and_the_others_go_on(raising):
    raising(ZeroDivisionError("a bug"))
    bad = claim(2, "13.00")
    decision = decided(claim(1), bad, claim(3, "14.00"), claim(2.5, subject=OTHER))
    assert [a.event.row_id for a in decision.assessments] == [10, 30, 25]
    assert [a.outcome for a in decision.assessments] == ["applied"] * 3
    [failed] = decision.failed
    assert (failed.claimed, failed.error_type, failed.error_message) == (
        bad,
        "ZeroDivisionError",
        "a bug",
    )
    assert {s.subject: s.market.your_price for s in decision.states} == {
        SUBJECT: Decimal("14.00"),
        OTHER: Decimal("12.00"),
    }


def test_a_failed_event_leaves_no_trace_in_the_state(raising):
    without = decided(claim(1), claim(3)).states
    raising(RuntimeError())
    assert decided(claim(1), claim(2), claim(3)).states == without
    assert decided(claim(2)).states == []


def test_a_failed_event_that_works_later_goes_in_late(raising):
    raising(RuntimeError())
    known = states_of(claim(1), claim(2, "13.00"), claim(3, "14.00"))
    raising(RuntimeError(), row_id=None)
    [assessment] = decided(claim(2, "13.00", attempts=1), known=known).assessments
    assert assessment.outcome == "late"


@pytest.mark.parametrize("error", [PermanentError("no"), type("Ours", (PermanentError,), {})("no")])
def test_a_permanent_error_gives_up_at_once(raising, error):
    raising(error)
    [failed] = decided(claim(2)).failed
    assert failed.next_attempt_at is None


@pytest.mark.parametrize("error", [RetryableError(), StateMovedError(), KeyError("x"), OSError()])
def test_any_other_error_is_tried_again_until_the_attempts_are_used_up(raising, error):
    raising(error)
    for attempts in (0, 1):
        [failed] = decided(claim(2, attempts=attempts)).failed
        assert failed.next_attempt_at > NOW
    for attempts in (2, 3, 99):
        [failed] = decided(claim(2, attempts=attempts)).failed
        assert failed.next_attempt_at is None


@pytest.mark.parametrize(("max_attempts", "retried"), [(1, 0), (2, 1), (5, 4)])
def test_an_event_gets_as_many_attempts_as_the_setting_says(raising, max_attempts, retried):
    raising(OSError())
    outcomes = [
        decided(claim(2, attempts=n), max_attempts=max_attempts).failed[0].next_attempt_at
        for n in range(max_attempts)
    ]
    assert [outcome is not None for outcome in outcomes] == [True] * retried + [False]


def test_facts_dropped_by_retention_are_permanent():
    [failed] = decided(claim(2, facts_json=None)).failed
    assert (failed.error_type, failed.next_attempt_at) == ("PermanentError", None)
    assert "dropped by retention" in failed.error_message


@pytest.mark.parametrize(
    "text",
    [
        "",
        "not json",
        "null",
        "{}",
        '{"kind":"market"}',
        '{"kind":"unheard-of","currency":"GBP"}',
        '{"kind":"market","currency":"GBP","offers":[{"seller_id":"A","listing":"dear"}]}',
        '{"kind":"market","currency":"GBP","a_field_of_tomorrow":1}',
    ],
)
def test_unreadable_facts_are_tried_again_and_the_rest_goes_on(text):
    decision = decided(claim(1, facts_json=text), claim(2))
    [failed] = decision.failed
    assert failed.error_type == "UnreadableFactsError"
    assert failed.next_attempt_at > NOW
    assert failed.error_message.startswith("the stored facts cannot be read: ")
    assert len(decision.assessments) == 1


@pytest.mark.parametrize(("drawn", "minutes"), [(0.0, 11), (1.0, 23)])
@pytest.mark.parametrize("max_attempts", [1, 3])
def test_unreadable_facts_outlast_a_deploy_and_are_given_up_in_the_end(
    drawn, minutes, max_attempts
):
    waited = timedelta(0)
    for attempts in range(100):
        failed = failed_attempt(
            claim(1, attempts=attempts),
            UnreadableFactsError(),
            now=NOW,
            max_attempts=max_attempts,
            jitter=Draws(drawn),
        )
        if failed.next_attempt_at is None:
            break
        waited += failed.next_attempt_at - NOW
    assert timedelta(minutes=minutes) < waited < timedelta(minutes=minutes + 1)


def test_an_error_message_fits_a_row_of_the_database():
    """Bounded, and without the one character that Postgres text cannot hold."""
    failed = failed_attempt(
        claim(1), ValueError("a\x00b" * 1000), now=NOW, max_attempts=3, jitter=random.Random(1)
    )
    assert len(failed.error_message) <= 1000
    assert "\x00" not in failed.error_message


class Draws(random.Random):
    """A source of jitter that always draws the same."""

    def __init__(self, drawn):
        super().__init__()
        self._drawn = drawn

    def random(self):
        return self._drawn


def test_the_backoff_doubles_until_it_is_capped():
    waits = [backoff(attempt, Draws(1.0)) for attempt in range(1, 12)]
    assert waits[0] == RETRY_FIRST
    doubled = [2 * wait for wait in waits]
    assert waits[1:] == [min(RETRY_LONGEST, wait) for wait in doubled[:-1]]
    assert waits[-1] == RETRY_LONGEST


@given(st.integers(1, 10**6), st.integers())
def test_the_backoff_is_jittered_between_half_and_the_whole(attempt, seed):
    wait = backoff(attempt, random.Random(seed))
    whole = min(RETRY_LONGEST, RETRY_FIRST * 2 ** min(attempt - 1, 30))
    assert whole / 2 <= wait <= whole


def test_the_backoff_spreads_over_its_whole_range():
    assert backoff(1, Draws(0.0)) == RETRY_FIRST / 2
    assert backoff(1, Draws(0.5)) == RETRY_FIRST * 0.75
    assert backoff(99, Draws(0.0)) == RETRY_LONGEST / 2


def test_the_next_attempt_is_later_by_the_backoff(raising):
    raising(OSError())
    waits = [
        decided(claim(2, attempts=n), max_attempts=9).failed[0].next_attempt_at - NOW
        for n in range(4)
    ]
    expected = [backoff(n + 1, random.Random(7)) for n in range(4)]
    assert waits == expected
    assert all(timedelta(0) < w <= RETRY_LONGEST for w in waits)


def test_a_state_that_a_late_event_leaves_as_it_was_is_not_written():
    known = states_of(claim(5, "13.00"))
    decision = decided(claim(5 - 7201, "12.00"), known=known)
    assert (decision.states, decision.noted) == ([], [])
    assert [a.outcome for a in decision.assessments] == ["late"]


def test_the_low_of_a_late_event_is_noted_and_nobody_is_told():
    known = states_of(claim(5, "13.00"))
    decision = decided(claim(1, "12.00"), known=known)
    assert decision.states == []
    [state], [before] = decision.noted, known.values()
    assert len(state.low_points) == 2
    assert replace(state, low_points=before.low_points, version=before.version) == before
    assert state.version == before.version + 1


def test_known_states_that_no_event_touches_are_not_written():
    known = states_of(claim(1), claim(1, subject=OTHER))
    assert [s.subject for s in decided(claim(2), known=known).states] == [SUBJECT]
    assert decided(known=known).states == []


@pytest.mark.parametrize("events", [1, 2, 7])
def test_the_version_goes_up_by_one_for_each_stored_change_whatever_the_number_of_events(events):
    known = states_of(*(claim(n) for n in range(events)))
    assert known[SUBJECT].version == 1
    again = states_of(*(claim(10 + n, "12.50") for n in range(events)), known=known)
    assert again[SUBJECT].version == 2


def test_the_given_states_are_not_changed():
    known = states_of(claim(1))
    copy = dict(known)
    decided(claim(2, "99.00"), known=known)
    assert known == copy


def test_events_are_worked_in_by_event_time_and_not_as_claimed():
    decision = decided(claim(3, "14.00"), claim(1, "12.00"), claim(2, "13.00"))
    assert [a.event.row_id for a in decision.assessments] == [10, 20, 30]
    assert {a.outcome for a in decision.assessments} == {"applied"}
    assert decision.states[0].market.your_price == Decimal("14.00")


@given(st.data())
def test_a_batch_comes_to_what_its_messages_come_to_one_at_a_time(data):
    """Those passed over in a batch are worked out less far: nothing that is kept may show it."""
    prices = st.sampled_from(["0", "9.50", "11.00", "12.00", "13.50"])
    drawn = data.draw(st.lists(st.tuples(st.integers(0, 6), prices, st.booleans()), max_size=6))
    claims = [
        claim(seconds, price, row_id=place, **({"facts_json": HEALTH} if health else {}))
        for place, (seconds, price, health) in enumerate(drawn)
    ]
    before = states_of(claim(data.draw(st.integers(0, 6)), row_id=100), of_economy=ECONOMY)
    together = decided(*claims, known=before, of_economy=ECONOMY)
    known, rows = before, []
    for one in sorted(claims, key=lambda c: c.moment):
        alone = decided(one, known=known, of_economy=ECONOMY)
        rows += map(history_from_assessment, alone.assessments)
        known = known | {state.subject: state for state in (*alone.states, *alone.noted)}
    assert [history_from_assessment(a) for a in together.assessments] == rows
    [after] = [*together.states, *together.noted] or before.values()
    assert replace(after, version=0) == replace(known[SUBJECT], version=0)


@pytest.mark.parametrize("last", [{}, {"facts_json": HEALTH}, {"facts_json": "{}"}])
def test_whatever_ends_a_batch_its_newest_offers_are_worked_out_to_the_advice(last):
    batch = [claim(1), claim(2, "13.00"), claim(3, "14.00", **last)]
    known = {}
    for one in batch:
        known |= states_of(one, known=known, of_economy=ECONOMY)
    [state] = decided(*batch, of_economy=ECONOMY).states
    assert state.economics.view.recommended_price
    assert replace(state, version=3) == replace(known[SUBJECT], version=3)


def test_the_alerts_hear_each_message_that_is_not_late_as_it_left_the_state():
    heard = decided(claim(2, "13.00"), claim(1), claim(3, subject=OTHER)).heard
    assert [(one.state.moment, one.state.subject, one.trace_id) for one in heard] == [
        (told.moment, told.subject, told.trace_id)
        for told in (claim(1), claim(2), claim(3, subject=OTHER))
    ]
    assert decided(claim(1), known=states_of(claim(2))).heard == []


def test_the_alerts_hear_a_late_message_that_ends_a_pricing_health():
    won = MarketFacts(currency="GBP", offers=(replace(OWN_OFFER, winner=True),))
    known = states_of(claim(1, facts_json=HEALTH), claim(3))
    [heard] = decided(claim(2, facts_json=facts_to_json(won)), known=known).heard
    assert heard.state.health is None


def test_each_notification_is_either_assessed_or_failed(raising):
    raising(OSError())
    many = [claim(n / 2, subject=(SUBJECT, OTHER)[n % 2]) for n in range(9)]
    many.append(claim(30, facts_json=HEALTH))
    decision = decided(*many)
    assessed = [a.event.row_id for a in decision.assessments]
    failed = [f.claimed.row_id for f in decision.failed]
    assert sorted(assessed + failed) == sorted(c.row_id for c in many)
    assert failed == [20]


@pytest.mark.parametrize("policy", ["full", "mvp"])
def test_the_policy_in_force_is_stored_even_with_a_state_that_has_no_offers_yet(policy):
    [state] = decided(claim(1, facts_json=HEALTH), policy=policy).states
    assert (state.policy, state.severity) == (policy, "info")
    [state] = decided(claim(1), policy=policy).states
    assert state.policy == policy
    assert state.severity in SEVERITIES


def test_the_products_of_a_claim_are_named_once_and_in_order():
    used = SUBJECT._replace(item_condition="used")
    abroad = SUBJECT._replace(marketplace_id=JP)
    claims = [claim(n, subject=s) for n, s in enumerate((abroad, OTHER, SUBJECT, used))]
    assert subjects(claims) == sorted(
        {(s.marketplace_id, s.asin) for s in (SUBJECT, OTHER, abroad)}
    )
    assert subjects([]) == []
