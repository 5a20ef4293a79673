"""The stations of one message: which rows are its own, where its way ends, and the end in a sentence."""

from __future__ import annotations

import itertools

import pytest

from db.alert_reading import Message, TrailEvent
from tests.alerts import NOW
from worker.cli.alerts_trace import moment, outcome, trace

IDS = itertools.count(1)


def event(change="raised", **given) -> TrailEvent:
    fields = {
        "id": next(IDS), "at": NOW, "who": "data", "change": change, "from_phase": None,
        "to_phase": "new", "reason": "critical", "told": change, "quiet": None,
        "voice_why": "", "ended": [], "trace_id": None,
    }  # fmt: skip
    return TrailEvent(**fields | given)


def message(of: TrailEvent, **given) -> Message:
    fields = dict.fromkeys(Message._fields) | {
        "id": next(IDS), "event_id": of.id, "queue": "urgent", "reach": "page", "tell": "raised",
        "why": "", "escalation": 0, "scheduled_at": NOW, "dispatched_at": NOW, "status": "queued",
        "reason": "critical: at once", "items": 0,
    }  # fmt: skip
    return Message(**fields | given)


def sent(one: Message, status: str, **given) -> Message:
    """The message with a delivery."""
    delivery = {
        "delivery_id": next(IDS), "route_name": "phone", "channel": "apprise", "attempts": 1,
        "delivery_status": status, "delivery_reason": "the route takes critical", "items": 1,
        "arrived_at": NOW if status == "delivered" else None,
    }  # fmt: skip
    return one._replace(**delivery | given)


def ways_end(of: TrailEvent, *messages: Message) -> list[tuple[str, str]]:
    """The stations from the queue on, and their verdicts."""
    found = [(one.name, one.verdict) for one in trace(of, messages)]
    return found[[name for name, _ in found].index("queue") :]


def test_a_message_passes_every_station_in_the_order_in_which_they_are_asked():
    one = event()
    found = trace(one, [sent(message(one), "delivered")])
    assert [station.name for station in found] == [
        "sighting", "dedup", "acknowledgement", "snooze", "inhibition", "flapping",
        "queue", "limits", "route", "channel",
    ]  # fmt: skip
    assert {station.verdict for station in found} == {"passed"}
    assert found[0].reason == "raised: critical"


def test_which_mutes_it_heeds_goes_by_the_message_and_not_by_what_happened():
    by_name = {station.name: station.reason for station in trace(event("eased", told="rose"), [])}
    assert by_name["snooze"] == "a message of the kind rose does not heed it"
    by_name = {station.name: station.reason for station in trace(event("looked-at", told=None), [])}
    assert by_name["snooze"] == "nobody had snoozed it"


def test_messages_of_other_events_are_none_of_its_business():
    one, other = event(), event("rose")
    messages = [sent(message(other), "delivered")]
    assert ways_end(one, *messages) == [("queue", "waits")]
    assert outcome(trace(one, messages)).startswith("not told yet: queue: no queue holds")
    assert outcome(trace(other, messages)).startswith("told: phone took it")


@pytest.mark.parametrize(
    ("given", "stations", "so"),
    [
        ({"dispatched_at": None}, [("queue", "waits")], "not told yet: queue: "),
        ({"status": "snoozed"}, [("queue", "stopped")], "not told: queue: "),
        ({"status": "suppressed"}, [("queue", "stopped")], "not told: queue: "),
        ({"status": "failed"}, [("queue", "passed"), ("route", "stopped")], "not told: route: "),
        ({"status": "delivered"}, [("queue", "passed"), ("route", "passed")], "told: route: "),
        (
            {"status": "delivered", "dispatched_at": None},
            [("queue", "passed"), ("route", "passed")],
            "told: route: ",
        ),
    ],
)
def test_a_message_without_a_delivery_ends_where_its_status_says(given, stations, so):
    one = event()
    messages = [message(one, **given)]
    assert ways_end(one, *messages) == stations
    assert outcome(trace(one, messages)).startswith(so)


@pytest.mark.parametrize(
    ("statuses", "so"),
    [
        (("delivered",), "told: phone took it at 2026-03-10 12:00:00 UTC"),
        (("delivered", "queued"), "told: phone took it at 2026-03-10 12:00:00 UTC"),
        (
            ("failed", "delivered"),
            "told: phone took it at 2026-03-10 12:00:00 UTC; elsewhere it did not arrive",
        ),
        (("failed", "queued"), "not told yet: channel: phone, 1 attempt"),
        (("failed",), "not told: channel: phone gave up, 1 attempt"),
        (("cancelled",), "not told: channel: the route takes critical"),
    ],
)
def test_of_several_deliveries_one_that_arrived_is_enough(statuses, so):
    one = event()
    base = message(one)
    assert outcome(trace(one, [sent(base, status) for status in statuses])) == so


def test_two_messages_of_one_event_go_their_own_ways():
    """An escalation tells others of the same."""
    one = event()
    first, second = message(one), message(one, dispatched_at=None)
    assert ways_end(one, sent(first, "delivered"), sent(first, "failed"), second) == [
        ("queue", "passed"),
        ("limits", "passed"), ("route", "passed"), ("channel", "passed"),
        ("limits", "passed"), ("route", "passed"), ("channel", "stopped"),
        ("queue", "waits"),
    ]  # fmt: skip


def test_what_is_not_known_of_a_time_is_said():
    assert moment(None) == "an unknown time"
