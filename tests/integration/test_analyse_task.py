"""The task around T2: it looks once more, has patience, and gives way."""

from __future__ import annotations

import itertools
from datetime import timedelta
from types import SimpleNamespace

import psycopg
import pytest
import stamina
from psycopg_pool import ConnectionPool

from db import products as sql
from db.jobs import rescue_stalled_jobs
from tests.factories import ASIN, GB, pricing_health
from tests.interleave import PRODUCT, column, deliver, fetch_job, letter, work
from worker.analysis import task
from worker.analysis.analyse import analyse_front
from worker.app import build_app
from worker.errors import StateMovedError
from worker.settings import Settings


@pytest.fixture
def run_job(database_url, conn, siblings):
    """Runs a job as the worker does, to its end."""
    settings = Settings(
        database_url=database_url, worker_id="worker-1", claim_max_products=siblings
    )
    with ConnectionPool(database_url, min_size=1, max_size=2, open=True) as pool:
        tasks = build_app(settings, pool=pool).tasks

        def run(job, *, aborted=False):
            context = SimpleNamespace(
                should_abort=lambda: aborted, job=SimpleNamespace(attempts=job["attempts"])
            )
            tasks[job["task_name"]].func(context, **job["args"])

        yield run


@pytest.fixture
def impatient():
    """Tries again at once, as often as in production."""
    with stamina.set_testing(True, attempts=6):
        yield


def statuses(conn):
    return column(conn, "SELECT status FROM worker_notifications ORDER BY id")


def test_a_job_does_all_that_waits_for_its_product(conn, run_job):
    deliver(conn, *(letter() for _ in range(5)))
    run_job(fetch_job(conn))
    assert statuses(conn) == ["processed"] * 5
    assert column(conn, "SELECT status::text FROM procrastinate_jobs") == ["doing"]


def test_what_arrives_while_it_works_is_found_by_its_second_look(conn, run_job, monkeypatch):
    deliver(conn, letter())
    job = fetch_job(conn)
    looks = []

    def with_an_arrival_behind_it(worker, *args):
        done = analyse_front(worker, *args)
        if not looks:
            deliver(conn, letter())
        looks.append(done.claimed)
        return done

    monkeypatch.setattr(task, "analyse_front", with_an_arrival_behind_it)
    run_job(job)
    assert looks == [1, 1, 0]
    assert statuses(conn) == ["processed", "processed"]
    assert fetch_job(conn) is None


def test_a_job_that_must_stop_leaves_the_rest_to_the_jobs_in_line(conn, run_job, monkeypatch):
    deliver(conn, letter())
    job = fetch_job(conn)

    def with_an_arrival_behind_it(worker, *args):
        done = analyse_front(worker, *args)
        deliver(conn, letter(), letter(asin="B0OTHER001"))
        return done

    monkeypatch.setattr(task, "analyse_front", with_an_arrival_behind_it)
    run_job(job, aborted=True)
    assert sorted(statuses(conn)) == ["processed", "waiting", "waiting"]
    assert len(column(conn, "SELECT id FROM procrastinate_jobs WHERE status = 'todo'")) == 2


def test_a_job_that_was_put_back_takes_nothing_along_and_one_at_a_time(conn, run_job, monkeypatch):
    times = ("2025-03-04T10:00:00Z", "2025-03-04T10:00:01Z")
    deliver(conn, *(letter(event_time=at) for at in times), letter(asin="B0OTHER001"))
    job = fetch_job(conn)
    rescue_stalled_jobs(conn, silent=timedelta(0), max_runtime=timedelta(0))
    conn.execute("UPDATE worker_counters SET updated_at = updated_at - interval '1 hour'")
    taken = []

    def in_hand(conn, products, **options):
        taken.append((products, options["only_row_id"]))
        return claim_notifications(conn, products, **options)

    claim_notifications = sql.claim_notifications
    monkeypatch.setattr(sql, "claim_notifications", in_hand)
    run_job(fetch_job(conn))
    first, second = column(
        conn, "SELECT id FROM worker_notifications WHERE asin = %s ORDER BY event_time", ASIN
    )
    once = [([job["lock"]], None), ([job["lock"]], first), ([job["lock"]], second)]
    assert taken == [*once, ([job["lock"]], None)]
    assert sorted(statuses(conn)) == ["processed", "processed", "waiting"]


