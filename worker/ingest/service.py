"""The ingester: several receivers, one writer, deletes only after the commit.

Threads: receivers long-poll SQS and read what they get; the writer (the caller's thread) combines
letters into T1 transactions; deleters delete what was committed; the watchman looks at the backlog
and leaves heartbeats. A kill -9 at any instant loses nothing: whatever was not committed is still
in SQS, and whatever was committed and not deleted comes again and is absorbed as a repeat.
"""

from __future__ import annotations

import random
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from datetime import UTC, datetime
from typing import Any

import psycopg

from db.connect import connect
from process.logs import get_logger
from process.stopping import StopSign
from process.watchdog import NOBODY, Watchdog
from worker.ingest.buffer import Buffer, InHand
from worker.ingest.filing import Filed, Filer, file_letters, open_letter
from worker.ingest.gate import Gate, backoff_delays
from worker.ingest.sqs import (
    LONG_POLL_S,
    Queue,
    QueueError,
    connect_sqs,
    is_answered,
    open_dead_letter_queue,
    open_queues,
)
from worker.ingest.tally import Tally
from worker.ingest.watchman import Watchman
from worker.settings import Settings

log = get_logger(__name__)

DELETERS = 4
"""At least, and as many as receivers: else what they receive is deleted late and comes again."""
DELETES_WAITING = 4
"""Transactions whose messages may wait for each deleter. They are all kept in memory."""
WATCH_TIMEOUT_S = 3.0
"""For the watchman, which only asks each queue how full it is. All queues together must take less
than the 30 s of silence after which an ingester counts as lost (ops.worker_health)."""
STOP_FILING_AFTER_S = 4.0
STOP_WAITING_AFTER_S = 8.0
"""An ingester is gone 10 s after SIGTERM, 13 if SQS is silent; the platform kills what is not."""


