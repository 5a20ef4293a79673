"""Listens to the bells and reads the feed: one thread and two connections for all clients.

LISTEN first, then read; read again whenever a bell rings, and every few seconds without one. The
second connection reads, and rings an echo that the first must hear: behind a transaction pooler
LISTEN is accepted and nothing ever arrives, which only an echo can show.
"""

from __future__ import annotations

import random
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import psycopg

from api.feed.changes import changes_of
from api.feed.events import Batch
from db.connect import connect, first_line
from db.feed import (
    ALERT_CHANNEL,
    STATE_CHANNEL,
    Changes,
    hear,
    read_changes,
    read_position,
    start_listening,
)
from db.probes import ring_probe_bell
from process.logs import get_logger
from process.watchdog import Expected

log = get_logger(__name__)

LOOK_UP_S = 0.25
"""The longest wait for a bell before looking whether to stop."""

RECONNECT_FIRST_S, RECONNECT_LONGEST_S = 0.1, 2.0

ReadFeed = Callable[[psycopg.Connection, str], Changes]


@dataclass(frozen=True, slots=True)
class Listeners:
    """What the reader calls, in its own thread, with what it finds."""

    batch: Callable[[Batch], None]
    reset: Callable[[str, str], None]
    live: Callable[[bool], None]
    read: Callable[[str], None]


class FeedReader:
    """Follows the feed from its first read on, across cuts and restarts of the database.

    Each turn of its loops renews `turns`; a reader that waits for ever for an answer does not.
    """

    def __init__(
        self,
        database_url: str,
        tell: Listeners,
        *,
        poll_s: float,
        pause_s: float,
        read: ReadFeed = read_changes,
        turns: Expected,
    ) -> None:
        self._database_url = database_url
        self._tell = tell
        self._turns = turns
        self._poll_s = poll_s
        self._pause_s = pause_s
        self._read_feed = read
        self._echo_channel = f"buybox_echo_{secrets.token_hex(8)}"
        self._cursor: str | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="feed-reader", daemon=True)
        self._read_at = self._started_at = time.monotonic()
        self._echo_at: float | None = None

    def start(self) -> None:
        """Begin; the first batch or position is told as soon as the database answers."""
        self._thread.start()

    def stop(self, *, timeout_s: float = 2.0) -> None:
        """End within moments; a read that hangs is left to die with the process."""
        self._stop.set()
        self._thread.join(timeout_s)

    @property
    def alive(self) -> bool:
        """Whether the thread runs: if not, nothing will ever come again."""
        return self._thread.is_alive()

    @property
    def echo_age_s(self) -> float:
        """Seconds since a bell of our own was last heard; until the first, since the start."""
        return time.monotonic() - (self._echo_at or self._started_at)

    @property
    def read_age_s(self) -> float:
        """Seconds since the feed was last read to its end: clients may be this much behind."""
        return time.monotonic() - self._read_at

    def _run(self) -> None:
        delays = _delays()
        while not self._stop.is_set():
            self._turns.renew()
            try:
                with (
                    connect(self._database_url, role="api listen", autocommit=True) as listener,
                    connect(self._database_url, role="api read", autocommit=True) as reader,
                ):
                    self._follow(listener, reader, on_live=lambda: self._tell.live(True))
                    delays = _delays()
            except psycopg.Error as error:
                log.error("feed_cut", error=first_line(error))
            except Exception:  # whatever it is: without this thread nobody would read the feed
                log.exception("feed_reader_failed")
            if not self._stop.is_set():
                self._tell.live(False)
                self._stop.wait(next(delays))

    def _follow(
        self,
        listener: psycopg.Connection,
        reader: psycopg.Connection,
        *,
        on_live: Callable[[], None],
    ) -> None:
        start_listening(listener, STATE_CHANNEL, ALERT_CHANNEL, self._echo_channel)
        self._read(reader, "start")
        on_live()
        poll_at = time.monotonic()
        while not self._stop.is_set():
            self._turns.renew()
            wait_s = min(LOOK_UP_S, max(0.0, poll_at - time.monotonic()))
            rang = self._hear(listener, wait_s)
            due = time.monotonic() >= poll_at
            if due:
                ring_probe_bell(reader, self._echo_channel)
                poll_at = time.monotonic() + self._poll_s
            if rang or due:
                self._pause(listener)
                self._read(reader, "bell" if rang else "poll")

    def _hear(self, listener: psycopg.Connection, timeout_s: float) -> bool:
        """Whether a bell of the feed rang; notes when one of our own did."""
        heard = hear(listener, timeout_s=timeout_s)
        if self._echo_channel in heard:
            self._echo_at = time.monotonic()
        return bool(heard & {STATE_CHANNEL, ALERT_CHANNEL})

    def _pause(self, listener: psycopg.Connection) -> None:
        """Until the feed may be read again; what rings meanwhile is answered by that reading."""
        until = self._read_at + self._pause_s
        while (left_s := until - time.monotonic()) > 0 and not self._stop.is_set():
            self._hear(listener, min(left_s, LOOK_UP_S))

    def _read(self, conn: psycopg.Connection, why: str) -> None:
        """Read what changed and tell it; the very first time, only where the feed stands."""
        self._tell.read(why)
        if self._cursor is None:
            self._cursor = read_position(conn)
            self._tell.batch(Batch(self._cursor, ()))
        else:
            found = self._read_feed(conn, self._cursor)
            changes = changes_of(conn, found)  # may fail: the cursor moves only after it
            self._cursor = found.next_cursor
            if found.reset:
                self._tell.reset(found.reset, found.next_cursor)
            else:
                self._tell.batch(Batch(found.next_cursor, changes))
        self._read_at = time.monotonic()


def _delays() -> Iterator[float]:
    """Seconds before each further try to connect: doubling, and never quite the same."""
    longest = RECONNECT_FIRST_S
    while True:
        yield longest * random.uniform(0.5, 1.0)
        longest = min(longest * 2, RECONNECT_LONGEST_S)
