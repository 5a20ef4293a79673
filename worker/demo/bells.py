"""Listens as a dashboard does, and measures how long a change took to get there."""

from __future__ import annotations

import statistics
import threading
from bisect import bisect_left
from collections import defaultdict, deque
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import NamedTuple

import psycopg

from db.connect import connect
from db.feed import listen_for, read_feed, start_listening
from db.rows import ProcessingTimes, StateRow
from worker.demo.children import StageError

REMEMBERED = 100_000
"""Changes whose arrival is remembered; an endless demo measures its latest."""


class HeardChange(NamedTuple):
    """A change of this product was in a listener's hand at this time (UTC)."""

    product_key: str
    at: datetime


class Listener(threading.Thread):
    """Hears bells and reads the feed after each. It does not poll, so a bell that fails shows."""

    def __init__(self, database_url: str) -> None:
        super().__init__(name="listener", daemon=True)
        self._conn = connect(database_url, role="demo listener", autocommit=True)
        # LISTEN first, then the cursor: the other order has a hole.
        start_listening(self._conn)
        self._cursor = read_feed(self._conn, None, max_rows=0).next_cursor
        self._lock = threading.Lock()
        self._heard: deque[HeardChange] = deque(maxlen=REMEMBERED)
        self._changes: deque[StateRow] = deque(maxlen=50)
        self._stop_asked = threading.Event()
        self._error: Exception | None = None

    @property
    def heard(self) -> list[HeardChange]:
        """Which product's changes were in hand when, the oldest first."""
        with self._lock:
            return list(self._heard)

    @property
    def changes(self) -> list[StateRow]:
        """The last changes, the newest first."""
        with self._lock:
            return list(reversed(self._changes))

    def stop(self) -> None:
        """Ask it to stop, and wait until it has."""
        self._stop_asked.set()
        if self.is_alive():
            self.join(5)
        self._conn.close()

    def check(self) -> None:
        """Raise StageError when it does not listen any more."""
        if self._error is not None:
            raise StageError(f"The demo cannot listen: {self._error}") from self._error

    def run(self) -> None:
        """Listen until told to stop."""
        try:
            while not self._stop_asked.is_set():
                if list(listen_for(self._conn, timeout_s=0.2)):
                    self._look()
        except (psycopg.Error, RuntimeError) as error:
            self._error = error

    def _look(self) -> None:
        page = read_feed(self._conn, self._cursor)
        if page.reset:
            raise RuntimeError(f"the feed began anew: {page.reset}")
        # Stamped when the change itself is here, which is a little later than its bell.
        now = datetime.now(UTC)
        self._cursor = page.next_cursor
        with self._lock:
            self._heard.extend(HeardChange(row.product_key, now) for row in page.rows)
            self._changes.extend(page.rows)


@dataclass(frozen=True, slots=True)
class Latency:
    """From just before the ingest transaction to the change in a listener's hand.

    Both ends lie outside what is measured, so the figures are upper bounds of commit to bell.
    `unheard` changes were applied, and no bell told of them.
    """

    measured: int = 0
    unheard: int = 0
    median_ms: float | None = None
    p99_ms: float | None = None


def measure(times: Iterable[ProcessingTimes], heard: Iterable[HeardChange]) -> Latency:
    """The latency of every applied notification. `heard` is in the order of time.

    Several notifications of a product that were analysed together appear as one change, and its
    trace id may be that of none of them: a state keeps the trace of a PRICING_HEALTH while older
    offers come in. So a notification counts as arrived with the first change of its product that
    was in hand after it was processed.
    """
    by_product: dict[str, list[datetime]] = defaultdict(list)
    for product_key, at in heard:
        by_product[product_key].append(at)
    took_ms, unheard = [], 0
    for one in times:
        if one.outcome != "applied":
            continue
        of_product = by_product[one.product_key]
        place = bisect_left(of_product, one.processed_at)
        if place == len(of_product):
            unheard += 1
        else:
            took_ms.append((of_product[place] - one.received_at).total_seconds() * 1000)
    if not took_ms:
        return Latency(unheard=unheard)
    ordered = sorted(took_ms)
    p99 = ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))]
    return Latency(len(ordered), unheard, statistics.median(ordered), p99)
