"""When the analysis of one notification fails: it alone waits, and in the end it is a dead letter."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from db import products as sql
from db.failures import list_failures, reopen_notifications, resolve_failures
from db.inbox import read_backlog
from db.rows import Backlog
from tests.factories import GB, pricing_health
from tests.interleave import (
    PRODUCT,
    Background,
    begin,
    column,
    deliver,
    fetch_job,
    finish_job,
    letter,
    work,
)
from worker.analysis import decide
from worker.errors import PermanentError

pytestmark = pytest.mark.usefixtures("siblings")

LATER = timedelta(minutes=10)


@pytest.fixture
def broken(conn, monkeypatch):
    """Three notifications of one product; whatever says "bad" as its trace id cannot be analysed."""
    sound = decide.apply_event

    def apply_event(state, event, *more):
        if event.trace_id.startswith("bad"):
            raise ZeroDivisionError("a bug of ours")
        return sound(state, event, *more)

    monkeypatch.setattr(decide, "apply_event", apply_event)
    times = [f"2025-03-04T10:00:0{n}Z" for n in range(3)]
    letters = [
        letter(event_time=time, message_id=name)
        for time, name in zip(times, ["good-1", "bad", "good-2"], strict=True)
    ]
    deliver(conn, *letters)
    return monkeypatch


def rows(conn):
    return dict(
        conn.execute(
            "SELECT trace_id, (status, attempts)::text FROM worker_notifications"
        ).fetchall()
    )


def test_the_others_of_the_product_go_on(conn, broken):
    done = work(conn)
    assert (done.claimed, done.processed, done.failed) == (3, 2, 1)
    assert rows(conn) == {
        "good-1": "(processed,0)",
        "bad": "(waiting,1)",
        "good-2": "(processed,0)",
    }
    assert column(conn, "SELECT last_error FROM worker_notifications WHERE attempts > 0") == [
        "ZeroDivisionError: a bug of ours"
    ]
    assert list_failures(conn) == []


def test_it_is_woken_by_a_job_without_a_lock(conn, broken):
    work(conn)
    (wake,) = conn.execute(
        "SELECT task_name, lock, queueing_lock, args ->> 'product', scheduled_at"
        " FROM procrastinate_jobs"
    ).fetchall()
    (due,) = column(conn, "SELECT next_attempt_at FROM worker_notifications WHERE attempts = 1")
    assert wake == ("wake_product", None, None, PRODUCT, due)
    assert datetime.now(UTC) < due < datetime.now(UTC) + timedelta(seconds=3)


def test_it_does_not_hold_back_fresh_messages_of_its_product(conn, broken):
    work(conn)
    assert work(conn).claimed == 0
    conn.execute("UPDATE procrastinate_jobs SET scheduled_at = now() + interval '1 hour'")
    conn.execute(
        "UPDATE worker_notifications SET next_attempt_at = now() + interval '1 hour'"
        " WHERE next_attempt_at IS NOT NULL"
    )
    assert fetch_job(conn) is None
    deliver(conn, letter(event_time="2025-03-04T10:00:09Z", message_id="fresh"))
    job = fetch_job(conn)
    assert job["task_name"] == "analyse_product"
    assert work(conn, job["lock"]).claimed == 1
    assert rows(conn)["fresh"] == "(processed,0)"
    assert rows(conn)["bad"] == "(waiting,1)"


def test_however_many_wait_for_another_try_a_fresh_message_is_taken(conn, broken):
    """They are older and would be chosen first: as many as one transaction takes."""
    deliver(conn, letter(event_time="2025-03-04T10:00:04Z", message_id="bad-too"))
    assert work(conn).failed == 2
    deliver(conn, letter(event_time="2025-03-04T10:00:09Z", message_id="fresh"))
    done = work(conn, later=timedelta(milliseconds=-50), max_rows=2)
    assert (done.claimed, rows(conn)["fresh"]) == (1, "(processed,0)")


def test_a_fresh_message_is_no_reason_to_try_it_early(conn, broken):
    work(conn)
    deliver(conn, letter(event_time="2025-03-04T10:00:09Z"))
    work(conn, later=timedelta(milliseconds=-50))
    assert rows(conn)["bad"] == "(waiting,1)"


def test_who_waited_for_the_failing_does_not_try_it_early(conn, open_connection, broken):
    """When the second asked, it was due; when the second gets it, the first has put it off."""
    first = begin(open_connection())
    assert work(first).failed == 1
    second = Background(work, open_connection(), worker_id="worker-2").until_blocked(conn)
    first.commit()
    assert second.result().claimed == 0
    assert rows(conn)["bad"] == "(waiting,1)"


def test_when_it_is_due_it_is_tried_and_may_succeed(conn, broken):
    work(conn)
    broken.undo()
    assert work(conn, later=LATER).processed == 1
    assert rows(conn)["bad"] == "(processed,1)"
    outcomes = column(conn, "SELECT outcome FROM competitive_history ORDER BY event_time")
    assert outcomes == ["applied", "late", "applied"]


def test_after_the_last_attempt_it_is_a_dead_letter_with_its_body(conn, broken):
    for attempt in range(3):
        assert work(conn, later=attempt * LATER).failed == 1
    assert work(conn, later=9 * LATER).claimed == 0
    (dead,) = list_failures(conn)
    assert (dead.stage, dead.error_type, dead.failure_count) == ("analysis", "ZeroDivisionError", 3)
    assert dead.error_message == "a bug of ours"
    assert rows(conn)["bad"] == "(failed,3)"
    assert column(conn, "SELECT convert_from(raw_body, 'UTF8') FROM worker_failures") == column(
        conn, "SELECT body FROM ops.worker_notifications WHERE trace_id = 'bad'"
    )
    assert column(conn, "SELECT count(*) FROM procrastinate_jobs WHERE lock IS NOT NULL") == [0]


def test_the_number_of_attempts_is_a_setting(conn, broken):
    work(conn, max_attempts=1)
    assert rows(conn)["bad"] == "(failed,1)"
    assert len(list_failures(conn)) == 1


def test_what_trying_again_cannot_help_is_given_up_at_once(conn, broken):
    def apply_event(*_):
        raise PermanentError

    broken.setattr(decide, "apply_event", apply_event)
    assert work(conn).failed == 3
    assert set(rows(conn).values()) == {"(failed,1)"}
    assert fetch_job(conn) is None


def test_a_dead_letter_that_is_reopened_starts_from_its_first_attempt(conn, broken):
    work(conn, max_attempts=1)
    broken.undo()
    (dead,) = list_failures(conn)
    assert reopen_notifications(conn, [dead.notification_row_id]) == 1
    assert rows(conn)["bad"] == "(waiting,0)"
    assert fetch_job(conn)["lock"] == PRODUCT
    assert work(conn).processed == 1


def test_what_is_tried_again_is_no_sign_of_being_behind(conn, broken):
    """The age of the backlog shuts the ingesters' gate."""
    work(conn, max_attempts=5)
    assert read_backlog(conn) == Backlog(1, None)
    work(conn, max_attempts=1, later=timedelta(hours=1))
    (dead,) = list_failures(conn)
    reopen_notifications(conn, [dead.notification_row_id])
    assert read_backlog(conn) == Backlog(1, None)
    deliver(conn, letter())
    waiting = read_backlog(conn)
    assert (waiting.waiting, waiting.oldest_received_at is None) == (2, False)


