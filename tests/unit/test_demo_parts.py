"""The parts of the demo that need no database: latency, verdict, interrupts and texts."""

from __future__ import annotations

import os
import signal
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from db.rows import Outcomes, ProcessingTimes
from worker.demo import emulator
from worker.demo.bells import HeardChange, Latency, measure
from worker.demo.children import _is_complaint
from worker.demo.interrupts import Interrupted, Interrupts
from worker.demo.sender import Sender
from worker.demo.texts import milliseconds, money, printable, seconds
from worker.demo.truth import ExpectedState
from worker.demo.verdict import Found, Told, judge

START = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)


def at(ms: int) -> datetime:
    return START + timedelta(milliseconds=ms)


# --- latency


def times(
    received: int, processed: int, outcome: str = "applied", product: str = "M:A"
) -> ProcessingTimes:
    return ProcessingTimes(product, outcome, at(received), at(processed))


def heard(*ms: int, product: str = "M:A") -> list[HeardChange]:
    return [HeardChange(product, at(one)) for one in ms]


def test_latency_is_from_receipt_to_the_change_in_hand():
    found = measure([times(0, 10), times(100, 110)], heard(20, 160))
    assert found == Latency(measured=2, unheard=0, median_ms=40.0, p99_ms=60.0)


def test_what_was_worked_in_together_arrives_together():
    """One change of the feed is all three; the first waited for 90 ms."""
    together = [times(0, 80), times(30, 80), times(60, 80)]
    assert measure(together, heard(90)) == Latency(3, 0, 60.0, 90.0)


def test_a_change_overwritten_before_it_was_read_arrives_with_the_next():
    assert measure([times(0, 10), times(5, 30)], heard(40)).median_ms == 37.5


def test_an_earlier_bell_or_another_product_tells_nothing():
    assert measure([times(0, 10), times(20, 30)], heard(15)) == Latency(1, 1, 15.0, 15.0)
    assert measure([times(0, 20, product="M:B")], heard(30)).unheard == 1


def test_late_notifications_ring_no_bell_and_are_not_measured():
    assert measure([times(0, 10, outcome="late")], []) == Latency()


# --- the verdict's sums


TOLD = Told(sent=10, stored=6, repeats=3, broken=1, states={})
RIGHT = Found(
    outcomes=Outcomes(6, 0, 5, 1, 0, 2, 0, 1),
    repeats=3,
    jobs=0,
    in_sqs=0,
    swept_products=0,
    states=[],
    severities={"info": 3},
    latency=Latency(5, 0, 20.0, 90.0),
)


def test_right_sums_are_right():
    verdict = judge(TOLD, RIGHT, duration_s=3.0)
    assert (verdict.problems, verdict.exit_code) == ([], 0)
    assert dict(verdict.summary)["latency median"] == "20 ms"


@pytest.mark.parametrize(
    "wrong",
    [
        replace(RIGHT, repeats=2),
        replace(RIGHT, repeats=None),
        replace(RIGHT, jobs=1),
        replace(RIGHT, in_sqs=1),
        replace(RIGHT, swept_products=1),
        replace(RIGHT, latency=replace(RIGHT.latency, unheard=1)),
        replace(RIGHT, outcomes=replace(RIGHT.outcomes, waiting=1)),
        replace(RIGHT, outcomes=replace(RIGHT.outcomes, failed=1)),
        replace(RIGHT, outcomes=replace(RIGHT.outcomes, quarantined=0)),
        replace(RIGHT, outcomes=replace(RIGHT.outcomes, processed=4)),
        # The sum is right, its parts are not.
        replace(RIGHT, repeats=2, outcomes=replace(RIGHT.outcomes, stored=7, processed=6)),
    ],
)
def test_each_wrong_count_convicts(wrong):
    assert judge(TOLD, wrong, duration_s=3.0).exit_code == 1


def test_at_most_twenty_differences_are_named():
    states = {("S", "M", f"A{n}", "new"): ExpectedState("EUR") for n in range(30)}
    problems = judge(replace(TOLD, states=states), RIGHT, duration_s=1).problems
    assert len(problems) == 21
    assert problems[-1] == "and 10 more differences"