@pytest.mark.parametrize(
    "trouble", [StateMovedError(), psycopg.errors.DeadlockDetected(), psycopg.OperationalError()]
)
def test_trouble_that_passes_is_sat_out(conn, run_job, monkeypatch, impatient, trouble):
    deliver(conn, letter())
    troubles = [trouble] * 5

    def troubled(*args):
        if troubles:
            raise troubles.pop()
        return analyse_front(*args)

    monkeypatch.setattr(task, "analyse_front", troubled)
    run_job(fetch_job(conn))
    assert statuses(conn) == ["processed"]
    assert column(conn, "SELECT attempts FROM worker_notifications") == [0]


def test_trouble_that_stays_fails_the_job_and_costs_no_attempt(
    conn, run_job, monkeypatch, impatient
):
    def troubled(*_):
        raise StateMovedError

    deliver(conn, letter())
    monkeypatch.setattr(task, "analyse_front", troubled)
    with pytest.raises(StateMovedError):
        run_job(fetch_job(conn))
    assert statuses(conn) == ["waiting"]
    assert column(conn, "SELECT attempts FROM worker_notifications") == [0]


def test_a_connection_that_died_in_the_pool_is_replaced(conn, run_job, impatient):
    deliver(conn, letter())
    conn.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    run_job(fetch_job(conn))
    assert statuses(conn) == ["processed"]
    assert column(conn, "SELECT lock FROM procrastinate_jobs") == [PRODUCT]


@pytest.fixture
def clock(monkeypatch):
    """A clock of the task's own; a round takes 0.9 s by it, and a turn two seconds."""
    monkeypatch.setattr(task, "MAX_TURN_S", 2.0)
    times = itertools.count(step=0.9)
    monkeypatch.setattr(task, "time", SimpleNamespace(monotonic=lambda: next(times)))


@pytest.mark.parametrize("asin", [ASIN, "B0OTHER001"])
def test_a_product_or_a_queue_that_never_runs_dry_gives_way(
    conn, run_job, monkeypatch, clock, siblings, asin
):
    """After as many rounds as fit in its time; what is left has a job in line."""
    deliver(conn, letter())
    rounds = []

    def endless(worker, *args):
        rounds.append(1)
        done = analyse_front(worker, *args)
        deliver(conn, letter(asin=asin))
        return done

    monkeypatch.setattr(task, "analyse_front", endless)
    run_job(fetch_job(conn))
    alone = siblings == 0 and asin != ASIN
    assert len(rounds) == (2 if alone else 3)
    assert len(rounds) > task.MAX_TURN_S / 0.9 or alone
    processed = 1 if alone else 3
    assert statuses(conn) == ["processed"] * processed + ["waiting"] * (len(rounds) + 1 - processed)
    held = column(conn, "SELECT DISTINCT lock FROM procrastinate_jobs WHERE status = 'todo'")
    assert held == [f"{GB}:{asin}"]


def test_others_at_the_front_are_taken_along(conn, run_job, siblings):
    deliver(conn, letter(), *(letter(asin=f"B0{n:08d}") for n in range(9)))
    run_job(fetch_job(conn))
    done = 10 if siblings else 1
    assert sorted(statuses(conn)) == ["processed"] * done + ["waiting"] * (10 - done)
    jobs = column(conn, "SELECT status::text FROM procrastinate_jobs")
    assert sorted(jobs) == ["doing"] + ["todo"] * (10 - done)


def test_offers_may_come_after_what_made_the_state_without_any(conn):
    """A PRICING_HEALTH makes a state that has no event time of offers yet."""
    deliver(conn, letter(pricing_health()))
    assert work(conn).processed == 1
    assert column(conn, "SELECT event_time FROM current_state") == [None]
    deliver(conn, letter())
    assert work(conn).processed == 1
    assert column(conn, "SELECT event_time IS NOT NULL FROM current_state") == [True]
