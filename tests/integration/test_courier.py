"""The courier: one message a route at a time, nobody held up, nothing lost with a dead hand."""

from __future__ import annotations

import threading
from datetime import timedelta
from unittest.mock import Mock

import psycopg
import pytest
from psycopg_pool import PoolTimeout
from structlog.testing import capture_logs

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
    delivery_jobs,
    desk,
    dispatch,
    pool_of,
    statuses,
)
from tests.interleave import PATIENCE_S, Background, begin, column, until
from worker.delivery.courier import Courier
from worker.delivery.deliver import LostHandError, rescue, settle, take_next
from worker.delivery.outcome import Accepted, Failure, Patience

YES = Accepted("yes")


@pytest.fixture
def courier(pool):
    """Makes couriers, and waits for them in the end."""
    made = []

    def make(carrier, threads=4, clock=None):
        made.append(Courier(pool, desk(carrier, clock), threads=threads))
        return made[-1]

    yield make
    for one in made:
        assert one.wait_until_idle(PATIENCE_S)


class Gate(Cabinet):
    """A carrier that holds back what goes to one address until it is opened."""

    def __init__(self, held: str) -> None:
        super().__init__(YES)
        self.open = threading.Event()
        self.held = held

    def carry(self, address, letter, now):
        outcome = super().carry(address, letter, now)
        if self.held in address:
            assert self.open.wait(PATIENCE_S)
        return outcome


def send_to_all(conn, *, products=1):
    """A critical message about each product, dispatched."""
    for n in range(products):
        add_message(conn, add_alert(conn, f"B0COUR{n:04d}"))
    dispatch(conn)


def test_a_receiver_that_hangs_holds_up_nobody_else(conn, courier):
    for name in ("hangs", "quick", "swift"):
        add_route(conn, name, f"jsons://{name}.example.com/")
    send_to_all(conn, products=4)
    gate = Gate("hangs")
    who = courier(gate)
    who.ring()
    query = (
        "SELECT count(*) FROM alert_deliveries WHERE status = 'delivered' AND route_id IS NOT NULL"
    )
    until(lambda: column(conn, query) == [8], "all that went to the others arrived")
    assert sum("hangs" in address for address, _ in gate.letters) == 1
    gate.open.set()
    until(lambda: column(conn, query) == [12], "the rest arrived")


def test_a_route_gets_its_messages_one_at_a_time_and_in_order(conn, courier):
    add_route(conn)
    send_to_all(conn, products=10)
    cabinet = Cabinet(YES)
    who = courier(cabinet)
    for _ in range(10):
        who.ring()
    assert who.wait_until_idle(PATIENCE_S)
    names = [letter.identity for _, letter in cabinet.letters]
    assert names == sorted(names, key=lambda name: int(name.rpartition("-")[2]))
    assert len(set(names)) == 10


def test_two_workers_deliver_each_message_once(conn, courier, database_url):
    for n in range(3):
        add_route(conn, f"r{n}", f"jsons://r{n}.example.com/")
    send_to_all(conn, products=15)
    cabinet = Cabinet(YES)
    with pool_of(database_url) as other_pool:
        pair = [courier(cabinet), Courier(other_pool, desk(cabinet), threads=4)]
        for one in pair:
            one.ring()
        query = "SELECT 1 FROM alert_deliveries WHERE status IN ('queued', 'sending')"
        until(lambda: not column(conn, query), "everything was delivered")
        assert all(one.wait_until_idle(PATIENCE_S) for one in pair)
    identities = [letter.identity for _, letter in cabinet.letters]
    assert len(identities) == len(set(identities)) == 45
    assert set(deliveries(conn, "status", "attempts")) == {("delivered", 1)}


def test_a_bell_while_the_courier_is_about_to_stop_is_not_lost(conn, courier):
    """The carrier itself puts the next message in line and rings, with one thread only."""
    add_route(conn)
    left = iter(range(5))

    def answer():
        if (n := next(left, None)) is not None:
            add_message(conn, add_alert(conn, f"B0NEXT{n:04d}"))
            dispatch(conn)
            who.ring()
        return YES

    cabinet = Cabinet(answer)
    who = courier(cabinet, threads=1)
    add_message(conn, add_alert(conn))
    dispatch(conn)
    who.ring()
    until(lambda: len(cabinet.letters) == 6, "each was delivered")


@pytest.mark.parametrize("error", [ValueError, psycopg.OperationalError, PoolTimeout])
def test_a_courier_goes_on_after_what_nobody_expected(conn, courier, monkeypatch, error):
    """Else it would have a hand less each time, and its process would wait for that in the end."""
    add_route(conn)
    send_to_all(conn)
    cabinet = Cabinet(YES)
    who = courier(cabinet, threads=1)
    with monkeypatch.context() as broken:
        broken.setattr("worker.delivery.courier.deliver_next", Mock(side_effect=error("odd")))
        who.ring()
        assert who.wait_until_idle(PATIENCE_S)
    who.ring()
    until(lambda: len(cabinet.letters) == 1, "it was delivered all the same")


def test_a_courier_that_lost_its_connection_does_not_say_that_it_has_stopped(
    conn, courier, monkeypatch
):
    """It goes on at the next bell: whoever reads the log must not look for one that stands still."""
    lost = Mock(side_effect=psycopg.OperationalError("terminating connection\nDETAIL: more"))
    monkeypatch.setattr("worker.delivery.courier.deliver_next", lost)
    who = courier(Cabinet(YES), threads=1)
    with capture_logs() as lines:
        who.ring()
        assert who.wait_until_idle(PATIENCE_S)
    assert [(line["event"], line["error"]) for line in lines] == [
        ("delivery_interrupted", "terminating connection")
    ]


# dead hands ---------------------------------------------------------------------------------------


