"""What T1 writes of a message: every column from its own place."""

from __future__ import annotations

from datetime import UTC, date, datetime

from psycopg.rows import dict_row
from structlog.testing import capture_logs

from tests.factories import (
    ASIN,
    EVENT_TIME,
    GB,
    OWN_SELLER,
    any_offer_changed,
    arrival,
    b2b_any_offer_changed,
    body,
    sns,
)
from tests.interleave import FILER, column, deliver, letter
from worker.ingest.filing import file_letters, open_letter

NOW = datetime(2025, 3, 4, 23, 30, tzinfo=UTC)
SENT_AT = datetime(2025, 3, 4, 10, 15, 32, tzinfo=UTC)


def test_a_row_says_what_the_message_the_queue_and_the_ingester_said(conn):
    """In every session the day is that of UTC, by which the partitions of the bodies are cut."""
    conn.execute("SET TimeZone = 'Asia/Tokyo'")
    message = b2b_any_offer_changed(notification_id="n-1")
    wrapped = arrival(
        sns(body(message)),
        message_id="m-1",
        source="sqs-low",
        sent_at=SENT_AT,
        receive_count=3,
    )
    one = open_letter(wrapped, now=NOW)
    file_letters(conn, [one], FILER, now=NOW)

    row = conn.cursor(row_factory=dict_row).execute("SELECT * FROM worker_notifications").fetchone()
    found = one.read
    assert {name: row[name] for name in row if row[name] is not None} == {
        "id": row["id"],
        "received_at": NOW,
        "received_on": date(2025, 3, 4),
        "notification_type": "B2B_ANY_OFFER_CHANGED",
        "status": "waiting",
        "seller_id": OWN_SELLER,
        "marketplace_id": GB,
        "asin": ASIN,
        "item_condition": "new",
        "audience": "business",
        "product_key": f"{GB}:{ASIN}",
        "event_time": datetime.fromisoformat(EVENT_TIME),
        "publish_time": found.publish_time,
        "event_key": "n-1",
        "message_id": "m-1",
        "body_hash": found.body_hash,
        "source_key": found.source_key,
        "notification_id": "n-1",
        "trace_id": "m-1",
        "source": "sqs-low",
        "envelope": "sns",
        "sent_at": SENT_AT,
        "receive_count": 3,
        "ingested_by": FILER.worker_id,
        "attempts": 0,
    }
    assert found.publish_time != found.event_time
    (day, text, facts) = conn.execute(
        "SELECT received_on, body, facts IS NOT NULL FROM notification_bodies"
    ).fetchone()
    assert (day, text, facts) == (date(2025, 3, 4), wrapped.body.decode(), True)


def test_of_equal_bodies_in_one_batch_the_first_is_the_one_that_is_kept(conn):
    message = any_offer_changed(notification_id=None)
    letters = [letter(message, message_id=f"m-{n}") for n in range(5)]
    assert deliver(conn, *letters).stored == 1
    assert column(conn, "SELECT message_id FROM worker_notifications") == ["m-0"]


def test_equal_bodies_in_one_batch_do_not_make_the_database_refuse_it(conn):
    """It would then be filed letter by letter: with the same end, at the price of a transaction each."""
    message = any_offer_changed(notification_id=None)
    twice = [letter(message, message_id=f"m-{n}") for n in range(2)]
    with capture_logs() as lines:
        assert deliver(conn, *twice, letter()).stored == 2
    assert [line["event"] for line in lines if line["event"] == "batch_refused"] == []
    assert column(conn, "SELECT count(DISTINCT xmin::text) FROM worker_notifications") == [1]


def test_the_job_of_a_product_is_that_of_its_first_notification_in_line(conn):
    """Its trace is what an operator finds both by."""
    deliver(conn, letter(message_id="m-1"), letter(message_id="m-2"))
    first, _ = column(conn, "SELECT id FROM worker_notifications ORDER BY id")
    (of_job,) = column(conn, "SELECT (args ->> 'notification')::bigint FROM procrastinate_jobs")
    assert of_job == first
    assert column(conn, "SELECT args ->> 'trace_id' FROM procrastinate_jobs") == column(
        conn, f"SELECT trace_id FROM worker_notifications WHERE id = {first}"
    )
