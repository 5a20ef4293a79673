"""The gate before the receivers, and the backoff."""

from __future__ import annotations

import random
from itertools import islice

from tests.interleave import Background, until
from worker.ingest.gate import BACKOFF_LONGEST_S, Gate, backoff_delays


def test_a_gate_is_open_until_somebody_shuts_it() -> None:
    gate = Gate()
    assert gate.wait_open(0)
    assert gate.shut("database", "refused")
    assert not gate.wait_open(0)
    assert gate.reasons == {"database": "refused"}


def test_it_opens_when_the_last_reason_is_gone() -> None:
    gate = Gate()
    gate.shut("database", "refused")
    gate.shut("backlog", "old")
    gate.open("database")
    assert not gate.wait_open(0)
    gate.open("backlog")
    assert gate.wait_open(0)


def test_who_waits_goes_on_as_soon_as_it_opens() -> None:
    gate = Gate()
    gate.shut("backlog", "old")
    waiting = Background(gate.wait_open, 3600)
    until(lambda: gate._changed._waiters, "the receiver waits", unless=waiting.done)
    gate.open("backlog")
    assert waiting.result()


def test_shutting_twice_is_news_once_and_so_is_opening() -> None:
    gate = Gate()
    assert gate.shut("database", "refused")
    assert not gate.shut("database", "still refused")
    assert gate.reasons == {"database": "still refused"}, "operators read it in the heartbeat"
    assert gate.open("database")
    assert not gate.open("database")


def test_delays_double_are_capped_and_jittered() -> None:
    delays = list(islice(backoff_delays(random.Random(1)), 40))
    longest = [min(0.5 * 2**n, BACKOFF_LONGEST_S) for n in range(40)]
    assert all(top / 2 <= delay <= top for delay, top in zip(delays, longest, strict=True))
    assert max(delays) <= 30
    assert len(set(delays)) == 40
