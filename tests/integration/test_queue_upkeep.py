"""What keeps the queue honest: the rescue of stalled jobs, the sweeper, the wake-ups, their times."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import croniter
import pytest

import db.jobs
from db.jobs import rescue_stalled_jobs, sweep_unheld
from tests.interleave import (
    PRODUCT,
    Background,
    begin,
    column,
    counts,
    deliver,
    fetch_job,
    finish_job,
    letter,
    register_worker,
    work,
)
from worker.analysis import decide

SILENT, MAX_RUNTIME, GRACE = timedelta(seconds=30), timedelta(minutes=5), timedelta(seconds=60)


def now(later=timedelta(0)):
    return datetime.now(UTC) + later


def rescue(conn):
    return rescue_stalled_jobs(conn, now=now(), silent=SILENT, max_runtime=MAX_RUNTIME)


def sweep(conn, *, later=timedelta(minutes=5)):
    return sweep_unheld(conn, now=now(later), grace=GRACE).products


def jobs(conn):
    return conn.execute(
        "SELECT task_name, status::text FROM procrastinate_jobs ORDER BY id"
    ).fetchall()


@pytest.fixture
def running(conn):
    """A job at work, in the hands of a worker that is well."""
    deliver(conn, letter())
    worker = register_worker(conn)
    return fetch_job(conn, worker=worker)


class TestTheRescue:
    def test_a_healthy_job_is_left_alone(self, conn, running):
        assert rescue(conn) == []
        assert jobs(conn) == [("analyse_product", "doing")]

    def test_a_job_of_a_silent_worker_is_put_back(self, conn, running):
        conn.execute(
            "UPDATE procrastinate_workers SET last_heartbeat = now() - interval '31 seconds'"
        )
        assert rescue(conn) == [(running["id"], PRODUCT)]
        again = fetch_job(conn, worker=register_worker(conn))
        assert (again["id"], again["attempts"]) == (running["id"], 1)

    def test_without_a_time_of_its_caller_it_goes_by_the_databases(self, conn, running):
        silent_for = "UPDATE procrastinate_workers SET last_heartbeat = now() - %s::interval"
        conn.execute(silent_for, ("25 seconds",))
        assert rescue_stalled_jobs(conn, silent=SILENT, max_runtime=MAX_RUNTIME) == []
        conn.execute(silent_for, ("31 seconds",))
        assert rescue_stalled_jobs(conn, silent=SILENT, max_runtime=MAX_RUNTIME) == [
            (running["id"], PRODUCT)
        ]

    def test_a_worker_that_was_heard_in_time_keeps_its_job(self, conn, running):
        conn.execute(
            "UPDATE procrastinate_workers SET last_heartbeat = now() - interval '25 seconds'"
        )
        assert rescue(conn) == []

    def test_a_job_of_a_pruned_worker_is_put_back(self, conn, running):
        conn.execute("SELECT * FROM procrastinate_prune_stalled_workers_v1(0)")
        assert column(conn, "SELECT worker_id FROM procrastinate_jobs") == [None]
        assert rescue(conn) == [(running["id"], PRODUCT)]

    def test_a_job_that_runs_too_long_is_put_back_though_its_worker_lives(self, conn, running):
        conn.execute("UPDATE procrastinate_events SET at = at - interval '301 seconds'")
        assert rescue(conn) == [(running["id"], PRODUCT)]

    def test_the_time_of_each_job_is_its_own_and_counts_from_its_start(self, conn, running):
        """Whatever others have started since, and whatever else was asked of it meanwhile."""
        deliver(conn, letter(asin="B0TEST0002"))
        fetch_job(conn)
        conn.execute("UPDATE procrastinate_jobs SET worker_id = %s", (running["worker_id"],))
        conn.execute(
            "UPDATE procrastinate_events SET at = at - interval '301 seconds' WHERE job_id = %s",
            (running["id"],),
        )
        conn.execute(
            "INSERT INTO procrastinate_events (job_id, type) VALUES (%s, 'abort_requested')",
            (running["id"],),
        )
        assert rescue_stalled_jobs(conn, silent=SILENT, max_runtime=MAX_RUNTIME) == [
            (running["id"], PRODUCT)
        ]

    def test_a_job_that_was_started_again_is_timed_from_then(self, conn, running):
        conn.execute("UPDATE procrastinate_events SET at = at - interval '301 seconds'")
        rescue(conn)
        fetch_job(conn, worker=register_worker(conn))
        assert rescue(conn) == []

    def test_a_job_without_a_lock_is_rescued_too(self, conn):
        conn.execute(
            "SELECT procrastinate_defer_jobs_v1(ARRAY[ROW ('maintenance', 'sweep_unheld', 0, NULL,"
            " NULL, '{}', NULL)::procrastinate_job_to_defer_v1])"
        )
        job = fetch_job(conn)
        assert rescue(conn) == [(job["id"], None)]

    def test_a_waiting_job_is_none_of_its_business(self, conn):
        deliver(conn, letter())
        assert rescue(conn) == []

    def test_it_does_not_wait_for_a_job_that_is_just_being_finished(self, conn, open_connection):
        deliver(conn, letter())
        job = fetch_job(conn)
        finisher = begin(open_connection())
        finish_job(finisher, job["id"])
        assert rescue(open_connection(autocommit=True, lock_timeout="1ms")) == []
        finisher.commit()
        assert jobs(conn) == []

    def test_two_at_once_put_it_back_once(self, conn, open_connection):
        deliver(conn, letter())
        fetch_job(conn)
        first = begin(open_connection())
        assert len(rescue(first)) == 1
        assert rescue(open_connection()) == []
        first.commit()
        assert column(conn, "SELECT attempts FROM procrastinate_jobs") == [1]

    @pytest.mark.usefixtures("siblings")
    def test_what_it_puts_back_runs_and_has_its_effects_once(self, conn):
        deliver(conn, letter())
        first_run = fetch_job(conn)
        rescue(conn)
        second_run = fetch_job(conn)
        assert first_run["id"] == second_run["id"]
        assert [work(conn).processed for _ in range(2)] == [1, 0]
        assert counts(conn)["competitive_history"] == 1


class TestTheSweeper:
    @pytest.fixture
    def unheld(self, conn):
        """A product whose job is gone."""
        deliver(conn, letter(), letter())
        conn.execute("DELETE FROM procrastinate_jobs")

    @pytest.mark.usefixtures("siblings")
    def test_a_product_nobody_holds_gets_one_job_and_is_counted(self, conn, unheld):
        assert sweep(conn) == 1
        assert jobs(conn) == [("analyse_product", "todo")]
        assert fetch_job(conn)["lock"] == PRODUCT
        assert work(conn).processed == 2
        assert column(conn, "SELECT value FROM worker_counters WHERE name = 'swept_products'") == [
            1
        ]

    def test_a_second_sweep_finds_it_held(self, conn, unheld):
        sweep(conn)
        assert sweep(conn) == 0
        assert column(conn, "SELECT value FROM worker_counters") == [1]

    def test_with_nothing_to_do_the_count_is_there_and_stays(self, conn):
        assert sweep(conn) == 0
        assert conn.execute("SELECT name, value FROM worker_counters").fetchall() == [
            ("swept_products", 0)
        ]

    def test_the_count_adds_up(self, conn, unheld):
        for expected in (1, 2):
            conn.execute("DELETE FROM procrastinate_jobs")
            assert sweep(conn) == 1
            assert column(conn, "SELECT value FROM worker_counters") == [expected]

    def test_it_gives_a_young_message_time(self, conn, unheld):
        assert sweep(conn, later=timedelta(seconds=59)) == 0
        assert sweep(conn, later=timedelta(seconds=61)) == 1

    @pytest.mark.parametrize("status", ["todo", "doing"])
    def test_it_leaves_a_product_with_a_job_alone(self, conn, status):
        deliver(conn, letter())
        if status == "doing":
            fetch_job(conn)
        assert sweep(conn) == 0
        assert jobs(conn) == [("analyse_product", status)]

    def test_a_failed_job_holds_nothing(self, conn):
        deliver(conn, letter())
        conn.execute(
            "SELECT procrastinate_finish_job_v1(%s, 'failed', false)", (fetch_job(conn)["id"],)
        )
        assert sweep(conn) == 1

    def test_it_leaves_a_product_that_is_backing_off_alone(self, conn, unheld):
        conn.execute("UPDATE worker_notifications SET next_attempt_at = now() + interval '5 min'")
        assert sweep(conn, later=timedelta(minutes=4)) == 0
        assert sweep(conn, later=timedelta(minutes=5, seconds=59)) == 0
        assert sweep(conn, later=timedelta(minutes=6, seconds=2)) == 1

    def test_what_is_done_needs_no_job(self, conn, unheld):
        work(conn)
        assert sweep(conn) == 0

    def test_it_goes_on_where_it_stopped_until_all_have_been_looked_at(self, conn):
        names = [f"B0SWEPT{n:03d}" for n in range(5)]
        deliver(conn, *(letter(asin=asin) for asin in names))
        conn.execute("DELETE FROM procrastinate_jobs")
        after, found = "", []
        for _ in range(3):
            products, after = sweep_unheld(
                conn, now=now(timedelta(minutes=5)), grace=GRACE, after=after, max_looked_at=2
            )
            found.append((products, after.partition(":")[2]))
        assert found == [(2, names[1]), (2, names[3]), (1, "")]
        assert sorted(column(conn, "SELECT args ->> 'product' FROM procrastinate_jobs")) == [
            f"{PRODUCT.partition(':')[0]}:{asin}" for asin in names
        ]

    def test_more_than_one_sweep_may_take_are_taken_by_the_next(self, conn, monkeypatch):
        monkeypatch.setattr(db.jobs, "MAX_SWEPT_AT_ONCE", 2)
        deliver(conn, *(letter(asin=f"B0SWEPT{n:03d}") for n in range(3)))
        conn.execute("DELETE FROM procrastinate_jobs")
        assert [sweep(conn), sweep(conn), sweep(conn)] == [2, 1, 0]

    def test_a_message_whose_ingest_is_not_committed_is_not_its_business(
        self, conn, open_connection
    ):
        ingester = begin(open_connection())
        deliver(ingester, letter())
        assert sweep(conn) == 0
        ingester.commit()
        assert sweep(conn) == 0


class TestTheTasks:
    @pytest.mark.usefixtures("siblings")
    def test_a_woken_product_gets_an_ordinary_job(self, app, conn, monkeypatch):
        deliver(conn, letter(message_id="m-1"))
        with monkeypatch.context() as patch:
            patch.setattr(decide, "apply_event", lambda *_: 1 / 0)
            work(conn)
        conn.execute("UPDATE worker_notifications SET next_attempt_at = now()")
        conn.execute("UPDATE procrastinate_jobs SET scheduled_at = now()")
        wake = fetch_job(conn)
        assert (wake["task_name"], wake["lock"]) == ("wake_product", None)
        app.tasks[wake["task_name"]](**wake["args"])
        finish_job(conn, wake["id"])
        job = fetch_job(conn)
        assert (job["task_name"], job["lock"], job["queueing_lock"]) == (
            "analyse_product",
            PRODUCT,
            None,
        )
        assert job["args"]["trace_id"] == "m-1"
        assert work(conn, later=timedelta(seconds=1)).processed == 1

    def test_a_product_woken_with_nothing_due_gets_none(self, app, conn):
        deliver(conn, letter())
        work(conn)
        app.tasks["wake_product"](product=PRODUCT, trace_id="t")
        assert jobs(conn) == []

    def test_the_rescue_task_rescues(self, app, conn):
        deliver(conn, letter())
        fetch_job(conn)
        app.tasks["rescue_stalled_jobs"](timestamp=0)
        assert jobs(conn) == [("analyse_product", "todo")]

    def test_the_sweep_task_sweeps(self, app, conn):
        deliver(conn, letter())
        conn.execute("DELETE FROM procrastinate_jobs")
        conn.execute("UPDATE worker_notifications SET received_at = now() - interval '2 min'")
        app.tasks["sweep_unheld"](timestamp=0)
        assert jobs(conn) == [("analyse_product", "todo")]

    @pytest.mark.parametrize(
        ("name", "seconds"),
        [
            ("rescue_stalled_jobs", 10),
            ("sweep_unheld", 30),
            ("keep_house", 3600),
            ("reassess", 60),
            ("reassess_new_days", 3600),
            ("dispatch_alerts", 60),
            ("rescue_deliveries", 10),
        ],
    )
    def test_the_periods_are_what_the_comments_say(self, app, name, seconds):
        (cron,) = [
            task.cron
            for task in app.periodic_registry.periodic_tasks.values()
            if task.task.name == name
        ]
        ticks = croniter.croniter(cron, datetime(2026, 1, 1, tzinfo=UTC))
        times = [ticks.get_next(datetime) for _ in range(20)]
        assert {(b - a).total_seconds() for a, b in pairwise(times)} == {seconds}

    def test_no_task_of_ours_carries_what_wedges_or_loses_products(self, app):
        ours = [task for name, task in app.tasks.items() if "builtin_tasks" not in name]
        assert len(ours) == 11
        for task in ours:
            assert (task.retry_strategy, task.queueing_lock, task.lock) == (None, None, None), task

    def test_two_sweeps_at_once_do_no_harm(self, conn, open_connection):
        deliver(conn, letter())
        conn.execute("DELETE FROM procrastinate_jobs")
        first = begin(open_connection())
        assert sweep(first) == 1
        second = Background(sweep, open_connection(autocommit=True)).until_blocked(conn)
        first.commit()
        second.result()
        first_job = fetch_job(conn)
        assert first_job["lock"] == PRODUCT
        assert fetch_job(conn) is None  # at most one of a product runs
        assert work(conn).processed == 1