class Ingester:
    """Takes messages from queues into the database until it is told to stop."""

    def __init__(
        self,
        settings: Settings,
        *,
        queues: Sequence[Queue] | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        jitter: random.Random | None = None,
        watchdog: Watchdog = NOBODY,
    ) -> None:
        self._settings = settings
        self._queues = list(queues if queues is not None else open_queues(settings))
        watched = connect_sqs(settings, read_timeout_s=WATCH_TIMEOUT_S, attempts=1)
        self._clock = clock
        self._jitter = jitter or random.Random()
        self._filer = Filer.from_settings(settings, watchdog)
        self._stop = StopSign()
        self._gate = Gate()
        self.tally = Tally()
        self._buffer = Buffer(
            [queue.source for queue in self._queues],
            # Never less than a receiver asks room for, or it would wait for it for ever.
            lane_limit=max(settings.transaction_max_messages * 2, settings.batch_size),
        )
        deleters = max(DELETERS, settings.receivers * len(self._queues))
        self._deleters = ThreadPoolExecutor(deleters, thread_name_prefix="delete")
        self._most_deletes = deleters * (1 + DELETES_WAITING)
        self._deletes: set[Future[None]] = set()
        self._conn: psycopg.Connection | None = None
        self._defect: Exception | None = None
        self._watchman = Watchman(
            settings,
            self._gate,
            self.tally,
            queues=self._queues if queues is not None else open_queues(settings, watched),
            dead_letters=open_dead_letter_queue(settings, watched),
            clock=clock,
            watchdog=watchdog,
        )

    def stop(self) -> None:
        """Ask it to stop; `run` returns within some ten seconds. Safe in a signal handler."""
        self._stop.show()

    def run(self) -> None:
        """Ingest until `stop` is called. A defect in any thread ends it, and is raised here."""
        log.info("ingester_started", queues=[queue.url for queue in self._queues])
        receivers = [
            threading.Thread(
                target=self._guarded,
                args=(self._receive, queue),
                daemon=True,
                name=f"receive-{queue.source}-{n}",
            )
            for n in range(self._settings.receivers)
            for queue in self._queues
        ]
        watch = threading.Thread(
            target=self._guarded,
            args=(self._watchman.run, self._stop),
            daemon=True,
            name="watchman",
        )
        for thread in (watch, *receivers):
            thread.start()
        while not self._stop.is_shown():
            if self._deletes_keep_up(timeout_s=0.25):
                self._file_next(timeout_s=0.25)
        self._wind_up(receivers)
        if self._defect is not None:
            raise self._defect

    def _guarded(self, work: Callable[[Any], None], argument: object) -> None:
        """Run a thread's work; an error nobody expected stops the process instead of one thread."""
        try:
            work(argument)
        except Exception as error:
            log.exception("thread_died", thread=threading.current_thread().name)
            self._defect = error
            self._stop.show()

    # receiving ---------------------------------------------------------------------------------

    def _receive(self, queue: Queue) -> None:
        delays = backoff_delays(self._jitter)
        size = self._settings.batch_size
        while not self._stop.is_shown():
            if not self._gate.wait_open(timeout_s=0.5):
                continue
            if not self._buffer.wait_for_room(queue.source, size, timeout_s=0.5):
                continue
            try:
                received = queue.receive(
                    max_messages=size,
                    wait_s=LONG_POLL_S,
                    visibility_timeout_s=self._settings.visibility_timeout,
                )
            except QueueError as error:
                # Whatever it is (credentials, network, throttling), the queue may come back.
                delay = next(delays)
                log.warning(
                    "receive_failed", queue=queue.url, error=str(error), retry_in_s=round(delay, 1)
                )
                self.tally.add(receive_errors=1)
                self._stop.wait(delay)
                continue
            delays = backoff_delays(self._jitter)
            if not received:
                continue
            now = self._clock()
            in_hand = [
                InHand(
                    queue,
                    one.receipt_handle,
                    open_letter(one.arrival, now=now, fallback_seller_id=self._settings.seller_id),
                )
                for one in received
            ]
            log.debug("received", trace_ids=[one.letter.trace_id for one in in_hand])
            self.tally.add(received=len(in_hand))
            if self._stop.is_shown():
                self._give_back(in_hand)
            else:
                self._buffer.put(queue.source, in_hand)

    # filing ------------------------------------------------------------------------------------

    def _file_next(self, *, timeout_s: float) -> None:
        in_hand = self._buffer.take(
            self._settings.transaction_max_messages,
            fill_s=self._settings.transaction_max_wait_ms / 1000,
            timeout_s=timeout_s,
        )
        if in_hand:
            self._file(in_hand)

    def _file(self, in_hand: Sequence[InHand]) -> None:
        """T1, tried until the database takes it. While it does not, nothing more is received.

        The letters stay in hand meanwhile: giving them back would count as a failed receive each
        time and send good messages to the dead letter queue during an outage. What is too much for
        one transaction is filed in halves: the same again would take as long.
        """
        for delay in backoff_delays(self._jitter):
            try:
                filed = self._transact(in_hand)
            except psycopg.Error as error:
                self._drop_connection()
                if isinstance(error, psycopg.errors.QueryCanceled) and len(in_hand) > 1:
                    self._file_in_halves(in_hand)
                    return
                if self._gate.shut("filing", str(error).strip()):
                    log.error("database_away", error=str(error).strip())
                if self._stop.wait(delay):
                    self._give_back(in_hand)
                    return
                continue
            if self._gate.open("filing"):
                log.info("database_back")
            self.tally.add_filed(filed)
            self._delete_later(in_hand)
            return

    def _file_in_halves(self, in_hand: Sequence[InHand]) -> None:
        log.warning("batch_too_slow", messages=len(in_hand))
        half = len(in_hand) // 2
        for part in (in_hand[:half], in_hand[half:]):
            if self._stop.is_shown():
                self._give_back(part)
            else:
                self._file(part)

    def _transact(self, in_hand: Sequence[InHand]) -> Filed:
        if self._conn is None or self._conn.closed:
            # Shorter than the time an ingester has to be gone in after SIGTERM.
            self._conn = connect(
                self._settings.dsn, role="ingest", autocommit=True, statement_timeout="5s"
            )
        return file_letters(
            self._conn, [one.letter for one in in_hand], self._filer, now=self._clock()
        )

    def _drop_connection(self) -> None:
        if self._conn is not None:
            self._conn.close()
            self._conn = None

    # deleting ----------------------------------------------------------------------------------

    def _deletes_keep_up(self, *, timeout_s: float) -> bool:
        """Whether there is room for the deletes of one more T1, after waiting up to the timeout."""
        if len(self._deletes) >= self._most_deletes:
            self._deletes = wait(self._deletes, timeout_s, FIRST_COMPLETED).not_done
        return len(self._deletes) < self._most_deletes

    def _delete_later(self, in_hand: Sequence[InHand]) -> None:
        self._deletes = {future for future in self._deletes if not future.done()}
        for queue, handles in _by_queue(in_hand).items():
            self._deletes.add(self._deleters.submit(self._delete, queue, handles))

    def _delete(self, queue: Queue, handles: list[str]) -> None:
        """Delete, and once more what failed. The rest comes again and is absorbed as a repeat."""
        failed = handles
        for _ in range(2):
            try:
                failed = queue.delete(failed)
            except QueueError as error:
                log.warning("delete_failed", queue=queue.url, error=str(error))
            if not failed or self._stop.is_shown():
                break
        self.tally.add(deleted=len(handles) - len(failed), delete_failures=len(failed))
        if failed:
            log.warning("not_deleted", queue=queue.url, messages=len(failed))

    # stopping ----------------------------------------------------------------------------------

    def _wind_up(self, receivers: Sequence[threading.Thread]) -> None:
        """File what is in hand if the database takes it, give back the rest, and go."""
        log.info("ingester_stopping", in_hand=len(self._buffer))
        stopped_at = time.monotonic()
        while len(self._buffer) and time.monotonic() - stopped_at < STOP_FILING_AFTER_S:
            if {"database", "filing"} & self._gate.reasons.keys():
                break
            self._file_next(timeout_s=0)
        self._give_back(self._buffer.drain())
        wait(self._deletes, timeout=max(0.0, STOP_WAITING_AFTER_S - time.monotonic() + stopped_at))
        for thread in receivers:
            # One that is still in a long poll is left behind: what it gets, it gives back; what it
            # gets after we are gone becomes visible again by itself.
            thread.join(max(0.0, STOP_WAITING_AFTER_S - (time.monotonic() - stopped_at)))
        self._give_back(self._buffer.drain())
        self._watchman.farewell()
        self._deleters.shutdown(wait=False, cancel_futures=True)
        self._drop_connection()
        log.info("ingester_stopped", **self.tally.as_dict())

    def _give_back(self, in_hand: Sequence[InHand]) -> None:
        for queue, handles in _by_queue(in_hand).items():
            try:
                queue.give_back(handles)
            except QueueError as error:
                log.warning("give_back_failed", queue=queue.url, error=str(error))
                if not is_answered(error):
                    return  # they become visible by themselves; there is no time to wait for each
            else:
                self.tally.add(given_back=len(handles))


def _by_queue(in_hand: Sequence[InHand]) -> dict[Queue, list[str]]:
    grouped: dict[Queue, list[str]] = defaultdict(list)
    for one in in_hand:
        grouped[one.queue].append(one.receipt_handle)
    return grouped
