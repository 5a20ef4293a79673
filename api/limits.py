"""How much one caller may ask: a bucket of requests that fills up again."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable

MAX_CALLERS = 10_000
"""Callers remembered; the one silent longest is forgotten, and begins with a full bucket again."""

MAX_CALLER_CHARACTERS = 64
"""What a token's name or an address has at most. What a proxy passes on as an address may be more,
and would be remembered so many times."""


class RateLimit:
    """A token bucket for each caller. Thread-safe."""

    def __init__(
        self, per_minute: int, *, at_once: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._per_s = per_minute / 60
        self._at_once = float(max(1, at_once))
        self._clock = clock
        self._callers: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._lock = threading.Lock()

    def spend(self, caller: str) -> float:
        """Take one request: 0 when it is allowed, else the seconds until one will be."""
        caller = caller[:MAX_CALLER_CHARACTERS]
        with self._lock:
            now = self._clock()
            left, at = self._callers.pop(caller, (self._at_once, now))
            left = min(self._at_once, left + (now - at) * self._per_s)
            wait_s = 0.0 if left >= 1 else (1 - left) / self._per_s
            self._callers[caller] = (left - 1 if left >= 1 else left, now)
            if len(self._callers) > MAX_CALLERS:
                self._callers.popitem(last=False)
            return wait_s
