"""The operators' views of queue and workers: what they say of rows whose answer is known by hand."""

from __future__ import annotations

import itertools
from datetime import datetime, timedelta

import pytest

from db.operators import read_view
from tests.alert_rows import insert
from tests.alerts import HOUR, MINUTE, SECOND

NUMBERS = itertools.count(1)


@pytest.fixture
def now(scratch) -> datetime:
    """The transaction's time: that of now() in the views."""
    return scratch.execute("SELECT now()").fetchone()[0]


def notification(conn, at, asin="B0PRODUCT1", **values):
    """A notification that came at this moment; returns its id."""
    n = next(NUMBERS)
    given = {
        "received_at": at,
        "received_on": at.date(),
        "notification_type": "ANY_OFFER_CHANGED",
        "status": "waiting",
        "seller_id": "S1",
        "marketplace_id": "M1",
        "asin": asin,
        "item_condition": "new",
        "event_time": at,
        "event_key": f"k{n}",
        "message_id": f"m{n}",
        "body_hash": n.to_bytes(32, "big"),
        "notification_id": f"n{n}",
        "trace_id": f"t{n}",
        "source": "sqs",
        "envelope": "direct",
        "ingested_by": "i1",
    }
    return insert(conn, "worker_notifications", **given | values)


def processed(conn, at, done, **values):
    return notification(
        conn,
        at,
        status="processed",
        processed_at=done,
        outcome="applied",
        severity="info",
        policy="full",
        **values,
    )


def job(conn, status="todo", *, queue="analysis", product=None, args=None, **values):
    task = {"queue_name": queue, "task_name": "analyse_product", "lock": product, "status": status}
    return insert(conn, "procrastinate_jobs", **task, args=args or {}, priority=0, **values)


def event(conn, job_id, kind, at):
    """In the place of whatever the queue's triggers have noted of the kind."""
    conn.execute(
        "DELETE FROM procrastinate_events WHERE job_id = %s AND type::text = %s", (job_id, kind)
    )
    insert(conn, "procrastinate_events", job_id=job_id, type=kind, at=at)


def worker(conn, heard):
    return insert(conn, "procrastinate_workers", last_heartbeat=heard)


def failure(conn, at, kind="malformed-json", **values):
    given = {
        "stage": "ingest",
        "error_type": kind,
        "error_message": "it is not JSON",
        "first_failed_at": at,
        "last_failed_at": at,
        "trace_id": "t1",
        "source": "sqs",
        "worker_id": "w1",
        "body_hash": next(NUMBERS).to_bytes(32, "big"),
        "raw_body": b"{",
    }
    return insert(conn, "worker_failures", **given | values)


# what waits ---------------------------------------------------------------------------------------


def test_each_waiting_notification_says_who_holds_its_product_and_since_when(scratch, now):
    came, again = now - HOUR, now + MINUTE
    expected = {
        notification(scratch, came, "B0UNHELD01"): ("unheld", came),
        notification(scratch, came, "B0WAITS001"): ("waiting", came),
        notification(scratch, came, "B0RUNS0001"): ("running", came),
        notification(scratch, came, "B0BACKS001", next_attempt_at=again): ("backing-off", again),
        notification(scratch, came, "B0DUE00001", next_attempt_at=now): ("waiting", now),
    }
    processed(scratch, came, now, asin="B0DONE0001")
    job(scratch, "failed", product="M1:B0UNHELD01")
    job(scratch, "succeeded", product="M1:B0UNHELD01")
    job(scratch, "todo", product="M1:B0RUNS0001")
    job(scratch, "doing", product="M1:B0RUNS0001")
    for asin in ("B0WAITS001", "B0BACKS001", "B0DUE00001"):
        job(scratch, "todo", product=f"M1:{asin}")
    found = read_view(scratch, "asin_work_queue")
    assert {one["notification"]: (one["status"], one["since"]) for one in found} == expected


