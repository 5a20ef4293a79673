"""A dead letter is one row: the newest reason, the first time, and how often in all."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from psycopg.rows import dict_row

from db.failures import reopen_notifications, resolve_failures
from db.inbox import record_rejections
from db.products import record_attempts
from db.rows import AttemptRow, RejectedRow
from tests.alert_rows import insert

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)


def notification(conn, number):
    return insert(
        conn,
        "worker_notifications",
        received_at=NOW,
        received_on=NOW.date(),
        notification_type="ANY_OFFER_CHANGED",
        status="waiting",
        seller_id="S1",
        marketplace_id="M1",
        asin=f"B00000000{number}",
        item_condition="new",
        event_time=NOW,
        event_key=f"k{number}",
        message_id=f"m{number}",
        body_hash=number.to_bytes(32, "big"),
        notification_id=f"n{number}",
        trace_id=f"t{number}",
        source="sqs",
        envelope="direct",
        ingested_by="i1",
    )


def failures(conn):
    with conn.cursor(row_factory=dict_row) as cursor:
        found = cursor.execute("SELECT * FROM worker_failures ORDER BY id").fetchall()
    for one in found:
        one.pop("id")
    return found


def marks(conn, number):
    return conn.execute(
        "SELECT status, attempts, next_attempt_at, last_error FROM worker_notifications WHERE id = %s",
        (number,),
    ).fetchone()


def test_a_message_that_dies_again_has_the_newest_reason_and_both_counts(scratch):
    dying, other = notification(scratch, 1), notification(scratch, 2)
    scratch.execute(
        "INSERT INTO notification_bodies (notification_id, received_on, body) VALUES (%s, %s, '{1}')",
        (dying, NOW.date()),
    )

    def fail(kind, again=None, *, at=NOW, by="w1"):
        row = AttemptRow(dying, "M1:B000000001", "t1", kind, f"because of {kind}", again)
        record_attempts(scratch, [row], now=at, worker_id=by)

    fail("Busy", LATER)
    assert marks(scratch, dying) == ("waiting", 1, LATER, "Busy: because of Busy")
    assert failures(scratch) == []
    fail("First")
    assert marks(scratch, dying) == ("failed", 2, None, "First: because of First")
    first = {
        "stage": "analysis",
        "error_type": "First",
        "error_message": "because of First",
        "failure_count": 2,
        "first_failed_at": NOW,
        "last_failed_at": NOW,
        "resolved_at": None,
        "resolution": None,
        "message_id": "m1",
        "notification_row_id": dying,
        "trace_id": "t1",
        "source": "sqs",
        "worker_id": "w1",
        "body_hash": (1).to_bytes(32, "big"),
        "raw_body": b"{1}",
    }
    assert failures(scratch) == [first]

    (number,) = scratch.execute("SELECT id FROM worker_failures").fetchone()
    reopen_notifications(scratch, [dying, other])
    assert marks(scratch, dying) == ("waiting", 0, NOW, None)
    resolve_failures(scratch, {number: "redriven"}, now=NOW)
    fail("Second", at=LATER, by="w2")
    again = {"error_type": "Second", "error_message": "because of Second", "failure_count": 3}
    assert failures(scratch) == [first | again | {"last_failed_at": LATER, "worker_id": "w2"}]
    assert marks(scratch, other) == ("waiting", 0, None, None)


def test_what_is_no_longer_waiting_is_no_failed_attempt(scratch):
    done = notification(scratch, 1)
    scratch.execute("UPDATE worker_notifications SET status = 'failed', attempts = 3")
    late = AttemptRow(done, "M1:B000000001", "t1", "Late", "too late", None)
    record_attempts(scratch, [late], now=NOW, worker_id="w")
    assert (marks(scratch, done)[:2], failures(scratch)) == (("failed", 3), [])


def test_a_body_that_is_refused_again_has_the_newest_reason_and_one_row(scratch):
    def reject(kind, *, at=NOW, by="w1"):
        row = RejectedRow(
            error_type=kind,
            error_message=f"because of {kind}",
            message_id="m1",
            trace_id="t1",
            source="sqs",
            body_hash=b"\x01" * 32,
            raw_body=b"{",
        )
        return record_rejections(scratch, [row], now=at, worker_id=by)

    assert len(reject("malformed-json")) == 1
    (first,) = failures(scratch)
    assert (first["stage"], first["failure_count"], first["raw_body"]) == ("ingest", 1, b"{")
    scratch.execute("UPDATE worker_failures SET resolved_at = now(), resolution = 'ignored'")
    assert reject("unknown-type", at=LATER, by="w2") == []
    again = {"error_type": "unknown-type", "error_message": "because of unknown-type"}
    counted = {"failure_count": 2, "last_failed_at": LATER, "worker_id": "w2"}
    assert failures(scratch) == [first | again | counted]
