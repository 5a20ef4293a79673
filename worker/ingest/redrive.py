"""Dead letters go through the same door again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import psycopg

from db import failures
from db.rows import FailureBody
from worker.ingest.filing import Filer, file_letters, open_letter
from worker.ingest.notification import Arrival, Rejection


@dataclass(frozen=True, slots=True)
class Redriven:
    """What became of one dead letter. Without `resolution` it failed again, as `error` says."""

    failure_id: int
    resolution: str | None
    error: str | None = None


def redrive(
    conn: psycopg.Connection,
    ids: Sequence[int],
    filer: Filer,
    *,
    now: datetime,
    fallback_seller_id: str | None = None,
) -> list[Redriven]:
    """Try dead letters again, in one transaction; those that pass are resolved, the rest count up.

    An ingest failure is read and filed anew; an analysis failure waits again from its first try.
    """
    with conn.transaction():
        letters = failures.fetch_failure_bodies(conn, ids)
        done = [
            _reopen(conn, one)
            if one.stage == "analysis"
            else _read_again(conn, one, filer, now=now, fallback_seller_id=fallback_seller_id)
            for one in letters
        ]
        resolved = {one.failure_id: one.resolution for one in done if one.resolution}
        if resolved:
            failures.resolve_failures(conn, resolved, now=now)
    return done


def _reopen(conn: psycopg.Connection, failure: FailureBody) -> Redriven:
    jobs = failures.reopen_notifications(conn, [failure.notification_row_id or 0])
    return Redriven(failure.id, "redriven" if jobs else "nothing left to redrive")


def _read_again(
    conn: psycopg.Connection,
    failure: FailureBody,
    filer: Filer,
    *,
    now: datetime,
    fallback_seller_id: str | None,
) -> Redriven:
    arrival = Arrival(failure.raw_body, message_id=failure.message_id, source="redrive")
    letter = open_letter(arrival, now=now, fallback_seller_id=fallback_seller_id)
    filed = file_letters(conn, [letter], filer, now=now)
    if isinstance(letter.read, Rejection):
        return Redriven(failure.id, None, letter.read.error_message)
    if filed.refusals:
        return Redriven(failure.id, None, f"refused by the database: {filed.refusals[0]}")
    return Redriven(failure.id, "redriven" if filed.stored else "already stored")
