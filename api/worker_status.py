"""How the workers are, for the page's header, the status endpoint and the metrics.

Asked of the database at most every few seconds, however many pages look.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from psycopg_pool import ConnectionPool

from api.metrics import PROCESSING_BOUNDS_MS, Metrics
from db.dashboard import WorkerStatus, count_processed, read_worker_status

ASK_EVERY_S = 3.0

Overall = Literal["healthy", "degraded", "critical"]


@dataclass(frozen=True, slots=True)
class Thresholds:
    """From when on something is not well. Degraded is worth a look, critical is worth waking up."""

    degraded_after_s: float
    critical_after_s: float
    critical_backlog: int


def judge(status: WorkerStatus, thresholds: Thresholds) -> Overall:
    """The worst of: how long a message waits, how long a worker has been silent, how many wait.

    A worker that nobody has seen counts as silent for ever. Dead letters degrade: somebody must
    look at them, but nothing else waits for them.
    """

    def silence_s(last_seen: datetime | None) -> float:
        return float("inf") if last_seen is None else (status.asked_at - last_seen).total_seconds()

    longest_s = max(
        status.oldest_message_age_seconds or 0.0,
        silence_s(status.ingest_heartbeat),
        silence_s(status.analysis_heartbeat),
    )
    if longest_s > thresholds.critical_after_s or (
        status.backlog_count >= thresholds.critical_backlog
    ):
        return "critical"
    if (
        longest_s > thresholds.degraded_after_s
        or status.backlog_count >= thresholds.critical_backlog / 10
        or status.dead_letters > 0
    ):
        return "degraded"
    return "healthy"


class StatusBoard:
    """The last answer, asked anew when it is old. Called in threads; one asks, the others wait.

    The answer is for all that waited, even if it is an error. Otherwise each in turn would ask a
    slow database, and meanwhile they would hold every thread of the process.
    """

    def __init__(self, pool: ConnectionPool, metrics: Metrics) -> None:
        self._pool = pool
        self._metrics = metrics
        self._lock = threading.Lock()
        self._last: tuple[float, WorkerStatus] | None = None
        self._refused: tuple[float, Exception] | None = None

    def status(self) -> WorkerStatus:
        """How the workers were a few seconds ago at most. Raises psycopg.OperationalError."""
        came_at = time.monotonic()
        with self._lock:
            if self._refused is not None and self._refused[0] >= came_at:
                raise self._refused[1]
            good_from = min(came_at, time.monotonic() - ASK_EVERY_S)
            if self._last is None or self._last[0] < good_from:
                try:
                    status = self._ask()
                except Exception as error:
                    self._refused = (time.monotonic(), error)
                    raise
                self._last = (time.monotonic(), status)
            return self._last[1]

    def _ask(self) -> WorkerStatus:
        workers = self._metrics.workers
        with self._pool.connection() as conn:
            status = read_worker_status(conn)
            processed = count_processed(
                conn, from_id=workers.from_id or NOTHING_YET, bounds_ms=PROCESSING_BOUNDS_MS
            )
        workers.update(status, processed)
        return status


NOTHING_YET = 2**62
"""An id beyond all: the first count only learns where to begin."""
