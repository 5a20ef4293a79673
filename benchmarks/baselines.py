"""The two ends of the scale: nothing but the insert, and the smallest hand-written worker."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from itertools import count
from random import Random
from typing import Any, LiteralString

import psycopg
from msgspec.structs import asdict

from benchmarks.desk import RawDesk
from benchmarks.store import SEVERITY, STORE, WORKER, MovedError, inbox_row, store_parameters
from db import products as sql
from db.connect import connect
from db.rows import StateRow
from economics.facts import facts_to_json
from worker.analysis.decide import Claimed, decide
from worker.analysis.state import Moment, Subject
from worker.analysis.store import processed_from_assessment, row_from_state, state_from_row
from worker.ingest.filing import Letter, open_letter
from worker.ingest.notification import Arrival, Notification

ONE_ROW: LiteralString = """
WITH stored AS (
    INSERT INTO worker_notifications (
        received_at, received_on, notification_type, status, seller_id, marketplace_id, asin,
        item_condition, audience, event_time, publish_time, event_key, message_id, body_hash,
        source_key, notification_id, trace_id, source, envelope, ingested_by
    )
    VALUES (
        now(), current_date, %(notification_type)s, %(status)s, %(seller_id)s,
        %(marketplace_id)s, %(asin)s, %(item_condition)s, %(audience)s, %(event_time)s,
        %(publish_time)s, %(event_key)s, %(message_id)s, %(body_hash)s, %(source_key)s,
        %(notification_id)s, %(trace_id)s, %(source)s, %(envelope)s, 'bench'
    )
    ON CONFLICT DO NOTHING
    RETURNING id, received_on
)
INSERT INTO notification_bodies (notification_id, received_on, body)
SELECT id, received_on, %(body)s FROM stored
"""

PLENTY = 10**9
"""More ids than one process needs."""


@contextmanager
def limit_bodies(url: str) -> Iterator[RawDesk]:
    """`executemany` of the bare bodies into the keyless half of the inbox."""
    with connect(url) as conn, conn.cursor() as cur:
        numbers, today = count(os.getpid() * PLENTY), datetime.now(UTC).date()

        def file(arrivals: Sequence[Arrival]) -> None:
            cur.executemany(
                "INSERT INTO notification_bodies (notification_id, received_on, body) "
                "VALUES (%s, %s, %s)",
                [(next(numbers), today, a.body.decode()) for a in arrivals],
            )
            conn.commit()

        yield file


@contextmanager
def hand_written(url: str) -> Iterator[RawDesk]:
    """Four statements and one transaction per message: store, read state, write state, mark."""
    with connect(url, autocommit=True) as conn:

        def file(arrivals: Sequence[Arrival]) -> None:
            for arrival in arrivals:
                letter = open_letter(arrival, now=datetime.now(UTC))
                while not _handle(conn, letter):
                    pass

        yield file


@contextmanager
def limit(url: str) -> Iterator[Callable[[Sequence[dict[str, Any]]], None]]:
    """`executemany` of bodies with their keys into the inbox, a commit per batch, nothing else."""
    with connect(url) as conn, conn.cursor() as cur:

        def file(rows: Sequence[dict[str, Any]]) -> None:
            cur.executemany(ONE_ROW, rows)
            conn.commit()

        yield file


def ready_made(arrivals: Sequence[Arrival]) -> list[dict[str, Any]]:
    """The parameters of ONE_ROW, read before the clock starts."""
    now = datetime.now(UTC)
    return [asdict(inbox_row(open_letter(arrival, now=now))) for arrival in arrivals]


DESKS: dict[str, Callable[[str], AbstractContextManager[Any]]] = {
    "limit": limit,
    "limit_bodies": limit_bodies,
    "hand_written": hand_written,
}


def _handle(conn: psycopg.Connection, letter: Letter) -> bool:
    """Whether it went through; not if the other process created the state in between."""
    found, now = letter.read, datetime.now(UTC)
    if not isinstance(found, Notification) or found.facts is None:
        raise TypeError("the benchmark's bodies are all readable")
    try:
        with conn.transaction():
            row = conn.execute(STORE, store_parameters([letter], now)).fetchone()
            if row is None:
                return True
            claimed = _claimed(found, row[0], letter.trace_id)
            subject = claimed.subject
            rows = sql.lock_states(conn, [(subject.marketplace_id, subject.asin)])
            known = {state.subject: state for state in map(state_from_row, rows)}
            decision = decide([claimed], known, SEVERITY, now=now, max_attempts=3, jitter=Random(0))
            states = [row_from_state(state) for state in decision.states]
            if states:
                _write(conn, states, now)
            sql.mark_processed(
                conn,
                [processed_from_assessment(a) for a in decision.assessments],
                processed_at=datetime.now(UTC),
                processing_ms=0,
                worker_id=WORKER,
            )
    except MovedError:
        return False
    return True


def _write(conn: psycopg.Connection, states: list[StateRow], now: datetime) -> None:
    if len(sql.upsert_states(conn, states, now=now, worker_id=WORKER)) != len(states):
        raise MovedError


def _claimed(found: Notification, row_id: int, trace_id: str) -> Claimed:
    if found.facts is None or found.event_time is None:
        raise TypeError("the benchmark's bodies are all readable")
    subject = Subject(
        found.seller_id or "",
        found.marketplace_id or "",
        found.asin or "",
        found.item_condition or "",
        found.audience,
    )
    moment = Moment(found.event_time, found.publish_time or found.event_time, found.event_key)
    return Claimed(row_id, subject, moment, 0, trace_id, facts_to_json(found.facts))
