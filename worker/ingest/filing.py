"""T1: a batch of arrivals is read and filed in one transaction."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

import msgspec
import psycopg

from db import inbox
from db.rows import InboxRow, RejectedRow
from economics.facts import facts_to_json
from process.logs import get_logger
from process.watchdog import NOBODY, Watchdog
from worker.ingest.door import read
from worker.ingest.notification import Arrival, Notification, Rejection
from worker.settings import Settings

log = get_logger(__name__)

_CONTENT_AT_FAULT = (psycopg.DataError, psycopg.IntegrityError, ValueError, TypeError)
"""Errors that speak of what is in a message, not of how the database is."""


class Letter(msgspec.Struct, frozen=True, gc=False):
    """An arrival and what the door made of it."""

    arrival: Arrival
    read: Notification | Rejection
    trace_id: str


@dataclass(frozen=True, slots=True)
class Filed:
    """What one T1 committed. `stored` includes `ignored`; `repeats` left no trace.

    `refusals` are the database's reasons for what it refused; the sums count these as `rejected`,
    or as `repeats` where the dead letter was there.
    """

    stored: int = 0
    repeats: int = 0
    ignored: int = 0
    rejected: int = 0
    jobs: int = 0
    refusals: tuple[str, ...] = field(default=(), compare=False)

    def __add__(self, other: Filed) -> Filed:
        return Filed(
            self.stored + other.stored,
            self.repeats + other.repeats,
            self.ignored + other.ignored,
            self.rejected + other.rejected,
            self.jobs + other.jobs,
            self.refusals + other.refusals,
        )


@dataclass(frozen=True, slots=True)
class Filer:
    """Who files, and the head start of each source's jobs (seconds).

    The watchdog ends a process one of whose T1s hangs.
    """

    worker_id: str
    head_starts_s: Mapping[str, int]
    watchdog: Watchdog = field(default=NOBODY, compare=False)

    @classmethod
    def from_settings(cls, settings: Settings, watchdog: Watchdog = NOBODY) -> Filer:
        """High goes one head start before the others, and these one before low."""
        step = settings.priority_head_start_seconds
        head_starts_s = {"sqs-high": 2 * step, "sqs-low": 0, "": step}
        return cls(settings.worker_id, head_starts_s, watchdog)

    def head_start_s(self, source: str) -> int:
        """The head start of a source's jobs."""
        return self.head_starts_s.get(source, self.head_starts_s.get("", 0))


def open_letter(
    arrival: Arrival, *, now: datetime, fallback_seller_id: str | None = None
) -> Letter:
    """Read an arrival. Its trace id is the SQS MessageId, so that both logs use the same name."""
    return Letter(
        arrival,
        read(arrival, now=now, fallback_seller_id=fallback_seller_id),
        arrival.message_id or f"{arrival.source}-{uuid.uuid4()}",
    )


def file_letters(
    conn: psycopg.Connection, letters: Sequence[Letter], filer: Filer, *, now: datetime
) -> Filed:
    """File a batch, committed when this returns. Raises psycopg.Error with nothing filed.

    If the database refuses the batch because of what is in it, its letters are filed one by one
    and the refused one becomes a dead letter: one bad message does not sink the others.
    """
    try:
        return _transact(conn, letters, filer, now=now)
    except _CONTENT_AT_FAULT as error:
        log.warning("batch_refused", messages=len(letters), error=repr(error))
    total = Filed()
    for letter in letters:
        try:
            total += _transact(conn, [letter], filer, now=now)
        except _CONTENT_AT_FAULT as error:
            reason = str(error).replace("\x00", "").strip()[:500]
            filed = _transact(conn, [_refused(letter, reason)], filer, now=now)
            total += replace(filed, refusals=(reason,))
    return total


def _transact(
    conn: psycopg.Connection, letters: Sequence[Letter], filer: Filer, *, now: datetime
) -> Filed:
    notifications = [inbox_row(one, filer) for one in letters if _is_readable(one)]
    rejected = [_rejected_row(one) for one in letters if not _is_readable(one)]
    new_rejections: list[int] = []
    with filer.watchdog.watching("T1"), conn.transaction():
        stored = inbox.store_notifications(
            conn, notifications, now=now, ingested_by=filer.worker_id
        )
        if rejected:
            new_rejections = inbox.record_rejections(
                conn, rejected, now=now, worker_id=filer.worker_id
            )
    filed = Filed(
        stored=len(stored.row_ids),
        repeats=len(letters) - len(stored.row_ids) - len(new_rejections),
        ignored=stored.ignored,
        rejected=len(new_rejections),
        jobs=stored.jobs,
    )
    log.info(
        "stored",
        trace_ids=stored.trace_ids,
        messages=len(letters),
        repeats=filed.repeats,
        rejected=filed.rejected,
    )
    for row in rejected:
        log.warning(
            "quarantined", trace_id=row.trace_id, error_type=row.error_type, error=row.error_message
        )
    return filed


def _is_readable(letter: Letter) -> bool:
    return isinstance(letter.read, Notification)


def _refused(letter: Letter, reason: str) -> Letter:
    rejection = Rejection(letter.read.body_hash, "refused-by-database", reason)
    return Letter(letter.arrival, rejection, letter.trace_id)


def inbox_row(letter: Letter, filer: Filer) -> InboxRow:
    """The row of a letter that could be read. Raises TypeError for one that could not."""
    arrival, found = letter.arrival, letter.read
    if not isinstance(found, Notification):
        raise TypeError("a rejection has no place in the inbox")
    return InboxRow(
        notification_type=found.notification_type,
        status=found.status,
        seller_id=found.seller_id,
        marketplace_id=found.marketplace_id,
        asin=found.asin,
        item_condition=found.item_condition,
        audience=found.audience,
        event_time=found.event_time,
        publish_time=found.publish_time,
        event_key=found.event_key,
        message_id=arrival.message_id,
        body_hash=found.body_hash,
        source_key=found.source_key,
        notification_id=found.notification_id,
        trace_id=letter.trace_id,
        source=arrival.source,
        envelope=found.envelope,
        sent_at=arrival.sent_at,
        receive_count=arrival.receive_count,
        head_start_s=filer.head_start_s(arrival.source),
        body=arrival.body.decode("utf-8-sig"),
        facts=None if found.facts is None else facts_to_json(found.facts),
    )


def _rejected_row(letter: Letter) -> RejectedRow:
    found = letter.read
    if not isinstance(found, Rejection):
        raise TypeError("a notification is no dead letter")
    return RejectedRow(
        error_type=found.error_type,
        error_message=found.error_message,
        message_id=letter.arrival.message_id,
        trace_id=letter.trace_id,
        source=letter.arrival.source,
        body_hash=found.body_hash,
        raw_body=letter.arrival.body,
    )
