"""A storm for the feed: writers whose transactions end in any order, and clients that are cut.

What a client holds in the end must be what the tables hold. `read_naive` is the feed as it must not
be: with a number for a cursor, it loses what began before that number and ended after it.
"""

from __future__ import annotations

import random
import threading
import time
from typing import Any

import psycopg

from db.connect import connect
from db.feed import Changes, read_changes
from tests.dashboard import Holder, Stream, touch_alert, write_alert, write_state

NEWEST = """
SELECT max(changed_in::text::bigint) + 1
FROM (SELECT changed_in FROM current_state UNION ALL SELECT changed_in FROM alerts) AS r
"""

TABLES = """
SELECT 'state', concat_ws('|', marketplace_id, asin, item_condition, audience, seller_id), version
FROM current_state
UNION ALL
SELECT 'alert', id::text, occurrences FROM alerts
"""


def read_naive(conn: psycopg.Connection, cursor: str, **options: Any) -> Changes:
    """The feed with max(id) as its cursor: all below the newest transaction counts as seen."""
    found = read_changes(conn, cursor, **options)
    (newest,) = conn.execute(NEWEST).fetchone()
    epoch = found.next_cursor.partition("~")[0]
    naive = found.next_cursor if newest is None else f"{epoch}~{newest}:{newest}:"
    return Changes(found.states, found.alerts, naive, found.reset)


class Writer:
    """Changes its own rows and shared ones, in transactions that may stay open for long."""

    def __init__(self, database_url: str, number: int, stop: threading.Event, *, hold_s: float):
        self._url, self._number, self._stop, self._hold_s = database_url, number, stop, hold_s
        self._dice = random.Random(number)
        self._alerts: list[int] = []
        self.committed = self.held = 0
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def join(self) -> None:
        self._thread.join(60)
        assert not self._thread.is_alive()

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                with connect(self._url, role="writer") as conn:
                    while not self._stop.is_set():
                        self._transaction(conn)
            except psycopg.Error:
                self._alerts.clear()  # the last one may not have been committed
                self._stop.wait(0.05)  # the database is being restarted

    def _transaction(self, conn: psycopg.Connection) -> None:
        dice, changes, made = self._dice, 0, []
        for _ in range(dice.randint(1, 3)):
            if dice.random() < 0.3:
                if len(self._alerts) < 5:
                    asin = f"ALERT{self._number}{time.monotonic_ns() % 10**12}"
                    made.append(write_alert(conn, asin))
                else:
                    touch_alert(conn, dice.choice(self._alerts))
            else:
                write_state(conn, f"OWN{self._number}{dice.randrange(15):05d}")
            changes += 1
        if dice.random() < 0.06:
            self.held += 1
            self._stop.wait(dice.uniform(0.2, self._hold_s))
        if dice.random() < 0.4:
            # a shared row, last: this transaction's id was taken long before, others' since
            write_state(conn, f"SHARED{dice.randrange(5):04d}")
            changes += 1
        if dice.random() < 0.1:
            conn.rollback()
            return
        conn.commit()
        self._alerts += made
        self.committed += changes
        self._stop.wait(0.004)


class Browser:
    """A client that comes back with its last event id whenever it is cut, as browsers do."""

    def __init__(self, url: str, since: str, *, cut_every_s: float | None = None, seed: int = 0):
        self._url, self._last, self._cut_every_s = url, since, cut_every_s
        self._dice = random.Random(seed)
        self._stop = threading.Event()
        self.holder = Holder()
        self.connections: list[list[tuple[str, str, int]]] = []
        self.cuts = 0
        self.resets: list[Any] = []
        self._stream: Stream | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._stop.set()
        if self._stream is not None:
            self._stream.cut()
        self._thread.join(30)

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self._stream = Stream(self._url, last_id=self._last)
            except (OSError, ValueError, IndexError):
                self._stop.wait(0.05)  # nobody there, or gone before it had answered
                continue
            if self._stream.status == 200:
                self._follow(self._stream)
            else:
                self._stop.wait(0.05)
            self._stream.close()

    def _follow(self, stream: Stream) -> None:
        told: list[tuple[str, str, int]] = []
        self.connections.append(told)
        cut_at = time.monotonic() + self._dice.uniform(0, 2 * (self._cut_every_s or 1))
        while (event := stream.poll(0.05)) is not Stream.END:
            if event is not None:
                if event.name == "reset":
                    self.resets.append(event.data)
                before = len(self.holder.told)
                self.holder.hear(event)
                told += self.holder.told[before:]
                self._last = event.id or self._last
            if self._cut_every_s and time.monotonic() > cut_at and not self._stop.is_set():
                self.cuts += 1
                stream.cut()
                return
            if self._stop.is_set():
                return


def tables(conn: psycopg.Connection) -> dict[tuple[str, str], int]:
    """What a client must hold in the end."""
    return {(kind, key): count for kind, key, count in conn.execute(TABLES)}


def repeated(told: list[tuple[str, str, int]]) -> set[tuple[str, str, int]]:
    """What was told more than once."""
    return {one for one in told if told.count(one) > 1} if len(told) != len(set(told)) else set()
