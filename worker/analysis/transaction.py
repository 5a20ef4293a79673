"""T2: claim, decide, store: state, history, marks, jobs and the bell in one transaction."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import psycopg

from db import products as sql
from worker.analysis.decide import Claimed, Decision, decide, failed_attempt, subjects
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
from worker.logs import get_logger

log = get_logger(__name__)

Clock = Callable[[], datetime]

NOT_THE_MESSAGE = (psycopg.OperationalError, psycopg.ProgrammingError, RetryableError)
"""Errors that no message is to blame for: the database is away, busy, or during a deploy of another
version. They count as nobody's attempt."""


def utc_now() -> datetime:
    """The wall clock, in UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Analyst:
    """What a T2 needs to know beside its products."""

    worker_id: str
    severity: SeveritySettings = field(default_factory=SeveritySettings)
    max_attempts: int = 3
    max_rows: int = 200
    clock: Clock = utc_now
    jitter: random.Random = field(default_factory=random.Random)


@dataclass(frozen=True, slots=True)
class Analysed:
    """What one T2 did: notifications claimed, processed and failed, and the changes it rang for."""

    claimed: int = 0
    processed: int = 0
    failed: int = 0
    changed: tuple[tuple[str, str], ...] = ()


def analyse(conn: psycopg.Connection, products: Sequence[str], analyst: Analyst) -> Analysed:
    """Analyse what waits for these products (`marketplace:ASIN`), at most `max_rows` of it.

    Raises what NOT_THE_MESSAGE names, all worth another try, with nothing done. On any other
    error, such as the database refusing what was to be written, each notification is tried by
    itself, and the one that fails is set apart.
    """
    try:
        return _transact(conn, products, analyst)
    except NOT_THE_MESSAGE:
        raise
    except Exception as error:  # noqa: BLE001  found out below whose it is
        log.warning("batch_refused", products=list(products), error=repr(error))
    return _one_by_one(conn, products, analyst)


def _transact(
    conn: psycopg.Connection,
    products: Sequence[str],
    analyst: Analyst,
    *,
    only_row_id: int | None = None,
) -> Analysed:
    now, started = analyst.clock(), time.perf_counter()
    with conn.transaction():
        claimed = _claim(conn, products, analyst, now=now, only_row_id=only_row_id)
        if not claimed:
            return Analysed()
        known = {
            state.subject: state
            for state in map(state_from_row, sql.lock_states(conn, subjects(claimed)))
        }
        decision = decide(
            claimed,
            known,
            analyst.severity,
            now=now,
            max_attempts=analyst.max_attempts,
            jitter=analyst.jitter,
        )
        elapsed_ms = (time.perf_counter() - started) * 1000
        changed = _store(conn, decision, analyst, now=now, processing_ms=elapsed_ms / len(claimed))
        sql.delete_answered_jobs(conn, products, [c.row_id for c in claimed])
        if changed:
            sql.ring_state_bell(conn, changed)
    _log(claimed, decision, changed, elapsed_ms=(time.perf_counter() - started) * 1000)
    return Analysed(len(claimed), len(decision.assessments), len(decision.failed), tuple(changed))


def _claim(
    conn: psycopg.Connection,
    products: Sequence[str],
    analyst: Analyst,
    *,
    now: datetime,
    only_row_id: int | None,
) -> list[Claimed]:
    rows = sql.claim_notifications(
        conn, products, now=now, max_rows=analyst.max_rows, only_row_id=only_row_id
    )
    return [claimed_from_row(row) for row in rows]


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


def _one_by_one(conn: psycopg.Connection, products: Sequence[str], analyst: Analyst) -> Analysed:
    with conn.transaction():
        claimed = _claim(conn, products, analyst, now=analyst.clock(), only_row_id=None)
    total = Analysed()
    for one in claimed:
        try:
            done = _transact(conn, products, analyst, only_row_id=one.row_id)
        except NOT_THE_MESSAGE:
            raise
        except Exception as error:  # noqa: BLE001  it concerns this notification alone
            done = _set_apart(conn, one, error, products, analyst)
        total = Analysed(
            total.claimed + done.claimed,
            total.processed + done.processed,
            total.failed + done.failed,
            total.changed + done.changed,
        )
    return total


def _set_apart(
    conn: psycopg.Connection,
    one: Claimed,
    error: Exception,
    products: Sequence[str],
    analyst: Analyst,
) -> Analysed:
    now = analyst.clock()
    failed = failed_attempt(
        one, error, now=now, max_attempts=analyst.max_attempts, jitter=analyst.jitter
    )
    with conn.transaction():
        attempts = [attempt_row(failed)]
        sql.record_attempts(conn, attempts, now=now, worker_id=analyst.worker_id)
        sql.defer_wake_ups(conn, attempts)
        sql.delete_answered_jobs(conn, products, [one.row_id])
    log.error("analysis_failed", trace_id=one.trace_id, error=failed.error_message)
    return Analysed(claimed=1, failed=1)


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
