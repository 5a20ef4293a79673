"""The buffer between receivers and the transaction."""

from __future__ import annotations

import threading
from collections import Counter

import pytest

from tests.factories import any_offer_changed, arrival
from tests.interleave import Background, until
from worker.ingest.buffer import Buffer, InHand
from worker.ingest.filing import open_letter
from worker.ingest.sqs import Queue

LANES = ("sqs-high", "sqs", "sqs-low")


def in_hand(lane: str, count: int) -> list[InHand]:
    from datetime import UTC, datetime

    letter = open_letter(arrival(any_offer_changed()), now=datetime.now(UTC))
    queue = Queue(None, "", lane)
    return [InHand(queue, f"{lane}-{n}", letter) for n in range(count)]


def filled(**lanes: int) -> Buffer:
    buffer = Buffer(LANES, lane_limit=1000)
    for lane, count in lanes.items():
        name = lane.replace("_", "-")
        buffer.put(name, in_hand(name, count))
    return buffer


def taken_by_lane(buffer: Buffer, most: int) -> dict[str, int]:
    taken = buffer.take(most, fill_s=0, timeout_s=0)
    return {lane: sum(one.queue.source == lane for one in taken) for lane in LANES}


def test_when_all_lanes_are_full_the_urgent_gets_most_and_none_starves() -> None:
    buffer = filled(sqs_high=500, sqs=500, sqs_low=500)
    assert taken_by_lane(buffer, 100) == {"sqs-high": 60, "sqs": 30, "sqs-low": 10}


def test_a_share_that_is_not_needed_goes_to_the_most_urgent_that_has_more() -> None:
    buffer = filled(sqs=500, sqs_low=500)
    assert taken_by_lane(buffer, 100) == {"sqs-high": 0, "sqs": 90, "sqs-low": 10}
    assert taken_by_lane(filled(sqs_low=500), 100) == {"sqs-high": 0, "sqs": 0, "sqs-low": 100}


@pytest.mark.parametrize("most", [1, 2, 3, 4, 7, 9, 10, 15, 100])
def test_the_shares_hold_over_time_however_small_the_transactions(most) -> None:
    buffer = filled(sqs_high=700, sqs=700, sqs_low=700)
    taken = Counter[str]()
    for _ in range(10):
        taken.update(taken_by_lane(buffer, most))
    assert taken == {"sqs-high": 6 * most, "sqs": 3 * most, "sqs-low": most}


@pytest.mark.parametrize("most", [1, 2])
def test_of_two_lanes_neither_starves_in_small_transactions(most) -> None:
    buffer = Buffer(LANES[:2], lane_limit=1000)
    for lane in LANES[:2]:
        buffer.put(lane, in_hand(lane, 100))
    taken = Counter[str]()
    for _ in range(9):
        taken.update(taken_by_lane(buffer, most))
    assert (taken["sqs-high"], taken["sqs"]) == (6 * most, 3 * most)


def test_within_a_lane_first_come_is_first_served() -> None:
    buffer = filled(sqs=5)
    taken = buffer.take(3, fill_s=0, timeout_s=0)
    assert [one.receipt_handle for one in taken] == ["sqs-0", "sqs-1", "sqs-2"]
    assert len(buffer) == 2
    taken = filled(sqs=20).take(10, fill_s=0, timeout_s=0)
    assert [one.receipt_handle for one in taken] == [f"sqs-{n}" for n in range(10)]


def test_a_transaction_takes_no_more_than_it_may() -> None:
    assert sum(taken_by_lane(filled(sqs_high=7, sqs=7, sqs_low=7), 10).values()) == 10


def test_an_only_queue_has_the_whole_transaction() -> None:
    buffer = Buffer(["sqs"], lane_limit=1000)
    buffer.put("sqs", in_hand("sqs", 20))
    assert taken_by_lane(buffer, 10)["sqs"] == 10


def test_an_empty_buffer_gives_nothing_after_the_timeout() -> None:
    assert filled().take(10, fill_s=0, timeout_s=0.01) == []


def test_a_taker_waits_for_the_first_letter() -> None:
    buffer = filled()
    taken: list[InHand] = []
    taker = threading.Thread(
        target=lambda: taken.extend(buffer.take(10, fill_s=0, timeout_s=3600)), daemon=True
    )
    taker.start()
    buffer.put("sqs", in_hand("sqs", 1))
    taker.join(30)
    assert len(taken) == 1


def test_a_taker_waits_for_more_to_come_with_the_first() -> None:
    buffer = filled(sqs=1)
    later = threading.Timer(0.05, buffer.put, ("sqs", in_hand("sqs", 1)))
    later.start()
    assert len(buffer.take(2, fill_s=30, timeout_s=0)) == 2
    later.join()


def test_a_full_transaction_does_not_wait_for_more() -> None:
    buffer = filled(sqs=10)
    assert len(buffer.take(10, fill_s=3600, timeout_s=0)) == 10


def test_a_full_lane_has_no_room_and_taking_makes_some() -> None:
    buffer = Buffer(LANES, lane_limit=10)
    buffer.put("sqs", in_hand("sqs", 5))
    assert buffer.wait_for_room("sqs", 5, timeout_s=0)
    assert not buffer.wait_for_room("sqs", 6, timeout_s=0)
    assert buffer.wait_for_room("sqs-low", 10, timeout_s=0), "lanes do not take each other's room"
    buffer.take(1, fill_s=0, timeout_s=0)
    assert buffer.wait_for_room("sqs", 6, timeout_s=0)


def test_who_waits_for_room_has_it_as_soon_as_some_is_taken() -> None:
    buffer = filled(sqs=1000)
    waiting = Background(buffer.wait_for_room, "sqs", 1, timeout_s=3600)
    until(lambda: buffer._changed._waiters, "the receiver waits", unless=waiting.done)
    buffer.take(1, fill_s=0, timeout_s=0)
    assert waiting.result()


def test_drain_takes_everything() -> None:
    buffer = filled(sqs_high=3, sqs_low=4)
    assert len(buffer.drain()) == 7
    assert len(buffer) == 0
