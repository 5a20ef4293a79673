"""A message that ends its worker: counted before it is tried, alone, and in the end a dead letter."""

from __future__ import annotations

from datetime import timedelta

import psycopg
import pytest

from db import products as sql
from db.failures import list_failures, reopen_notifications
from db.jobs import rescue_stalled_jobs
from tests.batches import MANY, claim, front, message, product
from tests.batches import deliver as deliver_each
from tests.interleave import (
    PRODUCT,
    analyst,
    begin,
    column,
    deliver,
    fetch_job,
    letter,
    register_worker,
    work,
)
from worker.analysis import decide
from worker.analysis.analyse import analyse_put_back
from worker.errors import StateMovedError

MAX_ATTEMPTS = 3
SILENT, MAX_RUNTIME = timedelta(seconds=30), timedelta(minutes=5)


class Killed(BaseException):
    """What nobody catches: the process is gone, and with it the transaction."""


@pytest.fixture
def killing(conn, monkeypatch):
    """Three notifications of one product; whoever analyses "bad" dies."""
    sound = decide.apply_event

    def apply_event(state, event, *more):
        if event.trace_id == "bad":
            raise Killed
        return sound(state, event, *more)

    monkeypatch.setattr(decide, "apply_event", apply_event)
    times = [f"2025-03-04T10:00:0{n}Z" for n in range(3)]
    for time, name in zip(times, ["good-1", "bad", "good-2"], strict=True):
        deliver(conn, letter(event_time=time, message_id=name))
    return monkeypatch


def put_back(conn, name=PRODUCT, **more):
    """T2 of a product whose job was put back."""
    return analyse_put_back(conn, name, analyst(max_attempts=MAX_ATTEMPTS, **more))


def rescue(conn, job):
    """The worker of a job at work has died, and that was noticed."""
    conn.execute("UPDATE procrastinate_jobs SET worker_id = NULL WHERE id = %s", (job["id"],))
    (rescued,) = rescue_stalled_jobs(conn, silent=SILENT, max_runtime=MAX_RUNTIME)
    assert rescued == (job["id"], job["lock"])


def release_after(patch, holder):
    """The first beginning to be counted finds the row locked, and whoever comes next does not."""
    counted = sql.count_beginning

    def count_beginning(*args, **options):
        try:
            return counted(*args, **options)
        finally:
            holder.rollback()

    patch.setattr(sql, "count_beginning", count_beginning)


def rows(conn):
    return dict(
        conn.execute("SELECT trace_id, (status, attempts, begun)::text FROM worker_notifications")
    )


class TestAJobThatWasPutBack:
    def test_each_of_its_notifications_is_counted_and_committed_before_it_begins(
        self, conn, open_connection, monkeypatch
    ):
        deliver(conn, letter(message_id="m"))
        observer, sound, seen = open_connection(autocommit=True), decide.apply_event, []

        def apply_event(*args):
            seen.append(rows(observer))
            return sound(*args)

        monkeypatch.setattr(decide, "apply_event", apply_event)
        assert put_back(conn).processed == 1
        assert seen == [{"m": "(waiting,0,1)"}]

    def test_who_dies_of_one_has_counted_it_and_kept_what_was_before(self, conn, killing):
        with pytest.raises(Killed):
            put_back(conn)
        assert rows(conn) == {
            "good-1": "(processed,0,1)",
            "bad": "(waiting,0,1)",
            "good-2": "(waiting,0,)",
        }

    def test_the_one_they_die_of_is_given_up_and_the_others_go_on(self, conn, killing):
        for _ in range(MAX_ATTEMPTS):
            with pytest.raises(Killed):
                put_back(conn)
        done = put_back(conn)
        assert (done.claimed, done.processed, done.failed) == (2, 1, 1)
        assert {name: row.split(",")[0] for name, row in rows(conn).items()} == {
            "good-1": "(processed",
            "bad": "(failed",
            "good-2": "(processed",
        }
        (dead,) = list_failures(conn)
        assert (dead.trace_id, dead.error_type) == ("bad", "WorkerDiedError")
        assert "begun 3 times and never ended" in dead.error_message

    def test_redriven_it_has_all_its_tries_again(self, conn, killing):
        for _ in range(MAX_ATTEMPTS):
            with pytest.raises(Killed):
                put_back(conn)
        put_back(conn)
        reopen_notifications(conn, [dead.notification_row_id for dead in list_failures(conn)])
        assert rows(conn)["bad"] == "(waiting,0,)"
        killing.undo()
        assert work(conn).processed == 1

    def test_an_ordinary_failure_counts_as_one_attempt(self, conn, monkeypatch):
        def apply_event(*_):
            raise ZeroDivisionError("a bug of ours")

        monkeypatch.setattr(decide, "apply_event", apply_event)
        deliver(conn, letter(message_id="m"))
        assert put_back(conn).failed == 1
        assert rows(conn) == {"m": "(waiting,1,1)"}

    @pytest.mark.parametrize("error", [StateMovedError(), psycopg.errors.LockNotAvailable()])
    def test_trouble_of_the_database_does_not_count(self, conn, monkeypatch, error):
        def upsert_states(*_args, **_options):
            raise error

        deliver(conn, letter(message_id="m"))
        with monkeypatch.context() as patch:
            patch.setattr(sql, "upsert_states", upsert_states)
            for _ in range(2 * MAX_ATTEMPTS):
                with pytest.raises(type(error)):
                    put_back(conn)
        assert rows(conn) == {"m": "(waiting,0,)"}
        assert put_back(conn).processed == 1

    def test_a_connection_lost_at_that_moment_is_still_what_is_told(
        self, conn, open_connection, monkeypatch
    ):
        """That it did not take place can no longer be said; the reason must not be hidden by that."""
        deliver(conn, letter(message_id="m"))
        mine = open_connection(autocommit=True)

        def upsert_states(*_args, **_options):
            conn.execute("SELECT pg_terminate_backend(%s)", (mine.info.backend_pid,))
            raise psycopg.OperationalError("gone")

        monkeypatch.setattr(sql, "upsert_states", upsert_states)
        with pytest.raises(psycopg.OperationalError, match="gone"):
            put_back(mine)
        assert rows(conn) == {"m": "(waiting,0,1)"}

    def test_a_beginning_that_could_not_be_counted_takes_no_earlier_one_back(
        self, conn, open_connection
    ):
        deliver(conn, letter(message_id="m"))
        (row_id,) = column(conn, "SELECT id FROM worker_notifications")
        assert sql.count_beginning(conn, row_id) == 1
        mine = open_connection(autocommit=True, statement_timeout="5s")
        with mine.transaction():
            claimed = sql.claim_notifications(mine, [PRODUCT], now=analyst().clock(), max_rows=9)
        holder = begin(open_connection())
        holder.execute("SELECT FROM worker_notifications FOR UPDATE")
        mine.execute("SET lock_timeout = '1ms'")
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sql, "claim_notifications", lambda *_, **__: claimed)
            release_after(patch, holder)
            with pytest.raises(psycopg.errors.LockNotAvailable):
                put_back(mine)
        assert rows(conn) == {"m": "(waiting,0,1)"}

    def test_what_another_has_done_meanwhile_is_not_begun(self, conn):
        deliver(conn, letter(message_id="m"))
        (row_id,) = column(conn, "SELECT id FROM worker_notifications")
        assert work(conn).processed == 1
        assert sql.count_beginning(conn, row_id) == 0
        assert rows(conn) == {"m": "(processed,0,)"}


