"""Ends a process that hangs where no timeout reaches.

A database behind a proxy, or after a failover, may stop answering while its connections look alive:
the server's timeouts are gone with the server, and what stands in between answers TCP's
probes. The libraries then wait for ever, and some do so even while they stop (procrastinate's
issues 1334, 1513 and 1591), in a process that looks well and does nothing. A kill -9 at any instant
loses nothing here; so a process that hangs ends itself just as abruptly, and is started anew.
"""

from __future__ import annotations

import faulthandler
import math
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial

from process.logs import get_logger

log = get_logger(__name__)

EXIT_CODE = 75
"""EX_TEMPFAIL: the same may succeed when it is tried again."""

LOOKS_EVERY_S = 1.0


def end_process() -> None:
    """Write where each thread stands, then exit at once, whatever locks the threads hold."""
    faulthandler.dump_traceback(sys.stderr)  # functions and lines, no values
    sys.stdout.flush()
    os._exit(EXIT_CODE)


@dataclass(slots=True, eq=False)
class Expected:
    """Something that must end, or be renewed, within a time (seconds)."""

    what: str
    at_most_s: float
    left_s: float

    def renew(self) -> None:
        """Let the time begin anew."""
        self.left_s = self.at_most_s


class Watchdog:
    """Looks every second whether anything takes longer than it may; if so, it calls `end`.

    Anything may take `patience_s` and the `more_s` that it asks for. Only time in which the process
    could run is counted: one that was suspended has not hung. `clock` tells seconds.
    """

    def __init__(
        self,
        patience_s: float,
        *,
        end: Callable[[], None] = end_process,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._patience_s = patience_s
        self._end = end
        self._clock = clock
        self._looked_at = clock()
        self._expected: set[Expected] = set()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def expect(self, what: str, *, more_s: float = 0) -> Expected:
        """From now on this must be renewed again and again, until the process ends."""
        at_most_s = self._patience_s + more_s
        one = Expected(what, at_most_s, at_most_s)
        with self._lock:
            self._expected.add(one)
            if self._thread is None:
                self._looked_at = self._clock()
                self._thread = threading.Thread(target=self._run, name="watchdog", daemon=True)
                self._thread.start()
        return one

    @contextmanager
    def watching(self, what: str, *, more_s: float = 0) -> Iterator[None]:
        """What happens inside must be over in time."""
        one = self.expect(what, more_s=more_s)
        try:
            yield
        finally:
            with self._lock:
                self._expected.discard(one)

    def guard(self, what: str) -> Callable[[], AbstractContextManager[None]]:
        """A function for whoever does this again and again: each call is a new `watching`."""
        return partial(self.watching, what)

    def look(self) -> None:
        """Look once, and call `end` if anything is late."""
        with self._lock:
            now = self._clock()
            passed_s = min(now - self._looked_at, 2 * LOOKS_EVERY_S)
            self._looked_at = now
            for one in self._expected:
                one.left_s -= passed_s
            late = [one for one in self._expected if one.left_s <= 0]
            self._expected.difference_update(late)
        for one in late:
            log.critical("hangs", what=one.what, for_s=one.at_most_s)
        if late:
            self._end()

    def _run(self) -> None:
        while True:
            time.sleep(LOOKS_EVERY_S)
            self.look()


class NoWatchdog(Watchdog):
    """For commands and tests, which do not run unattended: nothing is counted."""

    def expect(self, what: str, *, more_s: float = 0) -> Expected:
        """Something that nobody looks at."""
        return Expected(what, self._patience_s + more_s, self._patience_s + more_s)


NOBODY = NoWatchdog(math.inf)
"""The watchdog where none is given."""
