"""Between the receivers and the transaction: a bounded buffer with one lane for each queue."""

from __future__ import annotations

import threading
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle, islice

from worker.ingest.filing import Letter
from worker.ingest.sqs import Queue

TURNS = (0, 1, 0, 0, 1, 0, 2, 0, 1, 0)
"""The lane of each place, over and over, through one transaction after the other: of ten in a row
the first lane has six, the second three, the third one. The urgent lane goes first, and none
starves, however small the transactions are."""


@dataclass(frozen=True, slots=True)
class InHand:
    """A letter that was received and not yet deleted or given back."""

    queue: Queue
    receipt_handle: str
    letter: Letter


class Buffer:
    """Letters in hand, most urgent lane first. Receivers wait while their lane is full."""

    def __init__(self, lanes: Sequence[str], *, lane_limit: int) -> None:
        self._lanes: dict[str, deque[InHand]] = {lane: deque() for lane in lanes}
        self._turns = cycle(turn for turn in TURNS if turn < len(lanes))
        self._limit = lane_limit
        self._changed = threading.Condition()

    def __len__(self) -> int:
        with self._changed:
            return self._count()

    def wait_for_room(self, lane: str, count: int, *, timeout_s: float) -> bool:
        """Whether the lane has room for `count` more, after waiting up to the timeout for it."""
        with self._changed:
            return self._changed.wait_for(
                lambda: len(self._lanes[lane]) + count <= self._limit, timeout_s
            )

    def put(self, lane: str, letters: Sequence[InHand]) -> None:
        """Add letters to a lane. Never blocks: whoever asked for room has it."""
        with self._changed:
            self._lanes[lane].extend(letters)
            self._changed.notify_all()

    def take(self, most: int, *, fill_s: float, timeout_s: float) -> list[InHand]:
        """Up to `most` letters: waits for the first, then up to `fill_s` for more to come with it.

        Empty when nothing came within `timeout_s`.
        """
        with self._changed:
            if not self._changed.wait_for(self._count, timeout_s):
                return []
            self._changed.wait_for(lambda: self._count() >= most, fill_s)
            taken = self._take(most)
            self._changed.notify_all()
            return taken

    def drain(self) -> list[InHand]:
        """Everything that is left."""
        with self._changed:
            return self._take(self._count())

    def _count(self) -> int:
        return sum(len(lane) for lane in self._lanes.values())

    def _take(self, most: int) -> list[InHand]:
        taken: list[InHand] = []
        shares = Counter(islice(self._turns, most))
        for place, lane in enumerate(self._lanes.values()):
            share = min(len(lane), shares[place])
            taken += [lane.popleft() for _ in range(share)]
        for lane in self._lanes.values():
            while lane and len(taken) < most:
                taken.append(lane.popleft())
        return taken
