"""Whether to receive at all: messages are safest in SQS while we cannot put them away."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator

BACKOFF_FIRST_S = 0.5
BACKOFF_LONGEST_S = 30.0


class Gate:
    """Open unless somebody holds it shut for a reason. Thread-safe."""

    def __init__(self) -> None:
        self._reasons: dict[str, str] = {}
        self._changed = threading.Condition()

    def shut(self, reason: str, detail: str) -> bool:
        """Hold the gate shut; returns whether this reason is new."""
        with self._changed:
            is_new = reason not in self._reasons
            self._reasons[reason] = detail
            return is_new

    def open(self, reason: str) -> bool:
        """Stop holding it shut for this reason; returns whether it was."""
        with self._changed:
            was_shut = self._reasons.pop(reason, None) is not None
            self._changed.notify_all()
            return was_shut

    @property
    def reasons(self) -> dict[str, str]:
        """Why the gate is shut; empty when it is open."""
        with self._changed:
            return dict(self._reasons)

    def wait_open(self, timeout_s: float) -> bool:
        """Whether the gate is open, after waiting up to the timeout for it."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._reasons, timeout_s)


def backoff_delays(jitter: random.Random) -> Iterator[float]:
    """Seconds to wait before each further try: doubling from half a second, 30 at most.

    Jittered by half, so that several processes do not come back at the same moment.
    """
    longest = BACKOFF_FIRST_S
    while True:
        yield longest * (0.5 + jitter.random() / 2)
        longest = min(longest * 2, BACKOFF_LONGEST_S)
