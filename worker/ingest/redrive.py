"""Dead letters go through the same door again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import psycopg

from db import failures
from db.rows import FailureBody
from worker.ingest.filing import Filer, Letter, file_letters, inbox_row, open_letter
from worker.ingest.notification import Arrival, Rejection

NOBODY_KEPT_IT = "the body was dropped by retention before it could be analysed, and nobody kept it"


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

    An ingest failure is read and filed anew; an analysis failure waits again from its first try. Of
    one whose body retention has dropped, and perhaps its row too, the dead letter's own is read.
    """
    with conn.transaction():
        letters = failures.fetch_failure_bodies(conn, ids)
        done = [
            _drive(conn, one, filer, now=now, fallback_seller_id=fallback_seller_id)
            for one in letters
        ]
        resolved = {one.failure_id: one.resolution for one in done if one.resolution}
        if resolved:
            failures.resolve_failures(conn, resolved, now=now)
    return done


def _drive(
    conn: psycopg.Connection,
    failure: FailureBody,
    filer: Filer,
    *,
    now: datetime,
    fallback_seller_id: str | None,
) -> Redriven:
    analysed = failure.stage == "analysis"
    if analysed and (failure.has_body or failure.notification_status not in {None, "failed"}):
        return _reopen(conn, failure)
    if analysed and not failure.raw_body:
        return Redriven(failure.id, None, NOBODY_KEPT_IT)
    arrival = Arrival(failure.raw_body, message_id=failure.message_id, source="redrive")
    letter = open_letter(arrival, now=now, fallback_seller_id=fallback_seller_id)
    if analysed and isinstance(letter.read, Rejection):
        return Redriven(failure.id, None, letter.read.error_message)
    if failure.notification_status is None:
        return _file(conn, failure, letter, filer, now=now)
    kept = inbox_row(letter, filer)
    failures.put_back_body(
        conn, failure.notification_row_id or 0, body=kept.body, facts=kept.facts, now=now
    )
    return _reopen(conn, failure)


def _reopen(conn: psycopg.Connection, failure: FailureBody) -> Redriven:
    jobs = failures.reopen_notifications(conn, [failure.notification_row_id or 0])
    return Redriven(failure.id, "redriven" if jobs else "nothing left to redrive")


def _file(
    conn: psycopg.Connection,
    failure: FailureBody,
    letter: Letter,
    filer: Filer,
    *,
    now: datetime,
) -> Redriven:
    filed = file_letters(conn, [letter], filer, now=now)
    if isinstance(letter.read, Rejection):
        return Redriven(failure.id, None, letter.read.error_message)
    if filed.refusals:
        return Redriven(failure.id, None, f"refused by the database: {filed.refusals[0]}")
    return Redriven(failure.id, "redriven" if filed.stored else "already stored")
