"""Sends the traffic into the queue, at its pace, in a thread of its own."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import count, islice

from worker.demo.children import StageError
from worker.demo.traffic import Sent, Traffic
from worker.demo.truth import Truth
from worker.ingest.sqs import BATCH_LIMIT, Queue, QueueError


class Sender(threading.Thread):
    """Sends `messages` messages at `rate` a second; when endless, batch after batch of that size.

    Each batch is a market of its own, from the next seed.
    """

    def __init__(
        self, queue: Queue, *, messages: int, rate: float, seed: int, endless: bool
    ) -> None:
        super().__init__(name="sender", daemon=True)
        self._queue = queue
        self._messages = messages
        self._rate = rate
        self._seed = seed
        self._endless = endless
        self._batches: list[Traffic] = []
        self._stop_asked = threading.Event()
        self._error: Exception | None = None
        self.sent = 0

    @property
    def truths(self) -> list[Truth]:
        """The truth of every batch begun, as of what has been sent."""
        return [traffic.truth for traffic in self._batches]

    @property
    def planned(self) -> int | None:
        """How many will be sent in all; None when endless."""
        return None if self._endless else self._messages

    def stop(self) -> None:
        """Ask it to stop after the messages it is sending."""
        self._stop_asked.set()

    def check(self) -> None:
        """Raise StageError when it could not send."""
        if self._error is not None:
            raise StageError(f"The demo could not send: {self._error!r}") from self._error

    def run(self) -> None:
        """Send until all is sent or it is told to stop."""
        try:
            self._send_all()
        except (*QueueError, KeyError, ValueError) as error:
            self._error = error

    def _send_all(self) -> None:
        stream = self._stream()
        started = time.monotonic()
        while not self._stop_asked.is_set():
            due = int((time.monotonic() - started) * self._rate) + 1 - self.sent
            # What has been drawn is in the truth, and must be sent.
            drawn = [sent.body.decode() for sent in islice(stream, min(max(due, 0), BATCH_LIMIT))]
            if drawn:
                self._queue.send(drawn)
                self.sent += len(drawn)
            elif due > 0:
                return
            next_at = started + self.sent / self._rate
            self._stop_asked.wait(max(0.0, next_at - time.monotonic()))

    def _stream(self) -> Iterator[Sent]:
        for seed in count(self._seed):
            traffic = Traffic(seed, self._messages, datetime.now(UTC))
            self._batches.append(traffic)
            yield from traffic
            if not self._endless:
                return
