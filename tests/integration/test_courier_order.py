"""The courier: whose turn it is, and what a rescue leaves alone."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.delivery import (
    MINUTE,
    NOW,
    Cabinet,
    Clock,
    add_alert,
    add_message,
    add_route,
    deliver_all,
    deliveries,
    desk,
    dispatch,
    statuses,
)
from tests.interleave import Background, begin, column
from worker.delivery.deliver import rescue, settle, take_next
from worker.delivery.outcome import Accepted, Failure

YES = Accepted("yes")
NO = Failure("auth", "no")
BUSY = Failure("transient", "busy")


def send(conn, *products):
    """A critical message about each product, dispatched."""
    for asin in products:
        add_message(conn, add_alert(conn, asin))
    dispatch(conn)


def send_to_two(conn):
    """One message, dispatched to two routes."""
    for name in ("first", "second"):
        add_route(conn, name, reaches=["digest"])
    add_message(conn, add_alert(conn, severity="warning"), "digest")
    dispatch(conn)


def test_what_has_been_due_longest_goes_first_whichever_route_it_is_for(conn, pool):
    add_route(conn, "chat")
    add_route(conn, "ops")
    send(conn, "B0ORDER001", "B0ORDER002")
    conn.execute(
        "UPDATE alert_deliveries SET next_attempt_at = %s - id * interval '1 minute'"
        " WHERE channel <> 'dashboard'",
        (NOW,),
    )
    who, taken = desk(Cabinet(YES)), []
    with pool.connection() as hand:
        while parcel := take_next(hand, who):
            taken.append(parcel.taken.id)
            settle(hand, parcel, YES, None, who)
    assert len(taken) == 4
    assert taken == sorted(taken, reverse=True)


def test_what_still_waits_for_a_route_that_is_off_holds_up_no_other(conn, pool):
    """One that was put off while somebody closed its route, until the rescue cancels it."""
    add_route(conn, "closed")
    add_route(conn, "ops")
    send(conn, "B0ORDER001")
    conn.execute("UPDATE alert_routes SET enabled = false WHERE name = 'closed'")
    assert deliver_all(pool, desk(Cabinet(YES))) == 1
    assert deliveries(conn, "route_name", "status") == [("closed", "queued"), ("ops", "delivered")]


def test_a_message_that_another_route_may_still_bring_has_not_failed(conn, pool):
    send_to_two(conn)
    assert deliver_all(pool, desk(Cabinet(NO, BUSY))) == 2
    assert (sorted(deliveries(conn, "status")), statuses(conn)) == (
        ["failed", "queued"],
        ["queued"],
    )
    assert deliver_all(pool, desk(Cabinet(YES), later(MINUTE))) == 1
    assert statuses(conn) == ["delivered"]


def test_nor_has_one_that_another_hand_is_just_bringing(conn, pool):
    send_to_two(conn)
    who = desk(Cabinet(NO))
    with pool.connection() as hand:
        other = take_next(hand, who)
    assert deliver_all(pool, who) == 1
    assert statuses(conn) == ["queued"]
    with conn.transaction():
        settle(conn, other, NO, None, who)
    assert statuses(conn) == ["failed"]


def test_the_first_receiver_makes_a_message_delivered_and_it_stays_so(conn, pool):
    send_to_two(conn)
    assert deliver_all(pool, desk(Cabinet(YES, BUSY))) == 2
    assert deliver_all(pool, desk(Cabinet(YES), later(MINUTE))) == 1
    assert column(conn, "SELECT delivered_at FROM alert_queues") == [NOW]


def test_who_takes_an_alert_on_while_its_message_arrives_keeps_it(conn, pool, open_connection):
    """The courier notes that the alert was told, and must not write over what a person has done."""
    add_route(conn, reaches=["digest"])
    alert = add_alert(conn, severity="warning")
    add_message(conn, alert, "digest")
    dispatch(conn)
    person, hand, who = begin(open_connection()), begin(open_connection()), desk(Cabinet(YES))
    with pool.connection() as taking:
        parcel = take_next(taking, who)
    person.execute("SELECT buybox_acknowledge_alert(%s, 'ann')", (alert,))
    settling = Background(settle, hand, parcel, YES, None, who).until_blocked(conn)
    person.commit()
    settling.result()
    hand.commit()
    assert deliveries(conn, "status") == ["delivered"]
    assert conn.execute("SELECT attention, acknowledged_by FROM alerts").fetchall() == [
        ("reviewing", "ann")
    ]


# the rescue ---------------------------------------------------------------------------------------


def later(pause: timedelta) -> Clock:
    clock = Clock()
    clock.pass_by(pause)
    return clock


@pytest.mark.parametrize(("outcome", "status"), [(YES, "delivered"), (NO, "failed")])
def test_what_has_ended_is_not_put_back(conn, pool, outcome, status):
    add_route(conn)
    send(conn, "B0ORDER001")
    deliver_all(pool, desk(Cabinet(outcome)))
    assert rescue(conn, desk(clock=later(9 * MINUTE))) == 0
    assert deliveries(conn, "status") == [status]


def test_what_was_put_off_keeps_its_time(conn, pool):
    add_route(conn)
    send(conn, "B0ORDER001")
    deliver_all(pool, desk(Cabinet(BUSY)))
    before = deliveries(conn, "status", "next_attempt_at", "failures")
    assert rescue(conn, desk(clock=later(9 * MINUTE))) == 0
    assert deliveries(conn, "status", "next_attempt_at", "failures") == before


def test_a_hand_has_its_minute(conn, pool):
    add_route(conn)
    send(conn, "B0ORDER001")
    with pool.connection() as hand:
        assert take_next(hand, desk(Cabinet(YES))) is not None
    assert rescue(conn, desk(clock=later(MINUTE - timedelta(seconds=1)))) == 0
    assert rescue(conn, desk(clock=later(MINUTE + timedelta(seconds=1)))) == 1


def test_two_rescues_at_once_count_one_failure(conn, pool, open_connection):
    add_route(conn)
    send(conn, "B0ORDER001")
    with pool.connection() as hand:
        assert take_next(hand, desk(Cabinet(YES))) is not None
    who, first = desk(clock=later(2 * MINUTE)), begin(open_connection())
    assert rescue(first, who) == 1
    impatient = open_connection(autocommit=True, lock_timeout="2s")
    assert rescue(impatient, who) == 0
    first.commit()
    assert deliveries(conn, "status", "failures") == [("queued", 1)]
