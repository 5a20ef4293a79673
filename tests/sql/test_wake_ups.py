"""Jobs for what failed and is due again: which rows ask for one, and what it looks like."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from db import products
from db.rows import AttemptRow
from tests.interleave import column
from tests.true_rows import AT, put

HOUR = timedelta(hours=1)
PAST, FUTURE = datetime.now(UTC) - HOUR, datetime.now(UTC) + HOUR
PRODUCT = "M1:A1"


def waits(conn, n, **values):
    """A notification of its own keys; returns its id."""
    keys = {"message_id": f"m{n}", "notification_id": f"n{n}", "body_hash": bytes([n]) * 32}
    put(conn, "worker_notifications", trace_id=f"t{n}", **keys | values)
    return column(conn, "SELECT max(id) FROM worker_notifications")[0]


def jobs(conn):
    return conn.execute(
        "SELECT queue_name, task_name, priority, lock, queueing_lock, args, scheduled_at"
        " FROM procrastinate_jobs ORDER BY lock, args ->> 'product'"
    ).fetchall()


def test_a_product_gets_one_ordinary_job_for_all_of_it_that_is_due(scratch):
    waits(scratch, 1, event_time=AT + HOUR, next_attempt_at=PAST)
    first = waits(scratch, 2, event_time=AT, received_at=AT + HOUR)
    waits(scratch, 3, event_time=AT + 2 * HOUR, received_at=AT - HOUR)
    other = waits(scratch, 4, asin="A2", next_attempt_at=PAST)
    waits(scratch, 5, asin="A3")
    now = datetime.now(UTC)
    assert products.defer_due_analyses(scratch, [PRODUCT, "M1:A2"], now=now) == 2
    place = "SELECT buybox_due_order(%s, 0)"
    assert jobs(scratch) == [
        ("analysis", "analyse_product", column(scratch, place, received)[0], product, None,
         {"product": product, "notification": row, "trace_id": trace}, None)
        for product, row, trace, received in (
            (PRODUCT, first, "t2", AT + HOUR), ("M1:A2", other, "t4", AT))
    ]  # fmt: skip


@pytest.mark.parametrize(
    "so",
    [
        {"status": "failed"},
        {"status": "ignored"},
        {"status": "processed", "processed_at": AT, "outcome": "applied"},
        {"next_attempt_at": FUTURE},
    ],
)
def test_what_is_done_with_or_not_due_yet_gets_none(scratch, so):
    waits(scratch, 1, **so)
    assert products.defer_due_analyses(scratch, [PRODUCT], now=datetime.now(UTC)) == 0
    assert jobs(scratch) == []


@pytest.mark.parametrize(
    ("due", "ours"), [(PAST, PAST - HOUR), (FUTURE, FUTURE), (FUTURE, FUTURE + HOUR)]
)
def test_what_either_clock_says_is_due_is_due(scratch, due, ours):
    """Who failed is woken by the database's, once; ours may be behind."""
    waits(scratch, 1, next_attempt_at=due)
    assert products.defer_due_analyses(scratch, [PRODUCT], now=ours) == 1


def test_who_failed_is_woken_when_it_is_due_without_holding_up_its_product(scratch):
    def attempt(product, at):
        return AttemptRow(1, product, f"trace of {product}", "KeyError", "no", at)

    given_up = attempt("M1:A3", None)
    products.defer_wake_ups(scratch, [given_up])
    assert jobs(scratch) == []
    products.defer_wake_ups(
        scratch, [attempt("M1:A2", FUTURE + HOUR), given_up, attempt(PRODUCT, FUTURE)]
    )
    assert jobs(scratch) == [
        ("analysis", "wake_product", 0, None, None,
         {"product": product, "trace_id": f"trace of {product}"}, at)
        for product, at in ((PRODUCT, FUTURE), ("M1:A2", FUTURE + HOUR))
    ]  # fmt: skip
