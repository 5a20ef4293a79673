"""Looks at the backlog and the queues every few seconds, and writes the ingester's heartbeat."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import psycopg

from db import inbox, operators
from db.connect import connect
from process.logs import get_logger
from process.stopping import StopSign
from process.watchdog import NOBODY, Watchdog
from worker.ingest.gate import Gate
from worker.ingest.sqs import Queue, QueueError
from worker.ingest.tally import Tally
from worker.settings import Settings

log = get_logger(__name__)

LOOK_EVERY_S = 5.0
ASK_SQS_EVERY_S = 30.0
REOPEN_BELOW = 0.5
"""The gate opens again when the backlog is younger than this fraction of its limit, so that it does
not flutter at the limit."""


class Watchman:
    """Shuts the gate while the backlog is too old or the database away; tells operators both."""

    def __init__(
        self,
        settings: Settings,
        gate: Gate,
        tally: Tally,
        *,
        queues: Sequence[Queue],
        dead_letters: Queue | None,
        clock: Callable[[], datetime],
        watchdog: Watchdog = NOBODY,
    ) -> None:
        self._settings = settings
        self._watchdog = watchdog
        self._gate = gate
        self._tally = tally
        self._queues = queues
        self._dead_letters = dead_letters
        self._clock = clock
        self._starting = True
        self._depths: dict[str, Any] = {}
        self._asked_sqs_at = float("-inf")
        self._conn: psycopg.Connection | None = None

    def run(self, stop: StopSign) -> None:
        """Look until told to stop."""
        while not stop.is_shown():
            # What it asks SQS takes its time too.
            with self._watchdog.watching("the watchman", more_s=self._settings.hang_seconds):
                self.look()
            stop.wait(LOOK_EVERY_S)

    def look(self) -> None:
        """One look: backlog, database, heartbeat, and then the queues.

        SQS may keep us waiting, so it comes last: what it says stands in the next heartbeat.
        """
        try:
            conn = self._connection()
            self._judge_backlog(inbox.read_backlog(conn).oldest_received_at)
            self._beat(conn, "gated" if self._gate.reasons else "running")
        except psycopg.Error as error:
            self._drop_connection()
            if self._gate.shut("database", str(error).strip()):
                log.error("database_away", error=str(error).strip())
        else:
            self._starting = False
            if self._gate.open("database"):
                log.info("database_back")
        self._ask_sqs()

    def farewell(self) -> None:
        """The last heartbeat says that it stopped on purpose."""
        try:
            self._beat(self._connection(), "stopped")
        except psycopg.Error as error:
            log.warning("farewell_failed", error=str(error).strip())
        self._drop_connection()

    def _judge_backlog(self, oldest_received_at: datetime | None) -> None:
        limit_s = self._settings.max_backlog_age_seconds
        age_s = 0.0
        if oldest_received_at is not None:
            age_s = (self._clock() - oldest_received_at).total_seconds()
        if age_s > limit_s:
            if self._gate.shut("backlog", f"oldest waiting message is {age_s:.0f} s old"):
                log.warning("backlog_too_old", age_s=round(age_s), limit_s=limit_s)
        elif age_s < limit_s * REOPEN_BELOW and self._gate.open("backlog"):
            log.info("backlog_young_again", age_s=round(age_s))

    def _ask_sqs(self) -> None:
        if time.monotonic() - self._asked_sqs_at < ASK_SQS_EVERY_S:
            return
        self._asked_sqs_at = time.monotonic()
        for queue in (*self._queues, *([self._dead_letters] if self._dead_letters else [])):
            try:
                found = queue.attributes()
            except QueueError as error:
                self._depths[queue.source] = {"error": str(error)[:200]}
            else:
                self._depths[queue.source] = {
                    "visible": found.visible,
                    "in_flight": found.in_flight,
                }

    def _beat(self, conn: psycopg.Connection, state: str) -> None:
        operators.beat_heart(
            conn,
            worker_id=self._settings.worker_id,
            role="ingest",
            state=state,
            details={
                "shut_because": self._gate.reasons,
                "since_start": self._tally.as_dict(),
                "queues": self._depths,
            },
            starting=self._starting,
        )

    def _connection(self) -> psycopg.Connection:
        if self._conn is None or self._conn.closed:
            self._conn = connect(self._settings.dsn, role="watchman", autocommit=True)
        return self._conn

    def _drop_connection(self) -> None:
        if self._conn is not None:
            self._conn.close()
            self._conn = None