def test_a_queue_says_how_many_wait_run_and_failed_and_how_long_its_oldest_has_waited(scratch, now):
    first = notification(scratch, now - HOUR)
    job(scratch, "succeeded", args={"notification": notification(scratch, now - 3 * HOUR)})
    oldest = job(scratch, args={"notification": first})
    event(scratch, oldest, "deferred", now - MINUTE)
    job(scratch, args={"notification": notification(scratch, now - 2 * HOUR)})
    for status, times in {"doing": 3, "failed": 4, "succeeded": 5}.items():
        for _ in range(times):
            job(scratch, status, queue="analysis")
    delivery = job(scratch, queue="delivery")
    event(scratch, delivery, "scheduled", now - HOUR)
    event(scratch, delivery, "deferred", now - MINUTE)
    job(scratch, "doing", queue="upkeep")
    found = {one.pop("queue"): tuple(one.values()) for one in read_view(scratch, "queue_depth")}
    assert found == {
        "analysis": (2, 3, 4, HOUR),
        "delivery": (1, 0, 0, MINUTE),
        "upkeep": (0, 1, 0, None),
    }


# who is at work -----------------------------------------------------------------------------------


def test_stalled_is_what_runs_without_a_worker_or_by_one_that_is_silent_or_for_too_long(
    scratch, now
):
    def running(heard, since):
        found = job(scratch, "doing", worker_id=heard and worker(scratch, heard))
        event(scratch, found, "started", since)
        return found

    again = running(now - 29 * SECOND, now - HOUR)
    insert(scratch, "procrastinate_events", job_id=again, type="started", at=now - 299 * SECOND)
    job(scratch, "todo")
    gone = running(None, now - SECOND)
    silent = running(now - 31 * SECOND, now - SECOND)
    slow = running(now, now - 301 * SECOND)
    event(scratch, slow, "abort_requested", now)
    found = {one["job_id"]: one for one in read_view(scratch, "stalled_jobs")}
    assert found.keys() == {gone, silent, slow}
    assert found[gone]["worker_silent_for"] is None
    assert found[silent]["worker_silent_for"] == 31 * SECOND
    assert found[slow]["running_for"] == 301 * SECOND


def test_a_worker_is_what_it_says_until_it_has_been_silent_for_half_a_minute(scratch, now):
    def ingester(name, state, silent):
        seen = now - silent
        insert(
            scratch,
            "worker_heartbeats",
            worker_id=name,
            role="ingest",
            started_at=now - HOUR,
            last_seen=seen,
            state=state,
        )

    ingester("gated", "gated", 29 * SECOND)
    ingester("lost", "receiving", 31 * SECOND)
    ingester("gone", "stopped", HOUR)
    working, idle, lost = (worker(scratch, now - age * SECOND) for age in (29, 0, 31))
    for status, by in (("doing", working), ("todo", None), ("doing", lost), ("succeeded", idle)):
        job(scratch, status, worker_id=by)
    found = {one["worker_id"]: one for one in read_view(scratch, "worker_health")}
    assert {name: (one["state"], one["silent_for"]) for name, one in found.items()} == {
        "gated": ("gated", 29 * SECOND),
        "lost": ("lost", 31 * SECOND),
        "gone": ("stopped", HOUR),
        f"procrastinate-{working}": ("working", 29 * SECOND),
        f"procrastinate-{idle}": ("idle", 0 * SECOND),
        f"procrastinate-{lost}": ("lost", 31 * SECOND),
    }
    assert {found["gated"]["role"], found[f"procrastinate-{idle}"]["role"]} == {
        "ingest",
        "analysis",
    }
    assert found[f"procrastinate-{working}"]["details"] == {"running": 1}
    assert found[f"procrastinate-{idle}"]["details"] == {"running": 0}


# how fast it goes ---------------------------------------------------------------------------------


@pytest.mark.parametrize("behind", [None, timedelta(days=3)])
def test_each_minute_of_the_last_hour_counts_what_came_was_done_and_failed(scratch, now, behind):
    """Also while the workers catch up with what came days ago."""
    minute = now.replace(second=0, microsecond=0)
    before = minute - 10 * MINUTE
    processed(scratch, before, minute)
    processed(scratch, before + 59 * SECOND, minute)
    for status in ("failed", "ignored"):
        notification(scratch, minute if status == "ignored" else before, status=status)
    failure(scratch, before)
    failure(scratch, minute - 61 * MINUTE)
    if behind:
        notification(scratch, now - behind)
    processed(scratch, now - (behind or timedelta(0)) - 20 * HOUR, minute - MINUTE)
    found = read_view(scratch, "throughput_per_minute", max_rows=100)
    assert [one.pop("minute") for one in found] == [minute - n * MINUTE for n in range(60)]
    assert found[30] == {"received": 0, "processed": 0, "ignored": 0, "failed": 0}
    counted = {n: tuple(one.values()) for n, one in enumerate(found) if any(one.values())}
    assert counted == {0: (1, 2, 1, 0), 1: (0, 1, 0, 0), 10: (3, 0, 0, 1)}