def test_what_a_dead_worker_had_in_hand_is_put_back_and_sent_again(conn, pool, open_connection):
    add_route(conn)
    send_to_all(conn)
    clock = Clock()
    who = desk(Cabinet(YES), clock)
    with pool.connection() as hand:
        assert take_next(hand, who) is not None
    assert deliver_all(pool, who) == 0, "it is in a hand"
    assert rescue(conn, who) == 0, "that may be alive"
    clock.pass_by(2 * MINUTE)
    assert rescue(conn, who) == 1
    assert deliveries(conn, "status", "error_class", "last_error") == [
        ("queued", "cut-off", "courier-1 took it and did not come back")
    ]
    assert deliver_all(pool, who) == 1
    assert deliveries(conn, "status", "attempts", "error_class") == [("delivered", 2, None)]


@pytest.mark.parametrize("taken_again", [True, False])
@pytest.mark.parametrize("outcome", [YES, None, Failure("auth", "no"), Failure("transient", "no")])
def test_a_hand_that_only_seemed_dead_writes_nothing(conn, pool, outcome, taken_again):
    add_route(conn)
    send_to_all(conn)
    clock = Clock()
    slow = desk(Cabinet(YES), clock)
    with pool.connection() as hand:
        parcel = take_next(hand, slow)
    clock.pass_by(2 * MINUTE)
    rescue(conn, slow)
    with pool.connection() as hand:
        second = take_next(hand, slow) if taken_again else None
    held = ("sending", 2, 1) if taken_again else ("queued", 1, 1)
    with pytest.raises(LostHandError), conn.transaction():
        settle(conn, parcel, outcome, None, slow)
    assert deliveries(conn, "status", "attempts", "failures") == [held]
    assert column(conn, "SELECT trouble FROM alert_routes") == [None]
    with conn.transaction():
        settle(conn, second or take_next(conn, slow), YES, None, slow)
    assert deliveries(conn, "status") == ["delivered"]


def test_a_message_that_kills_whoever_sends_it_is_given_up(conn, pool):
    add_route(conn, reaches=["digest"])
    add_message(conn, add_alert(conn), "digest")
    dispatch(conn)
    clock = Clock()
    who = desk(Cabinet(YES), clock, patience=Patience(max_attempts=3))
    for _ in range(3):
        with pool.connection() as hand:
            assert take_next(hand, who) is not None
        clock.pass_by(2 * MINUTE)
        rescue(conn, who)
    assert deliveries(conn, "status", "reason") == [("failed", "given up after 3 failed attempts")]
    assert statuses(conn) == ["failed"]


def test_the_waits_that_a_receiver_asks_for_do_not_use_up_the_rescues(conn, pool):
    add_route(conn)
    send_to_all(conn)
    clock = Clock()
    slow_down = Failure("rate-limited", "slow down", timedelta(seconds=1))
    who = desk(Cabinet(slow_down), clock, patience=Patience(max_attempts=2))
    for _ in range(3):
        assert deliver_all(pool, who) == 1
        clock.pass_by(MINUTE)
    with pool.connection() as hand:
        assert take_next(hand, who) is not None
    clock.pass_by(2 * MINUTE)
    rescue(conn, who)
    assert deliveries(conn, "status", "attempts", "failures") == [("queued", 4, 1)]


def test_a_retry_leaves_a_job_for_its_time(conn, pool):
    add_route(conn)
    send_to_all(conn)
    deliver_all(pool, desk(Cabinet(Failure("rate-limited", "slow down", timedelta(minutes=2)))))
    (at,) = deliveries(conn, "next_attempt_at")
    assert delivery_jobs(conn) == [("deliver_alert", None), ("deliver_alert", at)]
    assert at > NOW + 2 * MINUTE


def test_a_defect_of_a_channel_is_tried_again_and_quotes_nothing(conn, pool):
    def break_down():
        raise ValueError("jsons://user:password@host")

    add_route(conn)
    send_to_all(conn)
    deliver_all(pool, desk(Cabinet(break_down)))
    assert deliveries(conn, "status", "last_error") == [("queued", "a defect: ValueError")]


def test_a_connection_lost_while_a_message_is_sent_does_not_send_it_twice(conn, pool):
    def cut():
        conn.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name = 'buybox delivery' AND datname = current_database()"
        )
        return YES

    add_route(conn)
    send_to_all(conn)
    cabinet = Cabinet(cut)
    assert deliver_all(pool, desk(cabinet)) == 1
    assert len(cabinet.letters) == 1
    assert deliveries(conn, "status", "attempts") == [("delivered", 1)]


# people at work -----------------------------------------------------------------------------------


def test_what_a_person_cancels_at_this_moment_is_not_taken(conn, open_connection):
    add_route(conn)
    send_to_all(conn)
    person, hand = begin(open_connection()), open_connection()
    person.execute("UPDATE alert_deliveries SET status = 'cancelled' WHERE status = 'queued'")
    taking = Background(take_next, hand, desk(Cabinet(YES))).until_blocked(conn)
    person.commit()
    assert taking.result() is None


def test_what_is_being_sent_is_no_longer_there_to_be_cancelled(conn, pool, open_connection):
    add_route(conn)
    send_to_all(conn)
    cancel = "UPDATE alert_deliveries SET status = 'cancelled' WHERE status = 'queued'"
    hand = begin(open_connection())
    parcel = take_next(hand, desk(Cabinet(YES)))
    cancelling = Background(conn.execute, cancel).until_blocked(open_connection(autocommit=True))
    hand.commit()
    assert cancelling.result().rowcount == 0
    settle(hand, parcel, YES, None, desk(Cabinet(YES)))
    hand.commit()
    assert deliveries(conn, "status") == ["delivered"]
