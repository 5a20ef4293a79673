"""Lifelike notifications out of the simulated market: repeats, disorder, and the truth beside them.

The same seed makes the same bytes.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random

from worker.demo.bodies import PUBLISH_MS, Draft, Writer
from worker.demo.market import Market
from worker.demo.offers import chance
from worker.demo.truth import Kind, Truth

# Shares in percent. The kinds are shares of what is not a repeat; a seventh of all are repeats.
_REPEATS = 100 / 7
_KINDS = {"market": 86.4, "health": 4.7, "other": 5.5, "b2b": 2.3, "broken": 1.1}
_LATE = 21
_LONGEST_DELAY = 10.0
_GAP_MS = (50, 300)


@dataclass(frozen=True, slots=True)
class Sent:
    """One message on its way: the body, and what it is."""

    body: bytes
    kind: Kind


class Traffic:
    """Exactly `messages` messages; the truth of what was sent so far is in `truth`.

    Every iteration starts the same story again, with a truth of its own.
    """

    def __init__(self, seed: int, messages: int, now: datetime, products: int = 60) -> None:
        self.truth = Truth()
        self._seed = seed
        self._messages = messages
        self._now = now
        self._products = products

    def __iter__(self) -> Iterator[Sent]:
        rng = Random(self._seed)
        self.truth = truth = Truth()
        # The first message cannot be a repeat; the rest is decided now, because the number of
        # events decides when the first one was.
        repeats = [i > 0 and chance(rng, _REPEATS) for i in range(self._messages)]
        drafts = self._in_order_of_sending(rng, repeats.count(False))
        earlier: deque[bytes] = deque(maxlen=300)
        for is_repeat in repeats:
            if is_repeat:
                truth.note("repeat")
                yield Sent(self._again(rng, earlier), "repeat")
                continue
            draft = next(drafts)
            if draft.kind != "broken":
                earlier.append(draft.body)
            truth.note(draft.kind, draft.told)
            yield Sent(draft.body, draft.kind)

    @staticmethod
    def _again(rng: Random, earlier: deque[bytes]) -> bytes:
        """Most repeats follow soon, some after a visibility timeout or more."""
        back = rng.randint(1, 10 if chance(rng, 70) else 300)
        return earlier[-min(back, len(earlier))]

    def _in_order_of_sending(self, rng: Random, events: int) -> Iterator[Draft]:
        """Most in the order of events; a share is late by up to ten seconds and is overtaken."""
        waiting: list[tuple[datetime, int, Draft]] = []
        for index, (event_time, draft) in enumerate(self._in_order_of_events(rng, events)):
            while waiting and waiting[0][0] <= event_time:
                yield heapq.heappop(waiting)[2]
            late = index > 0 and chance(rng, _LATE)
            delay = 0.3 + (_LONGEST_DELAY - 0.3) * rng.random() ** 2 if late else 0.0
            # The index keeps the heap from ever comparing two drafts.
            heapq.heappush(waiting, (event_time + timedelta(seconds=delay), index, draft))
        while waiting:
            yield heapq.heappop(waiting)[2]

    def _in_order_of_events(self, rng: Random, events: int) -> Iterator[tuple[datetime, Draft]]:
        """The story itself. The last message is published at `now`, none later."""
        gaps = [rng.randint(*_GAP_MS) for _ in range(events)]
        now = self._now.astimezone(UTC)
        whole = now.replace(microsecond=now.microsecond // 1000 * 1000)
        event_time = whole - timedelta(milliseconds=sum(gaps) + PUBLISH_MS[1])
        write = Writer(rng, Market(rng, self._products))
        for index, gap in enumerate(gaps):
            event_time += timedelta(milliseconds=gap)
            kind = (
                rng.choices(list(_KINDS), weights=list(_KINDS.values()))[0] if index else "market"
            )
            yield event_time, write.draft(kind, event_time)
