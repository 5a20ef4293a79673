"""T2: claim, decide, store: state, history, alerts, marks, jobs and the bells in one commit."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import psycopg

from db import economy
from db import products as sql
from db.alerts import ring_alert_bell
from process.logs import get_logger
from worker.alerts.raising import tell_alerts
from worker.analysis.decide import Claimed, Decision, decide, subjects
from worker.analysis.shelf import FeeShelf
from worker.analysis.state import SeveritySettings
from worker.analysis.store import (
    attempt_row,
    claimed_from_row,
    history_from_assessment,
    processed_from_assessment,
    row_from_state,
    state_from_row,
)
from worker.errors import RetryableError, StateMovedError

log = get_logger(__name__)

Clock = Callable[[], datetime]

NOT_THE_MESSAGE = (psycopg.OperationalError, psycopg.ProgrammingError, RetryableError)
"""Errors that no message is to blame for: the database is away, busy, or during a deploy of another
version. They count as nobody's attempt."""


HOT_PART = 4
"""Part of a shared transaction that one product may fill: one in four."""


@dataclass(frozen=True, slots=True)
class Analyst:
    """What a T2 needs to know beside its products."""

    worker_id: str
    severity: SeveritySettings = field(default_factory=SeveritySettings)
    max_attempts: int = 3
    max_rows: int = 200
    max_siblings: int = 0
    clock: Clock = lambda: datetime.now(UTC)
    jitter: random.Random = field(default_factory=random.Random)
    shelf: FeeShelf = field(default_factory=FeeShelf)


@dataclass(frozen=True, slots=True)
class Analysed:
    """What one T2 did: notifications claimed, processed and failed, and the changes it rang for."""

    claimed: int = 0
    processed: int = 0
    failed: int = 0
    changed: tuple[tuple[str, str], ...] = ()

    def __add__(self, other: Analysed) -> Analysed:
        return Analysed(
            self.claimed + other.claimed,
            self.processed + other.processed,
            self.failed + other.failed,
            self.changed + other.changed,
        )


def transact(
    conn: psycopg.Connection,
    products: Sequence[str],
    analyst: Analyst,
    *,
    only_row_id: int | None = None,
) -> Analysed:
    """One T2 for what waits for these products, or for one of it. If it raises, nothing is done."""
    with conn.transaction():
        economy.join_assessors(conn)
        return work(conn, products, analyst, only_row_id=only_row_id)


def work(
    conn: psycopg.Connection,
    products: Sequence[str],
    analyst: Analyst,
    *,
    only_row_id: int | None = None,
) -> Analysed:
    """T2 itself, inside the caller's transaction."""
    now, started = analyst.clock(), time.perf_counter()
    claimed = claim(conn, products, analyst, now=now, only_row_id=only_row_id)
    if not claimed and len(products) == 1:
        return Analysed()
    concerned = subjects(claimed)
    known = {s.subject: s for s in map(state_from_row, sql.lock_states(conn, concerned))}
    decision = decide(
        claimed,
        known,
        analyst.severity,
        now=now,
        max_attempts=analyst.max_attempts,
        jitter=analyst.jitter,
        economy=analyst.shelf.economy(conn, concerned),
    )
    elapsed_ms = (time.perf_counter() - started) * 1000
    changed = _store(
        conn, decision, analyst, now=now, processing_ms=elapsed_ms / max(1, len(claimed))
    )
    alerted = tell_alerts(conn, decision.heard, known, analyst.severity, now=now)
    perhaps_more = only_row_id is not None or len(claimed) >= _most_a_product(products, analyst)
    clear_jobs(conn, products, analyst, perhaps_more=perhaps_more, now=now)
    if changed:
        sql.ring_state_bell(conn, changed)
    if alerted:
        ring_alert_bell(conn, alerted)
    _log(claimed, decision, changed, elapsed_ms=(time.perf_counter() - started) * 1000)
    return Analysed(len(claimed), len(decision.assessments), len(decision.failed), tuple(changed))


def claim(
    conn: psycopg.Connection,
    products: Sequence[str],
    analyst: Analyst,
    *,
    now: datetime,
    only_row_id: int | None,
) -> list[Claimed]:
    """Lock what waits for these products, at most `max_rows` of it, until the transaction ends."""
    rows = sql.claim_notifications(
        conn,
        products,
        now=now,
        max_rows=analyst.max_rows,
        max_rows_a_product=_most_a_product(products, analyst),
        only_row_id=only_row_id,
    )
    return [claimed_from_row(row) for row in rows]


def _most_a_product(products: Sequence[str], analyst: Analyst) -> int:
    """Beside others a hot product takes a part of the transaction, alone it may have it all."""
    return analyst.max_rows if len(products) == 1 else max(1, analyst.max_rows // HOT_PART)


def clear_jobs(
    conn: psycopg.Connection,
    products: Sequence[str],
    analyst: Analyst,
    *,
    perhaps_more: bool,
    now: datetime,
) -> None:
    """Delete the products' waiting jobs, and put one back for each that is not clean yet.

    Where the front of the queue shows few products these fill it, and their jobs go by thousands.
    """
    crowded = len(products) - 1 < max(1, analyst.max_siblings // 2)
    touched: dict[str, int | None] = dict(sql.delete_waiting_jobs(conn, products, crowded=crowded))
    if perhaps_more:
        # Whatever was left for another time must be in line even if it had no job of its own.
        touched = dict.fromkeys(products) | touched
    if touched:
        sql.defer_successors(conn, touched, now=now)


def _store(
    conn: psycopg.Connection,
    decision: Decision,
    analyst: Analyst,
    *,
    now: datetime,
    processing_ms: float,
) -> list[tuple[str, str]]:
    changed: list[tuple[str, str]] = []
    if decision.states:
        rows = [row_from_state(state) for state in decision.states]
        changed = sql.upsert_states(conn, rows, now=now, worker_id=analyst.worker_id)
        if len(changed) != len(rows):
            raise StateMovedError
    if decision.noted:
        noted = [row_from_state(state) for state in decision.noted]
        if sql.note_lows(conn, noted) != len(noted):
            raise StateMovedError
    if decision.assessments:
        sql.append_history(
            conn, [history_from_assessment(a) for a in decision.assessments], now=now
        )
        marked = sql.mark_processed(
            conn,
            [processed_from_assessment(a) for a in decision.assessments],
            processed_at=analyst.clock(),
            processing_ms=processing_ms,
            worker_id=analyst.worker_id,
        )
        if marked != len(decision.assessments):
            raise StateMovedError
    if decision.failed:
        attempts = [attempt_row(f) for f in decision.failed]
        sql.record_attempts(conn, attempts, now=now, worker_id=analyst.worker_id)
        sql.defer_wake_ups(conn, attempts)
    return changed


def _log(
    claimed: Sequence[Claimed],
    decision: Decision,
    changed: Sequence[tuple[str, str]],
    *,
    elapsed_ms: float,
) -> None:
    log.info(
        "analysed",
        trace_ids=[c.trace_id for c in claimed],
        processed=len(decision.assessments),
        changed=[list(change) for change in changed],
        bell=bool(changed),
        duration_ms=round(elapsed_ms, 1),
    )
    for failed in decision.failed:
        log.error(
            "analysis_failed",
            trace_id=failed.claimed.trace_id,
            error_type=failed.error_type,
            error=failed.error_message,
            next_attempt_at=failed.next_attempt_at,
        )
