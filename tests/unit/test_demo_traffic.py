"""The demo's traffic is repeatable, lifelike in its mixture and order, and says what its truth says."""

from __future__ import annotations

import json
from collections import Counter
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest

from tests.traffic import (
    NOW,
    condition_of,
    envelope,
    event_time,
    inner,
    landed,
    moneys,
    own_offers,
    reversed_share,
    total,
)
from worker.demo.traffic import Traffic
from worker.demo.truth import StateKey

# --- repeatable, and as many as asked for


def test_the_same_seed_makes_the_same_bytes_and_the_same_truth():
    one, two = (Traffic(11, 400, NOW, products=20) for _ in range(2))
    assert list(one) == list(two)
    assert one.truth.states == two.truth.states
    assert list(one) == list(one)
    assert one.truth.sent == 400


def test_another_seed_makes_other_bytes():
    assert list(Traffic(11, 50, NOW)) != list(Traffic(12, 50, NOW))


@pytest.mark.parametrize("messages", [0, 1, 2, 7, 250])
@pytest.mark.parametrize("products", [1, 3, 60])
def test_exactly_as_many_messages_as_asked_for(messages, products):
    traffic = Traffic(3, messages, NOW, products=products)
    assert len(list(traffic)) == messages == traffic.truth.sent


def test_the_truth_covers_what_has_been_sent_and_no_more():
    traffic = Traffic(5, 500, NOW)
    for number, _ in enumerate(traffic, start=1):
        assert traffic.truth.sent == number
        if number == 100:
            break
    early = traffic.truth.states
    for _ in traffic:
        pass
    assert 0 < len(early) < len(traffic.truth.states)


# --- the mixture


def test_the_kinds_come_in_lifelike_shares(run):
    share = {kind: number / 3_000 for kind, number in run.truth.by_kind.items()}
    assert share == {kind: n / 3_000 for kind, n in Counter(s.kind for s in run.sent).items()}
    assert 0.12 < share["repeat"] < 0.17
    assert 0.03 < share["health"] < 0.05
    assert 0.05 < share["other"] < 0.09
    assert 0.005 < share["broken"] < 0.017


def test_stored_counts_every_readable_notification_once(run):
    bodies = {s.body for s in run.sent if s.kind not in {"broken", "repeat"}}
    assert run.truth.stored == len(bodies)
    assert run.truth.stored + run.truth.broken + run.truth.repeats == run.truth.sent == 3_000


def test_no_two_notifications_share_an_id(run):
    readable = [envelope(s.body) for s in run.sent if s.kind not in {"broken", "repeat"}]
    ids = [
        json.dumps(m, default=str).lower().split('"notificationid": "')[1][:36] for m in readable
    ]
    assert len(set(ids)) == len(readable)


def test_a_repeat_is_an_earlier_readable_message_byte_for_byte(run):
    seen: set[bytes] = set()
    for sent in run.sent:
        assert (sent.body in seen) == (sent.kind == "repeat")
        if sent.kind != "broken":
            seen.add(sent.body)


def test_broken_messages_are_broken_in_five_ways_and_all_distinct(run):
    broken = [s.body for s in run.sent if s.kind == "broken"]
    assert len(set(broken)) == len(broken)
    damages = Counter(damage(body) for body in broken)
    assert set(damages) == {"xml", "truncated", "empty", "no seller", "foreign"}


def damage(body: bytes) -> str:
    if body.startswith(b"<"):
        return "xml"
    try:
        message = json.loads(body)
    except json.JSONDecodeError:
        return "truncated"
    if not message:
        return "empty"
    notification = inner(message)
    if "SellerId" not in notification:
        return "no seller"
    assert notification["OfferChangeTrigger"]["MarketplaceId"] == "A1F83G8C2ARO7P"
    assert {currency for _, currency in moneys(message)} == {"EUR"}
    return "foreign"


