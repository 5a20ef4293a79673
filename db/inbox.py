"""T1: filing what arrived. The caller owns the transaction; nothing here commits."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import psycopg
from psycopg.rows import class_row

from db.params import columns
from db.rows import (
    Backlog,
    InboxRow,
    Outcomes,
    ProcessingTimes,
    RejectedRow,
    StoredBatch,
)
from db.sql import only_row, query

BACKLOG_COUNTED_UP_TO = 100_000
"""Counting further would cost more than the number is worth to anybody."""


def store_notifications(
    conn: psycopg.Connection, rows: Sequence[InboxRow], *, now: datetime, ingested_by: str
) -> StoredBatch:
    """File notifications, each once, with a job for each product of theirs that has none in line.

    Rows that the dedupe constraints already know change nothing and are missing from the answer.
    """
    with conn.cursor(row_factory=class_row(StoredBatch)) as cur:
        cur.execute(
            query("store_notifications"),
            {**columns(rows, InboxRow), "now": now, "ingested_by": ingested_by},
        )
        return only_row(cur)


def record_rejections(
    conn: psycopg.Connection, rows: Sequence[RejectedRow], *, now: datetime, worker_id: str
) -> list[int]:
    """File what could not be read; returns the ids of those not seen before."""
    with conn.cursor() as cur:
        cur.execute(
            query("record_rejections"),
            {**columns(rows, RejectedRow), "now": now, "worker_id": worker_id},
        )
        return [row_id for row_id, is_new in cur if is_new]


def read_backlog(conn: psycopg.Connection) -> Backlog:
    """What waits for analysis (counted up to BACKLOG_COUNTED_UP_TO) and its oldest arrival."""
    with conn.cursor(row_factory=class_row(Backlog)) as cur:
        cur.execute(query("read_backlog"), {"max_rows": BACKLOG_COUNTED_UP_TO})
        return only_row(cur)


def count_outcomes(conn: psycopg.Connection, *, since: datetime) -> Outcomes:
    """What became of everything received since then."""
    with conn.cursor(row_factory=class_row(Outcomes)) as cur:
        cur.execute(query("count_outcomes"), {"since": since})
        return only_row(cur)


def read_processing_times(
    conn: psycopg.Connection, *, since: datetime, max_rows: int
) -> list[ProcessingTimes]:
    """When each notification received since then came in and was analysed, newest first."""
    with conn.cursor(row_factory=class_row(ProcessingTimes)) as cur:
        cur.execute(query("read_processing_times"), {"since": since, "max_rows": max_rows})
        return cur.fetchall()