def test_a_dead_letter_that_dies_again_counts_up(conn, broken):
    work(conn, max_attempts=1)
    (dead,) = list_failures(conn)
    reopen_notifications(conn, [dead.notification_row_id])
    work(conn, max_attempts=1)
    (again,) = list_failures(conn)
    assert (again.id, again.failure_count) == (dead.id, 2)


def test_a_dead_letter_that_was_dealt_with_is_open_again_when_it_dies_again(conn, broken):
    work(conn, max_attempts=2)
    assert work(conn, max_attempts=2, later=LATER).failed == 1
    (dead,) = list_failures(conn)
    reopen_notifications(conn, [dead.notification_row_id])
    resolve_failures(conn, {dead.id: "redriven"}, now=datetime.now(UTC))
    assert list_failures(conn) == []
    work(conn, max_attempts=1)
    (again,) = list_failures(conn)
    assert (again.id, again.failure_count) == (dead.id, 3)
    assert (again.resolved_at, again.resolution) == (None, None)


def test_what_retention_has_taken_the_body_of_is_a_dead_letter_all_the_same(conn):
    deliver(conn, letter(message_id="bodiless"))
    conn.execute("DELETE FROM notification_bodies")
    assert work(conn).failed == 1
    (dead,) = list_failures(conn)
    assert (dead.trace_id, dead.error_type) == ("bodiless", "PermanentError")
    assert rows(conn) == {"bodiless": "(failed,1)"}