def test_other_types_and_business_offers_share_the_queue(run):
    messages = [envelope(s.body) for s in run.sent if s.kind == "other"]
    types = Counter(m.get("NotificationType") or m["notificationType"] for m in messages)
    assert {
        "B2B_ANY_OFFER_CHANGED",
        "LISTINGS_ITEM_STATUS_CHANGE",
        "ORDER_CHANGE",
        "FEED_PROCESSING_FINISHED",
        "ITEM_PRODUCT_TYPE_CHANGE",
    } == set(types)
    assert 0.01 < types["B2B_ANY_OFFER_CHANGED"] / 3_000 < 0.03


def test_some_messages_are_wrapped_by_sns(run):
    wrapped = [s for s in run.sent if b'"TopicArn"' in s.body]
    assert 0.01 < len(wrapped) / 3_000 < 0.035


# --- time and order


def test_about_a_fifth_of_the_neighbours_are_reversed_by_up_to_ten_seconds(run):
    first = [event_time(envelope(s.body)) for s in run.sent if s.kind not in {"broken", "repeat"}]
    assert 0.10 < reversed_share(first) < 0.30
    gaps = [a - b for a, b in pairwise(first) if a > b]
    assert timedelta(seconds=7) < max(gaps) <= timedelta(seconds=10)
    everything = [event_time(envelope(s.body)) for s in run.sent if s.kind != "broken"]
    assert 0.10 < reversed_share(everything) < 0.30


def test_no_event_is_in_the_future_and_the_last_is_almost_now(run):
    for sent in run.sent:
        if sent.kind != "broken":
            message = envelope(sent.body)
            metadata = message.get("NotificationMetadata") or message["notificationMetadata"]
            published = metadata.get("PublishTime") or metadata["publishTime"]
            assert event_time(message) < datetime.fromisoformat(published) <= NOW
    last = max(s.event_time for s in run.truth.states.values() if s.event_time)
    assert NOW - last < timedelta(seconds=3)


def test_now_may_be_told_in_any_time_zone():
    local = NOW.astimezone(datetime.now().astimezone().tzinfo)
    assert list(Traffic(1, 30, local)) == list(Traffic(1, 30, NOW))


def test_consecutive_events_are_distinct_and_50_to_300_ms_apart(run):
    readable = [envelope(s.body) for s in run.sent if s.kind not in {"broken", "repeat"}]
    times = sorted(event_time(m) for m in readable)
    gaps = [b - a for a, b in pairwise(times)]
    assert min(gaps) >= timedelta(milliseconds=50)
    # A broken message between two readable ones takes a gap of its own.
    assert max(gaps) <= timedelta(milliseconds=900)


# --- the truth


def test_the_messages_say_what_the_truth_says(run, offers):
    """Read the newest message of every state the naive way, as a check on the writer."""
    newest: dict[StateKey, dict[str, Any]] = {}
    for message in offers:
        notification = inner(message)
        trigger = notification["OfferChangeTrigger"]
        key = (
            notification["SellerId"],
            trigger["MarketplaceId"],
            trigger["ASIN"],
            condition_of(notification),
        )
        if key not in newest or event_time(message) > event_time(newest[key]):
            newest[key] = message
    states = {k: s for k, s in run.truth.states.items() if s.event_time is not None}
    assert states.keys() == newest.keys()
    for key, state in states.items():
        notification = inner(newest[key])
        own = own_offers(notification)
        assert state.event_time == event_time(newest[key])
        assert state.market_low == min(landed(o) for o in notification["Offers"])
        assert state.your_price == min(map(landed, own), default=None)
        assert state.total_offers == total(notification)
        assert state.buy_box_winner == (any(o["IsBuyBoxWinner"] for o in own) if own else None)


def test_a_traffic_of_some_length_leaves_every_kind_of_state(run):
    states = run.truth.states.values()
    assert any(s.event_time is None and s.health_issue for s in states)
    assert any(s.event_time and s.health_issue for s in states)
    assert any(s.your_price is None and s.last_own_price is not None for s in states)
    assert any(s.has_buy_box is False and s.buy_box_price is None for s in states)
    assert {s.buy_box_winner for s in states} == {True, False, None}
    assert any(s.competitor_low is None and s.market_low is not None for s in states)