def test_the_lag_says_for_each_queue_where_the_time_went(scratch, now):
    came = now - 10 * MINUTE
    for wait, age, work, source in ((1, 10, 4, "sqs"), (3, 30, 8, "sqs"), (5, 50, 6, "sqs-low")):
        at = came - wait * MINUTE
        processed(
            scratch,
            at,
            at + work * SECOND,
            source=source,
            sent_at=at - wait * SECOND,
            event_time=at - age * SECOND,
        )
    notification(scratch, now - 61 * MINUTE, source="long ago")
    found = {one.pop("source"): one for one in read_view(scratch, "ingest_lag")}
    counts = {name: one["received_last_hour"] for name, one in found.items()}
    assert counts == {"sqs": 2, "sqs-low": 1, "all": 3}
    last = (found["all"]["last_received_at"], found["all"]["silent_for"])
    assert last == (came - MINUTE, 11 * MINUTE)
    of = {"sqs_wait": (2, 3), "event_age": (20, 30), "analysis": (6, 8)}
    for what, (half, nearly_all) in of.items():
        assert found["sqs"][f"{what}_p50"] == half * SECOND
        assert 0 < nearly_all - found["sqs"][f"{what}_p99"] / SECOND < 0.5
        assert found["all"][f"{what}_p50"] in {3 * SECOND, 30 * SECOND, 6 * SECOND}


# what failed --------------------------------------------------------------------------------------


def test_after_hours_of_silence_the_lag_still_says_how_long_it_is(scratch, now):
    """That is when somebody asks; the rest is of the last hour, in which there was nothing."""
    for hours in (9, 5):
        notification(scratch, now - hours * HOUR)
    (found,) = read_view(scratch, "ingest_lag")
    assert (found["source"], found["received_last_hour"]) == ("all", 0)
    assert (found["last_received_at"], found["silent_for"]) == (now - 5 * HOUR, 5 * HOUR)


def test_the_failures_of_a_kind_are_counted_open_and_dealt_with(scratch, now):
    dealt_with = {"resolved_at": now, "resolution": "redriven"}
    failure(scratch, now - HOUR, failure_count=3)
    failure(scratch, now - 2 * HOUR, last_failed_at=now, **dealt_with)
    for _ in range(2):
        failure(scratch, now - 3 * HOUR, "unknown-type")
    failure(scratch, now, stage="analysis", notification_row_id=1, **dealt_with)
    found = [tuple(one.values()) for one in read_view(scratch, "failure_summary")]
    assert found == [
        ("ingest", "unknown-type", 2, 0, 2, now - 3 * HOUR, now - 3 * HOUR),
        ("ingest", "malformed-json", 1, 1, 4, now - 2 * HOUR, now),
        ("analysis", "malformed-json", 0, 1, 1, now, now),
    ]


def test_recent_failures_are_those_of_a_week_the_newest_first(scratch, now):
    week = timedelta(days=7)
    old = failure(scratch, now - 2 * week, last_failed_at=now - week + SECOND, raw_body=b"x" * 501)
    failure(scratch, now - week)
    new = failure(scratch, now - HOUR)
    found = read_view(scratch, "recent_failures")
    assert [one["id"] for one in found] == [new, old]
    assert found[1]["body_begins"].startswith("x" * 500)


# what one message became ---------------------------------------------------------------------------


def test_a_message_whose_body_was_dropped_is_still_there(scratch, now):
    with_body, without = (notification(scratch, now) for _ in range(2))
    scratch.execute(
        "INSERT INTO notification_bodies (notification_id, received_on, body) VALUES (%s, %s, '{}')",
        (with_body, now.date()),
    )
    found = {one["id"]: one["body"] for one in read_view(scratch, "worker_notifications")}
    assert found == {with_body: "{}", without: None}
