"""What dispatcher and courier read before they decide: of rows whose answer is known by hand."""

from __future__ import annotations

import pytest

from db import delivery, dispatch
from db.dispatch import read_gatherings, read_interruptions
from tests import alert_rows as rows
from tests.alerts import ended, reviewing
from tests.delivery import DE, HOUR, MINUTE, NOW, SECOND, add_alert, add_message, add_route
from tests.factories import GB
from tests.interleave import column

HEALED_IN = ended("cleared", ago=HOUR).subject.marketplace_id


def route_id(conn, name):
    return column(conn, "SELECT id FROM alert_routes WHERE name = %s", name)[0]


def add_delivery(conn, route="ops", **values):
    """A delivery to the route that waits since NOW; returns its id."""
    given = {
        "route_id": route_id(conn, route),
        "route_name": route,
        "channel": "apprise",
        "reach": "immediate",
        "heading": "",
        "status": "queued",
        "reason": "",
        "due_at": NOW,
        "created_at": NOW,
        "next_attempt_at": NOW,
    }
    return rows.insert(conn, "alert_deliveries", **given | values)


# dispatch -----------------------------------------------------------------------------------------


def test_the_messages_due_longest_are_taken_first_and_no_more_than_are_wanted(scratch):
    def put(asin, at, **columns):
        return add_message(scratch, add_alert(scratch, asin), at=at, **columns)

    put("B0NEWEST01", NOW)
    second, third = (put(f"B0SECOND0{n}", NOW - MINUTE) for n in range(2))
    first = put("B0OLDEST01", NOW - HOUR)
    put("B0LATER001", NOW + SECOND)
    put("B0HISTORY1", NOW - 2 * HOUR, reach="history")
    put("B0DONE0001", NOW - 2 * HOUR, dispatched_at=NOW - HOUR)
    put("B0QUIET001", NOW - 2 * HOUR, status="suppressed")
    due = dispatch.take_due_messages(scratch, now=NOW, max_messages=3)
    assert [one.id for one in due] == [first, second, third]


def test_more_is_due_where_a_message_or_a_history_was_not_taken(scratch):
    def more(*taken):
        return dispatch.is_more_due(scratch, now=NOW, taken=taken)

    alert = add_alert(scratch)
    add_message(scratch, alert, at=NOW + SECOND)
    add_message(scratch, alert, "history", at=NOW + SECOND)
    add_message(scratch, alert, dispatched_at=NOW)
    add_message(scratch, alert, status="suppressed")
    add_message(scratch, alert, "history", status="suppressed")
    assert not more()
    due = add_message(scratch, alert)
    assert (more(), more(due)) == (True, False)
    add_message(scratch, alert, "history")
    assert more(due)


def test_people_were_interrupted_by_what_went_out_at_once_a_short_while_ago(scratch):
    def put(asin, reach="immediate-channels", at=NOW, dispatched_at=NOW, **columns):
        alert = add_alert(scratch, asin, **columns)
        add_message(scratch, alert, reach, at=at, dispatched_at=dispatched_at)
        return alert

    put("B0DE000001", marketplace_id=DE)
    put("B0BATCH001", "batch")
    put("B0WAITS001", dispatched_at=None)
    put("B0BEFORE01", at=NOW - HOUR)
    last, first = (put(f"B0HEARD00{n}", at=NOW - n * MINUTE) for n in (1, 2))
    found = read_interruptions(scratch, [GB], since=NOW - HOUR)
    assert [one.alert_id for one in found] == [first, last]


def test_a_delivery_is_open_to_more_until_it_is_due_tried_or_cancelled(scratch):
    for name in ("ops", "chat"):
        add_route(scratch, name)
    gathers = {"joins_key": "burst", "due_at": NOW + MINUTE}
    expected = {
        add_delivery(scratch, **gathers): True,
        add_delivery(scratch, **gathers | {"due_at": NOW}): False,
        add_delivery(scratch, **gathers, attempts=1): False,
        add_delivery(scratch, **gathers, status="cancelled"): False,
    }
    add_delivery(scratch, due_at=NOW + MINUTE)
    add_delivery(scratch, **gathers | {"due_at": NOW - HOUR})
    add_delivery(scratch, "chat", **gathers)
    found = read_gatherings(scratch, [route_id(scratch, "ops")], now=NOW, since=NOW - HOUR)
    assert {one.id: one.is_open for one in found} == expected


# healed overnight ---------------------------------------------------------------------------------