def test_what_the_database_refuses_is_set_apart_alone(conn, monkeypatch):
    """The rules found nothing wrong, a CHECK did: the others are written all the same."""
    asins = ["B000000001", "B000000002", "B000000003"]
    deliver(conn, *(letter(asin=asin) for asin in asins))
    written = sql.append_history

    def append_history(conn, history, *, now):
        if any(row.asin == asins[1] for row in history):
            conn.execute(
                "INSERT INTO worker_counters (name, value, updated_at) VALUES (NULL, 0, now())"
            )
        written(conn, history, now=now)

    monkeypatch.setattr(sql, "append_history", append_history)
    done = work(conn, *(f"{GB}:{asin}" for asin in asins))
    assert (done.claimed, done.processed, done.failed) == (3, 2, 1)
    assert column(conn, "SELECT asin FROM current_state ORDER BY asin") == [asins[0], asins[2]]
    assert column(conn, "SELECT last_error FROM worker_notifications WHERE status = 'waiting'")[
        0
    ].startswith("NotNullViolation: ")
    assert column(conn, "SELECT task_name FROM procrastinate_jobs") == ["wake_product"]


def test_setting_apart_does_not_touch_what_another_has_done_meanwhile(
    conn, open_connection, monkeypatch
):
    """The failing worker lets go of its claim before it notes the failure; another may be quicker."""
    deliver(conn, letter())
    one = open_connection()
    tried = sql.record_attempts

    def slow(*args, **options):
        assert work(conn, worker_id="quicker").processed == 1
        return tried(*args, **options)

    with monkeypatch.context() as patch:
        patch.setattr(sql, "record_attempts", slow)
        real = sql.append_history

        def append_history(c, *args, **options):
            if c is one:
                c.execute("SELECT 1 / 0")
            real(c, *args, **options)

        patch.setattr(sql, "append_history", append_history)
        work(one)
    assert column(conn, "SELECT status FROM worker_notifications") == ["processed"]
    assert list_failures(conn) == []
    assert column(conn, "SELECT attempts FROM worker_notifications") == [0]


def test_a_busy_lock_is_no_failed_attempt(conn, open_connection):
    deliver(conn, letter())
    holder = begin(open_connection())
    work(holder)
    waiting = Background(work, open_connection()).until_blocked(conn)
    holder.rollback()
    assert waiting.result().processed == 1
    assert column(conn, "SELECT attempts FROM worker_notifications") == [0]


def test_the_job_of_a_failed_attempt_is_answered(conn, broken):
    """Else each of its jobs would come, find nothing due, and go."""
    job = fetch_job(conn)
    work(conn)
    finish_job(conn, job["id"])
    assert column(conn, "SELECT task_name FROM procrastinate_jobs") == ["wake_product"]


def test_a_database_of_another_version_is_no_message_s_fault(conn):
    """During a deploy an old worker may meet a new schema; no message may pay for it."""
    deliver(conn, letter(message_id="m"))
    conn.execute("ALTER TABLE current_state RENAME COLUMN gap_pct TO gap")
    with pytest.raises(psycopg.ProgrammingError):
        work(conn)
    assert rows(conn) == {"m": "(waiting,0)"}

    conn.execute("ALTER TABLE current_state RENAME COLUMN gap TO gap_pct")
    assert work(conn).processed == 1


def of_tomorrow(conn, *, state):
    """A newer version wrote a field more: into the facts of what waits, or into the state."""
    conn.execute(
        "UPDATE current_state SET health = health || '{\"new\": 1}' WHERE health IS NOT NULL"
        if state
        else "UPDATE notification_bodies SET facts = (facts::jsonb || '{\"new\": 1}')::json"
    )


@pytest.mark.parametrize("state", [False, True], ids=["facts", "state"])
def test_what_a_newer_version_wrote_waits_until_the_worker_is_renewed_too(conn, state):
    if state:
        deliver(conn, letter(pricing_health()))
        assert work(conn).processed == 1
    deliver(conn, letter(message_id="m"))
    of_tomorrow(conn, state=state)
    for attempt in range(8):  # five minutes of them and more
        work(conn, later=attempt * LATER)
        assert rows(conn)["m"] == f"(waiting,{attempt + 1})"
    assert list_failures(conn) == []

    if state:
        conn.execute("UPDATE current_state SET health = health - 'new'")
    else:
        conn.execute("UPDATE notification_bodies SET facts = (facts::jsonb - 'new')::json")
    assert work(conn, later=9 * LATER).processed == 1
    assert rows(conn)["m"] == "(processed,8)"
