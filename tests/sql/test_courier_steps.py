"""What the courier's statements do to a delivery, and to those that only look like it."""

from __future__ import annotations

import pytest

from db import delivery, routes
from tests import alert_rows as rows
from tests.alert_rows import status
from tests.delivery import HOUR, MINUTE, NOW, SECOND, add_alert, add_message, add_route

SENDING = {
    "status": "sending", "taken_at": NOW, "taken_by": "w1", "attempts": 1, "next_attempt_at": None,
}  # fmt: skip
DELIVERED = {"status": "delivered", "delivered_at": NOW}


@pytest.fixture
def waits(scratch):
    """Adds deliveries to the route "ops", or to none."""
    add_route(scratch)
    route = routes.lock_route(scratch, "ops")

    def add(*messages, **values):
        return rows.delivery(scratch, *messages, **{"route_id": route.id} | values)

    add.route_id = route.id
    return add


@pytest.fixture
def told(scratch):
    """Adds messages about an alert."""
    alert = add_alert(scratch)
    return lambda **values: add_message(scratch, alert, **values)


def whole(conn, row_id):
    return conn.execute(
        "SELECT d::text FROM alert_deliveries AS d WHERE id = %s", (row_id,)
    ).fetchone()


@pytest.mark.parametrize(
    "meanwhile", [SENDING, DELIVERED, {"status": "cancelled"}, {"status": "failed"}]
)
def test_what_does_not_wait_any_more_is_not_taken(scratch, waits, meanwhile):
    """It was found without a lock, and somebody was faster."""
    one = waits(**meanwhile)
    before = whole(scratch, one)
    assert delivery.take_delivery(scratch, one, who="w2", now=NOW) is None
    assert whole(scratch, one) == before


def test_what_waits_for_a_route_that_was_switched_off_meanwhile_is_not_taken(scratch, waits):
    one = waits()
    routes.set_route_enabled(scratch, waits.route_id, enabled=False)
    assert delivery.take_delivery(scratch, one, who="w2", now=NOW) is None
    assert status(scratch, "alert_deliveries", one)[0] == "queued"


def test_who_takes_it_has_it_whoever_had_it_before(scratch, waits):
    one = waits(taken_by="w1", taken_at=NOW - HOUR, attempts=3, failures=2)
    taken = delivery.take_delivery(scratch, one, who="w2", now=NOW)
    assert (taken.id, taken.attempts, taken.failures) == (one, 4, 2)
    assert scratch.execute(
        "SELECT status, taken_by, taken_at, next_attempt_at FROM alert_deliveries"
    ).fetchall() == [("sending", "w2", NOW, None)]


@pytest.mark.parametrize("became", [{"status": "suppressed"}, {"status": "snoozed"}, DELIVERED])
def test_a_message_that_somebody_held_back_or_another_brought_has_not_failed(
    scratch, waits, told, became
):
    message = told(**became)
    before = status(scratch, "alert_queues", message)
    delivery.fail_messages(scratch, [waits(message, status="failed")])
    assert status(scratch, "alert_queues", message) == before


def test_a_message_has_failed_that_no_other_delivery_may_bring_any_more(scratch, waits, told):
    lost, waiting = told(), told()
    failed = waits(lost, waiting, status="failed")
    for ended in ("cancelled", "failed"):
        waits(lost, status=ended)
    waits(waiting)
    delivery.fail_messages(scratch, [failed])
    assert status(scratch, "alert_queues", lost) == ("failed", "a test; no receiver took it")
    assert status(scratch, "alert_queues", waiting) == ("queued", "a test")


def test_what_arrived_says_so_and_nothing_of_the_failures_before(scratch, waits):
    one = waits(attempts=2, failures=2, error_class="transient", last_error="it was away")
    taken = delivery.take_delivery(scratch, one, who="w1", now=NOW)
    said = {"heading": "two alerts", "reason": "the receiver took it", "message_id": "<1@x>"}
    assert delivery.finish_delivery(scratch, taken, **said, now=NOW + SECOND)
    assert scratch.execute(
        "SELECT status, delivered_at, heading, reason, message_id, error_class, last_error,"
        " attempts, failures FROM alert_deliveries"
    ).fetchall() == [("delivered", NOW + SECOND, *said.values(), None, None, 3, 2)]


@pytest.mark.parametrize("meanwhile", [{"status": "cancelled"}, {"attempts": 4}])
def test_what_is_in_another_hand_or_none_by_now_is_not_said_to_have_arrived(
    scratch, waits, meanwhile
):
    one = waits(attempts=2)
    taken = delivery.take_delivery(scratch, one, who="w1", now=NOW)
    ((name, value),) = meanwhile.items()
    scratch.execute(f"UPDATE alert_deliveries SET {name} = %s", (value,))
    before = whole(scratch, one)
    said = {"heading": "h", "reason": "r", "message_id": None}
    assert not delivery.finish_delivery(scratch, taken, **said, now=NOW)
    assert whole(scratch, one) == before


def test_what_waits_for_a_route_that_is_off_or_gone_is_cancelled_and_nothing_else(
    scratch, waits, told
):
    add_route(scratch, "chat")
    on = routes.lock_route(scratch, "chat").id
    routes.set_route_enabled(scratch, waits.route_id, enabled=False)
    off, gone = waits(told()), waits(told(), route_id=None)
    others = [
        waits(told(), route_id=on),
        waits(told(), **SENDING),
        waits(told(), **DELIVERED),
        waits(told(), status="failed"),
        waits(told(), route_id=None, **DELIVERED),
    ]
    before = [whole(scratch, one) for one in others]
    assert sorted(delivery.cancel_stranded_deliveries(scratch, reason="it is off")) == [off, gone]
    for one in (off, gone):
        assert status(scratch, "alert_deliveries", one) == ("cancelled", "it is off")
    assert [whole(scratch, one) for one in others] == before
    (left,) = scratch.execute(
        "SELECT count(next_attempt_at) FROM alert_deliveries WHERE status = 'cancelled'"
    ).fetchone()
    assert left == 0


def test_the_next_is_of_a_route_that_is_on_and_to_which_nothing_is_on_its_way(scratch, waits):
    for name in ("chat", "pager"):
        add_route(scratch, name)
    ids = {name: routes.lock_route(scratch, name).id for name in ("chat", "pager")}
    routes.set_route_enabled(scratch, ids["chat"], enabled=False)
    waits(route_id=ids["chat"], next_attempt_at=NOW - HOUR)
    waits(**SENDING)
    waits(next_attempt_at=NOW - HOUR)
    assert delivery.find_due_delivery(scratch, now=NOW) is None
    later = waits(route_id=ids["pager"], next_attempt_at=NOW)
    sooner = waits(route_id=ids["pager"], next_attempt_at=NOW - MINUTE)
    waits(route_id=ids["pager"], status="failed", next_attempt_at=NOW - HOUR)
    assert delivery.find_due_delivery(scratch, now=NOW) == sooner
    scratch.execute("DELETE FROM alert_deliveries WHERE id = %s", (sooner,))
    assert delivery.find_due_delivery(scratch, now=NOW - SECOND) is None
    assert delivery.find_due_delivery(scratch, now=NOW) == later