def test_what_others_left_in_a_reused_database_is_not_held_against_it():
    keys = ("seller_id", "marketplace_id", "asin", "item_condition")
    theirs = dict(zip(keys, ("S", "M", "A", "new"), strict=True))
    found = replace(RIGHT, states=[theirs])
    assert judge(TOLD, found, duration_s=1).exit_code == 1
    assert judge(TOLD, found, duration_s=1, alone=False).exit_code == 0


# --- interrupts


def send(number: int) -> None:
    os.kill(os.getpid(), number)


def test_a_signal_waits_until_what_is_held_is_done():
    done = []

    def start_something(interrupts: Interrupts) -> None:
        with interrupts.held():
            with interrupts.held():
                send(signal.SIGTERM)
            done.append("started")
        done.append("gone on")

    with Interrupts() as interrupts, pytest.raises(Interrupted) as raised:
        start_something(interrupts)
    assert done == ["started"]
    assert raised.value.exit_code == 143


def test_the_first_ctrl_c_asks_and_the_second_ends():
    with Interrupts() as interrupts:
        interrupts.gentle = True
        send(signal.SIGINT)
        assert interrupts.asked
        with pytest.raises(Interrupted):
            send(signal.SIGINT)


def test_ctrl_c_before_there_is_anything_to_drain_ends_at_once():
    before = signal.getsignal(signal.SIGINT)
    with Interrupts(), pytest.raises(Interrupted):
        send(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) == before


# --- sending


class Post:
    """A queue that only takes."""

    def __init__(self) -> None:
        self.bodies: list[str] = []
        self.batches: list[int] = []

    def send(self, bodies: list[str]) -> None:
        self.bodies += bodies
        self.batches.append(len(bodies))


def test_all_is_sent_once_in_batches_sqs_takes():
    post = Post()
    sender = Sender(post, messages=45, rate=100_000, seed=5, endless=False)
    sender.run()
    assert len(post.bodies) == sender.sent == sender.planned == 45
    assert max(post.batches) <= 10
    assert Told.by(sender.truths).sent == 45


def test_an_endless_sender_goes_on_with_the_next_seed_until_told():
    post = Post()
    sender = Sender(post, messages=10, rate=1_000, seed=5, endless=True)
    sender.start()
    while sender.sent < 35:
        pass
    sender.stop()
    sender.join(10)
    told = Told.by(sender.truths)
    assert told.sent == len(post.bodies) == sender.sent
    assert told.sent == told.stored + told.repeats + told.broken
    assert len(set(post.bodies)) == told.sent - told.repeats
    assert sender.planned is None


# --- the environment, the logs, the texts


def test_nothing_of_the_users_aws_reaches_a_child():
    given = {
        "AWS_PROFILE": "p",
        "AWS_ACCESS_KEY_ID": "real",
        "SQS_HIGH_PRIORITY_QUEUE_URL": "u",
        "DLQ_URL": "u",
        "PATH": "/bin",
        "WORKER_CONCURRENCY": "7",
    }
    child = emulator.environment(given)
    assert "real" not in child.values()
    assert not {"AWS_PROFILE", "SQS_HIGH_PRIORITY_QUEUE_URL", "DLQ_URL"} & set(child)
    assert (child["PATH"], child["WORKER_CONCURRENCY"]) == ("/bin", "7")


def test_complaints_are_warnings_and_what_is_no_log_line():
    assert _is_complaint('{"level": "warning", "event": "receive_failed"}')
    assert _is_complaint("Traceback (most recent call last):")
    assert not _is_complaint('{"level": "warning", "event": "quarantined"}')
    assert not _is_complaint('{"level": "info", "event": "stored"}')
    assert not _is_complaint("\n")


def test_texts():
    assert printable("a\x1b[31mb\nc") == "a\N{REPLACEMENT CHARACTER}[31mb\N{REPLACEMENT CHARACTER}c"
    assert printable("abcdef", most=4) == "abc\N{HORIZONTAL ELLIPSIS}"
    assert (money(None), money(Decimal("1234.5")), money(Decimal(980), 0)) == (
        "-",
        "1,234.50",
        "980",
    )
    assert [seconds(s) for s in (0.04, 9.94, 42.4, 187)] == ["0.0 s", "9.9 s", "42 s", "3:07 min"]
    assert [milliseconds(ms) for ms in (None, 19.6)] == ["-", "20 ms"]