@pytest.fixture
def told(scratch):
    """The ids of the alerts that the next digest of the route `ops` tells of."""

    def read(max_alerts=9):
        found = delivery.read_healed(
            scratch,
            route_id(scratch, "ops"),
            not_before=NOW - 24 * HOUR,
            until=NOW,
            max_alerts=max_alerts,
        )
        return [one.alert_id for one in found]

    return read


@pytest.mark.parametrize(
    ("filters", "heard"),
    [
        ({}, True),
        ({"severities": ["high"]}, True),
        ({"severities": ["critical"]}, False),
        ({"severities": ["critical", "clear"]}, True),
        ({"marketplaces": [DE, HEALED_IN]}, True),
        ({"marketplaces": [DE]}, False),
        ({"asins": ["B0ALERTS01", "B0ANOTHER1"]}, True),
        ({"asins": ["B0ANOTHER1"]}, False),
    ],
)
def test_a_route_hears_of_what_healed_within_its_filters(scratch, told, filters, heard):
    add_route(scratch, **filters)
    healed = rows.store(scratch, ended("cleared", ago=HOUR, id=1))
    assert told() == ([healed] if heard else [])


@pytest.mark.parametrize(
    ("product", "heard"),
    [
        ({}, True),
        ({"tags": ["boots"]}, False),
        ({"asin": "B0ANOTHER1"}, False),
        ({"marketplace_id": DE, "currency": "EUR"}, False),
        ({"seller_id": "ANOTHERSELLER"}, False),
    ],
    ids=lambda given: " ".join(given) if isinstance(given, dict) else "",
)
def test_the_tags_of_what_healed_are_those_of_its_own_product(scratch, told, product, heard):
    add_route(scratch, tags=["shoes", "hats"])
    subject = ended("cleared").subject
    given = {
        "seller_id": subject.seller_id,
        "marketplace_id": subject.marketplace_id,
        "asin": subject.asin,
        "item_condition": "new",
        "fulfilment_channel": "amazon",
        "currency": "GBP",
        "tags": ["red", "shoes"],
        "updated_at": NOW,
    }
    rows.insert(scratch, "products", **given | product)
    healed = rows.store(scratch, ended("cleared", ago=HOUR, id=1))
    assert told() == ([healed] if heard else [])


def test_what_somebody_works_on_has_not_healed(scratch, told):
    add_route(scratch)
    rows.store(scratch, reviewing(id=1))
    assert told() == []


@pytest.mark.parametrize(
    "other",
    [
        {"route": "chat"},
        {"reach": "batch"},
        {"due_at": NOW},
        {"created_at": NOW - 25 * HOUR},
    ],
    ids=["another route's", "no digest", "due now", "made before"],
)
def test_what_was_no_digest_of_the_route_in_its_time_has_told_nothing(scratch, told, other):
    for name in ("ops", "chat"):
        add_route(scratch, name)
    healed = rows.store(scratch, ended("cleared", ago=2 * HOUR, id=1))
    add_delivery(scratch, **{"reach": "digest", "due_at": NOW - HOUR} | other)
    assert told() == [healed]


def test_the_last_digest_counts(scratch, told):
    add_route(scratch)
    for ago in (4, 2, 3):
        digest = {"reach": "digest", "status": "delivered", "delivered_at": NOW}
        add_delivery(scratch, **digest, due_at=NOW - ago * HOUR)
    rows.store(scratch, ended("cleared", ago=5 * HOUR / 2, id=1))
    assert told() == []


def test_of_more_than_a_digest_holds_the_first_that_healed_are_told(scratch, told):
    add_route(scratch)
    last, first, second = (
        rows.store(scratch, ended("cleared", ago=ago * HOUR, id=number))
        for number, ago in enumerate((1, 3, 2), start=1)
    )
    assert told() == [first, second, last]
    assert told(max_alerts=2) == [first, second]


# the courier's next -------------------------------------------------------------------------------


def test_the_delivery_that_is_due_longest_is_the_next_and_of_two_the_first(scratch):
    add_route(scratch)
    add_route(scratch, "chat")
    add_delivery(scratch, next_attempt_at=NOW + SECOND)
    add_delivery(scratch, status="failed", next_attempt_at=NOW - HOUR)
    assert delivery.find_due_delivery(scratch, now=NOW) is None
    add_delivery(scratch, "chat")
    first, _ = (add_delivery(scratch, next_attempt_at=NOW - MINUTE) for _ in range(2))
    add_delivery(scratch, "chat", next_attempt_at=NOW - MINUTE)
    assert delivery.find_due_delivery(scratch, now=NOW) == first
