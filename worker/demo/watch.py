"""Looks at the database and the queue, and says how the demo stands."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime

import psycopg

from db import failures, inbox, operators
from db.rows import FailureRow, Outcomes, StateRow
from worker.demo.bells import Latency, Listener, measure
from worker.demo.operator import AlertCounts, count_alerts
from worker.demo.sender import Sender
from worker.ingest.sqs import Queue

RATE_OVER_S = 5.0
MEASURED_LIVE = 1_000
NOTHING = Outcomes(0, 0, 0, 0, 0, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Standing:
    """How the demo stands at one moment. Rates are messages a second over the last few."""

    phase: str
    elapsed_s: float
    sent: int
    planned: int | None
    outcomes: Outcomes = NOTHING
    rates: tuple[float, float, float] = (0.0, 0.0, 0.0)
    oldest_s: float = 0.0
    in_sqs: int = 0
    jobs: int = 0
    latency: Latency = field(default_factory=Latency)
    severities: dict[str, int] = field(default_factory=dict)
    changes: list[StateRow] = field(default_factory=list)
    failures: list[FailureRow] = field(default_factory=list)
    alerts: AlertCounts = field(default_factory=AlertCounts)

    @property
    def is_drained(self) -> bool:
        """Whether nothing waits anywhere."""
        return not (self.in_sqs or self.jobs or self.outcomes.waiting)


class Watch:
    """One look per call. Not for several threads."""

    def __init__(
        self,
        conn: psycopg.Connection,
        queue: Queue,
        sender: Sender,
        listener: Listener,
        *,
        since: datetime,
        began: float,
    ) -> None:
        self._conn = conn
        self._queue = queue
        self._sender = sender
        self._listener = listener
        self._since = since
        self._began = began
        self._past: deque[tuple[float, int, int, int]] = deque()

    def look(self, phase: str) -> Standing:
        """How it stands now. Raises psycopg.Error and QueueError."""
        # In the order in which messages travel, so that one on its way is seen at least once.
        in_sqs = count_in_sqs(self._queue)
        outcomes = inbox.count_outcomes(self._conn, since=self._since)
        jobs = count_jobs(self._conn)
        oldest = inbox.read_backlog(self._conn).oldest_received_at
        times = inbox.read_processing_times(self._conn, since=self._since, max_rows=MEASURED_LIVE)
        return Standing(
            phase=phase,
            elapsed_s=time.monotonic() - self._began,
            sent=self._sender.sent,
            planned=self._sender.planned,
            outcomes=outcomes,
            rates=self._rates(outcomes),
            oldest_s=max(0.0, (datetime.now(UTC) - oldest).total_seconds()) if oldest else 0.0,
            in_sqs=in_sqs,
            jobs=jobs,
            latency=measure(times, self._listener.heard),
            severities=operators.read_severities(self._conn),
            changes=self._listener.changes,
            failures=failures.list_failures(self._conn, max_rows=3),
            alerts=count_alerts(self._conn, since=self._since),
        )

    def _rates(self, outcomes: Outcomes) -> tuple[float, float, float]:
        now = time.monotonic()
        self._past.append((now, self._sender.sent, outcomes.stored, outcomes.processed))
        while now - self._past[0][0] > RATE_OVER_S:
            self._past.popleft()
        first, last = self._past[0], self._past[-1]
        span_s = max(last[0] - first[0], 1e-3)
        sent, stored, processed = (
            (last[i] - first[i]) / span_s if len(self._past) > 1 else 0.0 for i in (1, 2, 3)
        )
        return sent, stored, processed


def count_in_sqs(queue: Queue) -> int:
    """Messages in the queue, including those that somebody has in hand."""
    found = queue.attributes()
    return found.visible + found.in_flight


def count_jobs(conn: psycopg.Connection) -> int:
    """Jobs of analysis that wait, run or failed."""
    return sum(
        row["waiting"] + row["running"] + row["failed"]
        for row in operators.read_view(conn, "queue_depth")
        if row["queue"] == "analysis"
    )
