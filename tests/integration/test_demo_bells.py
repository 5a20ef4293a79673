"""The demo's listener hears every change that was applied, and knows of one that made no bell."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import psycopg
import pytest

from db import inbox
from db import products as sql
from tests.factories import any_offer_changed, pricing_health
from tests.interleave import deliver, letter, until, work
from worker.demo.bells import Latency, Listener, measure

SINCE = datetime(2025, 1, 1, tzinfo=UTC)


@pytest.fixture
def listener(database_url: str) -> Iterator[Listener]:
    one = Listener(database_url)
    one.start()
    yield one
    one.stop()
    one.check()


def change(conn: psycopg.Connection, message: dict[str, object]) -> None:
    deliver(conn, letter(message))
    assert work(conn).processed == 1


def latency(conn: psycopg.Connection, listener: Listener) -> Latency:
    times = inbox.read_processing_times(conn, since=SINCE, max_rows=100)
    return measure(times, listener.heard)


def test_a_change_is_heard_though_its_state_keeps_the_trace_of_a_newer_pricing_health(
    conn, listener
):
    change(conn, pricing_health(event_time="2025-03-04T10:00:10Z"))
    change(conn, any_offer_changed(event_time="2025-03-04T10:00:05Z"))

    traces = conn.execute("SELECT trace_id FROM worker_notifications ORDER BY id").fetchall()
    assert conn.execute("SELECT trace_id FROM current_state").fetchall() == traces[:1]
    until(lambda: not latency(conn, listener).unheard, "both changes were heard")
    assert latency(conn, listener).measured == 2


def test_a_change_without_a_bell_is_told(conn, listener, monkeypatch):
    change(conn, any_offer_changed(event_time="2025-03-04T10:00:05Z"))
    until(lambda: len(listener.heard) == 1, "the first change was read")

    monkeypatch.setattr(sql, "ring_state_bell", lambda *_: None)
    change(conn, any_offer_changed(event_time="2025-03-04T10:00:10Z"))

    assert latency(conn, listener).unheard == 1
