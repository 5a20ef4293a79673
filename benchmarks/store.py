"""What the other queues do around their own work: the same rows, the same analysis, one by one.

Peers file a batch with `STORE`, which is T1 without its jobs, and enqueue through their own API in
the same transaction. Their handlers call `analyse_message`: T2 for one message.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from random import Random
from typing import Any, LiteralString

import psycopg

from db import products as sql
from db.params import columns
from db.rows import InboxRow
from worker.analysis.decide import decide
from worker.analysis.state import SeveritySettings
from worker.analysis.store import (
    claimed_from_row,
    history_from_assessment,
    processed_from_assessment,
    row_from_state,
    state_from_row,
)
from worker.ingest import filing
from worker.ingest.filing import Filer, Letter

STORE: LiteralString = """
WITH arrived AS (
    SELECT a.*
    FROM unnest(
        %(notification_type)b::text[], %(status)b::text[], %(seller_id)b::text[],
        %(marketplace_id)b::text[], %(asin)b::text[], %(item_condition)b::text[],
        %(audience)b::text[], %(event_time)b::timestamptz[], %(publish_time)b::timestamptz[],
        %(event_key)b::text[], %(message_id)b::text[], %(body_hash)b::bytea[],
        %(source_key)b::text[], %(notification_id)b::text[], %(trace_id)b::text[],
        %(source)b::text[], %(envelope)b::text[], %(body)b::text[], %(facts)b::text[]
    ) AS a (
        notification_type, status, seller_id, marketplace_id, asin, item_condition, audience,
        event_time, publish_time, event_key, message_id, body_hash, source_key, notification_id,
        trace_id, source, envelope, body, facts
    )
),
stored AS (
    INSERT INTO worker_notifications (
        received_at, received_on, notification_type, status, seller_id, marketplace_id, asin,
        item_condition, audience, event_time, publish_time, event_key, message_id, body_hash,
        source_key, notification_id, trace_id, source, envelope, ingested_by
    )
    SELECT %(now)s::timestamptz, (%(now)s::timestamptz AT TIME ZONE 'UTC')::date,
           a.notification_type, a.status, a.seller_id, a.marketplace_id, a.asin, a.item_condition,
           a.audience, a.event_time, a.publish_time, a.event_key, a.message_id, a.body_hash,
           a.source_key, a.notification_id, a.trace_id, a.source, a.envelope, 'bench'
    FROM arrived AS a
    ON CONFLICT DO NOTHING
    RETURNING id, received_on, body_hash, product_key
),
bodies AS (
    INSERT INTO notification_bodies (notification_id, received_on, body, facts)
    SELECT s.id, s.received_on, a.body, a.facts::json
    FROM stored AS s
    JOIN arrived AS a USING (body_hash)
)
SELECT s.id, s.product_key FROM stored AS s ORDER BY s.id
"""

WORKER = "bench"
SEVERITY = SeveritySettings()
ATTEMPTS = 20


class MovedError(Exception):
    """Another handler wrote the product's state in between."""


def store_parameters(letters: Sequence[Letter], now: datetime) -> dict[str, Any]:
    """The parameters of `STORE`."""
    return {**columns([inbox_row(letter) for letter in letters], InboxRow), "now": now}


def store(conn: psycopg.Connection, letters: Sequence[Letter]) -> list[tuple[int, str]]:
    """File a batch in the caller's transaction; returns (row id, product) of each."""
    found = conn.execute(STORE, store_parameters(letters, datetime.now(UTC))).fetchall()
    return [(row_id, product) for row_id, product in found]


def analyse_message(conn: psycopg.Connection, row_id: int, product: str) -> None:
    """Analyse one message: state, history, mark and bell in one transaction.

    Peers without a lock per product may run two messages of one at once; the loser looks again.
    """
    for _ in range(ATTEMPTS):
        try:
            with conn.transaction():
                _analyse(conn, row_id, product)
        except MovedError:
            continue
        return
    raise MovedError(product)


def _analyse(conn: psycopg.Connection, row_id: int, product: str) -> None:
    now, started = datetime.now(UTC), time.perf_counter()
    rows = sql.claim_notifications(conn, [product], now=now, max_rows=1, only_row_id=row_id)
    claimed = [claimed_from_row(row) for row in rows]
    if not claimed:
        return
    marketplace, _, asin = product.partition(":")
    known = {
        state.subject: state
        for state in map(state_from_row, sql.lock_states(conn, [(marketplace, asin)]))
    }
    decision = decide(claimed, known, SEVERITY, now=now, max_attempts=3, jitter=Random(0))
    states = [row_from_state(state) for state in decision.states]
    changed = sql.upsert_states(conn, states, now=now, worker_id=WORKER) if states else []
    if len(changed) != len(states):
        raise MovedError(product)
    history = [history_from_assessment(a) for a in decision.assessments]
    sql.append_history(conn, history, now=now)
    sql.mark_processed(
        conn,
        [processed_from_assessment(a) for a in decision.assessments],
        processed_at=datetime.now(UTC),
        processing_ms=(time.perf_counter() - started) * 1000,
        worker_id=WORKER,
    )
    if changed:
        sql.ring_state_bell(conn, changed)


def inbox_row(letter: Letter) -> InboxRow:
    """The row that T1 would store, without a head start for its job."""
    return filing.inbox_row(letter, Filer(WORKER, {}))
