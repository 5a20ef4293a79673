"""Inhibition and bursts."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.alerts import (
    MINUTE,
    NOW,
    SETTINGS,
    SUBJECT,
    delivered,
    play,
    shown,
    sighting,
)
from tests.strategies import lists_of_any_length
from worker.alerts.events import Sighting, Tick
from worker.alerts.lifecycle import advance
from worker.alerts.noise import Waiting, bundles, inhibition
from worker.alerts.settings import AlertSettings

# inhibition ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["price", "business-price"])
@pytest.mark.parametrize("cause", ["buy_box_suppressed", "pricing_health"])
def test_a_cause_mutes_the_price_alerts_and_says_so(cause, kind):
    seen = Sighting(SUBJECT._replace(kind=kind), "critical", NOW, **{cause: True})
    step = advance(None, seen, NOW, SETTINGS)
    assert shown(step) == "raised"
    voice = step.transitions[0].voice
    assert (voice.code, voice.why) == ("inhibited", f"muted: {step.alert.inhibited_by}")


@pytest.mark.parametrize(
    "kind", ["buy-box-suppressed", "pricing-health", "business-pricing-health"]
)
def test_the_alert_about_the_cause_is_told_and_says_what_is_muted(kind):
    subject = SUBJECT._replace(kind=kind)
    seen = Sighting(subject, "high", NOW, buy_box_suppressed=True, pricing_health=True)
    assert inhibition(seen) is None
    assert "muted meanwhile" in advance(None, seen, NOW, SETTINGS).told[0].why
    assert advance(None, sighting(), NOW, SETTINGS).told[0].why == "high since 2026-03-10 12:00 UTC"


def test_what_was_muted_is_told_when_the_cause_ends_and_not_before():
    story = [(sighting("high", buy_box_suppressed=True), 0), (Tick(), 60)]
    story += [(sighting("critical", buy_box_suppressed=True), 70), (Tick(), 300)]
    story += [(sighting("critical"), 310), (sighting("critical"), 311)]
    assert play(story)[1] == [("rose", 310)]


def test_a_clear_is_told_in_spite_of_a_cause_to_who_was_told_of_the_alert():
    story = [(sighting("success", buy_box_suppressed=True), 0), (Tick(), 5)]
    assert play(story, delivered())[1] == [("cleared", 5)]


# bursts -------------------------------------------------------------------------------------------

N3 = AlertSettings(burst_limit=3)


def waiting(*minutes, marketplace="GB", sent=0):
    return [
        Waiting(n, marketplace, f"B{n}", NOW + m * MINUTE, sent=n < sent)
        for n, m in enumerate(minutes)
    ]


def sizes(found):
    return [(len(bundle.items), bundle.grouped) for bundle in found]


def test_more_than_the_limit_in_a_window_is_one_message_with_the_list():
    found = bundles(waiting(0, 1, 2, 4), N3)
    assert sizes(found) == [(4, True)]
    assert found[0].why == "4 products of GB at once (more than 3)"
    assert sizes(bundles(waiting(0, 1, 2), N3)) == [(1, False)] * 3


def test_a_window_that_has_passed_does_not_count():
    assert sizes(bundles(waiting(0, 1, 2, 5), N3)) == [(1, False)] * 4


def test_another_marketplace_is_another_burst_and_the_same_product_counts_once():
    two = waiting(0, 1) + waiting(0, 1, marketplace="DE")
    assert sizes(bundles(two, N3)) == [(1, False)] * 4
    same = [Waiting(n, "GB", "B1", NOW) for n in range(9)]
    assert sizes(bundles(same, N3)) == [(1, False)] * 9


def test_what_has_left_counts_and_is_not_sent_again():
    assert sizes(bundles(waiting(0, 1, 2, 3, sent=3), N3)) == [(1, True)]
    assert bundles(waiting(0, 1, 2, 3, sent=4), N3) == []


def test_between_two_bursts_and_after_them_each_goes_alone_and_none_goes_twice():
    minutes = [*range(7), 20, *range(40, 47), 60]
    found = bundles(waiting(*minutes), N3)
    assert sizes(found) == [(7, True), (1, False), (7, True), (1, False)]
    assert [item.alert_id for bundle in found for item in bundle.items] == [*range(16)]
    assert [bundle.why[:2] for bundle in found if bundle.grouped] == ["7 ", "7 "]


def test_messages_go_in_the_order_of_their_oldest_item():
    """Whatever marketplace, and in the order of the alerts where the time is the same."""
    burst, between = waiting(0, 1, 2, 3), Waiting(9, "DE", "B9", NOW + MINUTE)
    last = [Waiting(n, place, "B8", NOW + 9 * MINUTE) for n, place in ((8, "DE"), (7, "GB"))]
    found = bundles([*last, between, *burst], N3)
    assert [bundle.items[0].alert_id for bundle in found] == [0, 9, 7, 8]
    assert [bundle.items[0].alert_id for bundle in bundles(reversed(last), N3)] == [7, 8]


@given(
    lists_of_any_length(
        st.tuples(st.sampled_from("GD"), st.integers(0, 5), st.integers(0, 40), st.booleans()),
        max_size=25,
    ),
    st.integers(1, 4),
)
def test_bursts_are_found_as_by_looking_at_every_window(items, limit):
    settings = AlertSettings(burst_limit=limit)
    given = [
        Waiting(n, place, f"B{asin}", NOW + timedelta(minutes=minute), sent)
        for n, (place, asin, minute, sent) in enumerate(items)
    ]
    bursting = set()
    for first in given:
        window = [
            w
            for w in given
            if w.marketplace_id == first.marketplace_id
            and first.at <= w.at < first.at + settings.burst_window
        ]
        if len({w.asin for w in window}) > limit:
            bursting |= {w.alert_id for w in window}
    found = bundles(reversed(given), settings)
    sent_out = [item for bundle in found for item in bundle.items]
    assert sorted(i.alert_id for i in sent_out) == [w.alert_id for w in given if not w.sent]
    for bundle in found:
        assert {i.alert_id in bursting for i in bundle.items} == {bundle.grouped}
        assert len({i.marketplace_id for i in bundle.items}) == 1