class TestTheOthers:
    def test_nobody_takes_along_a_product_that_was_put_back(self, conn, open_connection):
        deliver_each(conn, message(1), message(2), message(3))
        job = fetch_job(conn)
        assert job["lock"] == product(1)
        rescue(conn, job)
        later(conn, "1 minute")
        deliver_each(conn, message(1))  # a second job of it does not make it a better companion
        assert claim(begin(open_connection())) == [product(2), product(3)]

    def test_for_a_while_after_a_rescue_nobody_takes_anything_along(self, conn, open_connection):
        deliver_each(conn, message(1), message(2), message(3))
        rescue(conn, fetch_job(conn))
        later(conn, "14 seconds")
        assert claim(begin(open_connection())) == []
        later(conn, "2 seconds")
        assert claim(begin(open_connection())) == [product(2), product(3)]

    def test_what_they_had_died_of_comes_to_be_alone(self, conn, monkeypatch):
        """The job that is put back is another's, which had only taken the killing one along."""
        deliver_each(conn, *(message(n, message_id=f"m{n}") for n in range(6)))
        sound, hands = decide.apply_event, []

        def apply_event(state, event, *more):
            hands[-1].append(event.trace_id)
            if event.trace_id == "m4":
                raise Killed
            return sound(state, event, *more)

        monkeypatch.setattr(decide, "apply_event", apply_event)
        worker = register_worker(conn)
        ended = []
        for _ in range(40):
            job = fetch_job(conn, worker=worker)
            if job is None:
                break
            hands.append([])
            try:
                if job["attempts"]:
                    put_back(conn, job["lock"])
                else:
                    front(conn, job["lock"], at_most=MANY)
            except Killed:
                ended.append(hands[-1])
                rescue(conn, job)
            else:
                conn.execute(
                    "SELECT procrastinate_finish_job_v1(%s, 'succeeded', true)", (job["id"],)
                )
        assert len(ended) == 2 + MAX_ATTEMPTS, ended
        assert ended[0][0] != "m4"
        assert all(trace_ids == ["m4"] for trace_ids in ended[1:])
        statuses = conn.execute("SELECT trace_id, status FROM worker_notifications").fetchall()
        assert dict(statuses) == {f"m{n}": "failed" if n == 4 else "processed" for n in range(6)}

    def test_a_rescue_of_other_work_makes_nobody_careful(self, conn, open_connection):
        conn.execute(
            "SELECT procrastinate_defer_jobs_v1(ARRAY[ROW ('maintenance', 'sweep_unheld', 0, NULL,"
            " NULL, '{}', NULL)::procrastinate_job_to_defer_v1])"
        )
        rescue(conn, fetch_job(conn))
        deliver_each(conn, message(2))
        assert claim(begin(open_connection())) == [product(2)]
        assert column(conn, "SELECT name FROM worker_counters") == []

    def test_each_rescue_begins_the_while_anew(self, conn, open_connection):
        deliver_each(conn, message(1), message(2), message(3))
        for _ in range(2):
            rescue(conn, fetch_job(conn))
            assert claim(begin(open_connection())) == []
            later(conn, "1 minute")

    def test_rescues_of_analyses_are_counted(self, conn):
        deliver_each(conn, message(1), message(2), message(3))
        worker = register_worker(conn)
        for expected in (2, 3):
            while fetch_job(conn, worker=worker):
                pass
            conn.execute(
                "UPDATE procrastinate_jobs SET worker_id = NULL WHERE id IN ("
                " SELECT id FROM procrastinate_jobs ORDER BY id LIMIT %s)",
                (4 - expected,),
            )
            rescue_stalled_jobs(conn, silent=SILENT, max_runtime=MAX_RUNTIME)
            assert conn.execute("SELECT name, value FROM worker_counters").fetchall() == [
                ("rescued_analyses", expected)
            ]


def later(conn, by):
    """Time passes since the last rescue."""
    conn.execute("UPDATE worker_counters SET updated_at = updated_at - %s::interval", (by,))
