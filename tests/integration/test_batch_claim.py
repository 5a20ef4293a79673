"""One T2 for many products: what it takes, what it leaves, and that it all happens together or not."""

from __future__ import annotations

import json
import math
import threading
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from db import products as sql
from db.feed import STATE_CHANNEL
from db.jobs import rescue_stalled_jobs, sweep_unheld
from tests import interleave
from tests.factories import GB, OWN_SELLER
from tests.interleave import (
    FILER,
    Background,
    Ear,
    analyst,
    begin,
    column,
    counts,
    fetch_job,
    finish_job,
    letter,
    register_worker,
    until,
    work,
)
from worker.analysis import transaction
from worker.analysis.transaction import HOT_PART, Analysed, analyse_front
from worker.errors import StateMovedError
from worker.ingest.filing import Filer

MANY = 128
HIGH_FIRST = Filer("ingester-1", {"sqs-high": 1000, "": 0})
OWN, HOT = f"{GB}:B0000OWN00", f"{GB}:B000000HOT"


def asin(n):
    return f"B0{n:08d}"


def product(n):
    return f"{GB}:{asin(n)}"


def message(n, **more):
    return letter(asin=asin(n), **more)


def own_message(**more):
    return letter(asin=OWN.split(":")[1], **more)


def deliver(conn, *letters, filer=FILER):
    """T1 after T1, so that the jobs stand in the order of the letters."""
    for one in letters:
        interleave.deliver(conn, one, filer=filer)


def claim(conn, own=OWN, *, at_most=MANY):
    """The claim alone. In a transaction of the caller's it stays open."""
    return sql.claim_sibling_jobs(conn, own, now=datetime.now(UTC), max_products=at_most)


def front(conn, own=OWN, *, at_most=MANY, **more):
    """T2 for a product whose job runs, with up to so many others."""
    return work(conn, own, max_siblings=at_most, **more)


def run_own_job(conn, **more):
    """The job that was fetched, so that a T2 has a product of its own."""
    deliver(conn, own_message(**more))
    conn.execute(
        "UPDATE procrastinate_jobs SET status = 'doing' WHERE lock = %s AND status = 'todo'", (OWN,)
    )


def waiting(conn, lock=None):
    """The locks of the waiting jobs, in the order of the queue."""
    return column(
        conn,
        "SELECT lock FROM procrastinate_jobs WHERE status = 'todo'"
        " AND (%s::text IS NULL OR lock = %s) ORDER BY priority DESC, id",
        lock,
        lock,
    )


def free(conn):
    """The jobs on which nobody has a row lock, with their products."""
    return conn.execute(
        "SELECT id, lock FROM procrastinate_jobs ORDER BY id FOR UPDATE SKIP LOCKED"
    ).fetchall()


def defer(conn, lock, *, queue="analysis", task="analyse_product", priority=0, at=None):
    return conn.execute(
        "SELECT procrastinate_defer_jobs_v1(ARRAY[ROW (%s, %s, %s, %s, NULL, '{}', %s)"
        "::procrastinate_job_to_defer_v1])",
        (queue, task, priority, lock, at),
    ).fetchone()[0][0]


def unheld(conn):
    """What the sweeper would have to put right, five minutes from now."""
    return sweep_unheld(
        conn, now=datetime.now(UTC) + timedelta(minutes=5), grace=timedelta(minutes=1)
    )


def outcome(conn):
    """Notifications, processed ones, history rows and products: alike when all happened once."""
    return conn.execute(
        "SELECT count(*), count(*) FILTER (WHERE status = 'processed'),"
        " (SELECT count(*) FROM competitive_history),"
        " (SELECT count(DISTINCT notification_row_id) FROM competitive_history)"
        " FROM worker_notifications"
    ).fetchone()


def drain(conn, **more):
    """Fetch, analyse and finish as a worker does, until no job is left; returns the T2s."""
    turns = 0
    while job := fetch_job(conn):
        while front(conn, job["lock"], **more).claimed:
            turns += 1
            assert turns < 500, "it never runs dry"
        finish_job(conn, job["id"])
    return turns


def around(monkeypatch, step, *, before=None, after=None):
    """Let something happen just before or after a step of T2. Once."""
    done = getattr(sql, step)
    acts = {"before": before, "after": after}

    def interrupted(*args, **options):
        if act := acts.pop("before", None):
            act()
        result = done(*args, **options)
        if act := acts.pop("after", None):
            act()
        return result

    monkeypatch.setattr(sql, step, interrupted)


class TestWhatIsTaken:
    def test_the_heads_of_other_products_in_the_order_of_the_queue(self, conn, open_connection):
        deliver(conn, message(1), own_message(), message(2))
        deliver(conn, message(3, source="sqs-high"), message(2), filer=HIGH_FIRST)
        assert claim(begin(open_connection())) == [product(3), product(1), product(2)]

    def test_no_more_than_were_asked_for_and_the_most_urgent_of_them(self, conn, open_connection):
        deliver(conn, *(message(n) for n in range(5)))
        deliver(conn, *(message(n, source="sqs-high") for n in (7, 8)), filer=HIGH_FIRST)
        assert claim(begin(open_connection()), at_most=3) == [product(7), product(8), product(0)]

    def test_none_at_all_when_it_is_told_so(self, conn, open_connection):
        deliver(conn, message(1), message(2))
        claimer = begin(open_connection())
        assert claim(claimer, at_most=0) == []
        assert len(free(conn)) == 2

    @pytest.mark.parametrize("at_most", [1, 2, 4, 128])
    def test_it_locks_the_heads_it_returns_and_nothing_else(self, conn, open_connection, at_most):
        for _ in range(3):
            deliver(conn, *(message(n) for n in range(4)), own_message())
        heads = dict(
            conn.execute("SELECT lock, min(id) FROM procrastinate_jobs GROUP BY lock").fetchall()
        )
        everything = free(conn)
        taken = claim(begin(open_connection()), at_most=at_most)
        assert len(taken) == min(at_most, 4)
        locked = {job for job, _ in everything} - {job for job, _ in free(conn)}
        assert locked == {heads[name] for name in taken}

    def test_a_second_claim_takes_the_next_ones(self, conn, open_connection):
        deliver(conn, *(message(n) for n in range(5)))
        first, second = begin(open_connection()), begin(open_connection(lock_timeout="1ms"))
        assert claim(first, at_most=2) == [product(0), product(1)]
        taken = claim(second, at_most=MANY)
        assert taken == [product(2), product(3), product(4)]
        assert free(conn) == []

    def test_a_product_whose_head_another_has_is_not_taken_by_its_second_job(
        self, conn, open_connection
    ):
        for _ in range(3):
            deliver(conn, message(1))
        first = begin(open_connection())
        assert claim(first) == [product(1)]
        second = begin(open_connection(lock_timeout="1ms"))
        assert claim(second) == []
        assert len(free(conn)) == 2
        first.rollback()
        assert claim(second) == [product(1)]

    def test_a_product_that_runs_is_not_taken(self, conn, open_connection):
        deliver(conn, message(1), message(2))
        deliver(conn, message(1))
        job = fetch_job(conn)
        assert job["lock"] == product(1)
        claimer = begin(open_connection())
        assert claim(claimer) == [product(2)]
        claimer.rollback()
        finish_job(conn, job["id"])
        assert claim(claimer) == [product(2), product(1)]

    def test_a_product_that_is_just_being_fetched_is_not_taken(self, conn, open_connection):
        deliver(conn, message(1), message(2))
        fetcher = begin(open_connection())
        assert fetch_job(fetcher)["lock"] == product(1)
        assert claim(begin(open_connection(lock_timeout="1ms"))) == [product(2)]

    def test_what_is_claimed_is_not_fetched(self, conn, open_connection):
        deliver(conn, message(1), message(2))
        claimer = begin(open_connection())
        assert claim(claimer, at_most=1) == [product(1)]
        assert fetch_job(open_connection(autocommit=True, lock_timeout="1ms"))["lock"] == product(2)

    def test_what_is_not_due_is_not_taken(self, conn, open_connection):
        later = datetime.now(UTC) + timedelta(minutes=1)
        defer(conn, product(1), priority=9, at=later)
        defer(conn, product(2), at=datetime.now(UTC) - timedelta(seconds=1))
        assert claim(begin(open_connection())) == [product(2)]

    @pytest.mark.parametrize("status", ["failed", "cancelled", "aborted", "succeeded"])
    def test_what_no_longer_waits_is_not_taken(self, conn, open_connection, status):
        defer(conn, product(1))
        conn.execute("UPDATE procrastinate_jobs SET status = %s", (status,))
        assert claim(begin(open_connection())) == []

    def test_other_queues_and_other_tasks_are_not_its_business(self, conn, open_connection):
        others = [
            defer(conn, product(1), queue="maintenance", task="sweep_unheld", priority=9),
            defer(conn, None, task="wake_product", priority=9),
            defer(conn, product(1), task="tell_somebody", priority=9),
            defer(conn, product(2), queue="elsewhere", priority=9),
        ]
        run_own_job(conn)
        deliver(conn, message(1))
        with open_connection() as claimer:
            assert claim(begin(claimer)) == [product(1)]
            assert {job for job, _ in free(conn)} >= set(others)
        assert front(conn).processed == 2
        left = column(conn, "SELECT id FROM procrastinate_jobs WHERE status = 'todo' ORDER BY id")
        assert left == others

    def test_the_window_is_in_proportion_and_many_jobs_of_a_few_do_not_narrow_it(
        self, conn, open_connection
    ):
        for _ in range(sql.WINDOW_A_PRODUCT):
            deliver(conn, *(message(n) for n in range(3)))
        assert claim(begin(open_connection()), at_most=3) == [product(n) for n in range(3)]


class TestTogether:
    def test_the_effects_of_many_products_commit_in_one_transaction(self, conn, open_connection):
        run_own_job(conn)
        for _ in range(2):
            deliver(conn, *(message(n) for n in range(9)))
        ear, before, worker = (
            Ear(open_connection, STATE_CHANNEL),
            counts(conn),
            begin(open_connection()),
        )
        assert front(worker) == Analysed(19, 19, 0, front_changes(worker))
        assert counts(conn) == before
        assert ear.heard() == []
        worker.commit()
        assert outcome(conn) == (19, 19, 19, 19)
        assert counts(conn)["current_state"] == 10
        assert len(set(column(conn, "SELECT changed_in::text FROM current_state"))) == 1
        assert column(conn, "SELECT status::text FROM procrastinate_jobs") == ["doing"]
        (bell,) = ear.heard()
        assert len(json.loads(bell.payload)["changed"]) == 10

    def test_an_undone_transaction_gives_everything_back_at_once(self, conn, open_connection):
        run_own_job(conn)
        deliver(conn, *(message(n) for n in range(9)))
        before, worker = counts(conn), begin(open_connection())
        assert front(worker).processed == 10
        assert free(conn) == [(1, OWN)]
        worker.rollback()
        assert counts(conn) == before
        assert len(free(conn)) == 10
        assert front(conn, worker_id="worker-2").processed == 10
        assert outcome(conn) == (10, 10, 10, 10)

    def test_a_killed_session_gives_everything_back_at_once(self, conn, open_connection):
        run_own_job(conn)
        deliver(conn, *(message(n) for n in range(9)))
        before, worker = counts(conn), begin(open_connection())
        assert front(worker).processed == 10
        conn.execute("SELECT pg_terminate_backend(%s)", (worker.info.backend_pid,))
        until(lambda: len(free(conn)) == 10, "the dead session's locks were gone")
        assert counts(conn) == before
        assert [fetch_job(conn)["lock"] for _ in range(9)] == [product(n) for n in range(9)]

    @pytest.mark.parametrize(
        "step",
        [
            "claim_sibling_jobs",
            "claim_notifications",
            "append_history",
            "mark_processed",
            "delete_waiting_jobs",
            "defer_successors",
            "ring_state_bell",
        ],
    )
    def test_a_session_lost_at_any_step_leaves_nothing(
        self, conn, open_connection, monkeypatch, step
    ):
        run_own_job(conn)
        for _ in range(2):
            deliver(conn, *(message(n) for n in range(5)))
        before, ear, worker = (
            counts(conn),
            Ear(open_connection, STATE_CHANNEL),
            open_connection(),
        )

        def die():
            conn.execute("SELECT pg_terminate_backend(%s)", (worker.info.backend_pid,))
            worker.execute("SELECT 1")

        around(monkeypatch, step, after=die)
        with pytest.raises(psycopg.OperationalError):
            front(worker, max_rows=8)
        assert counts(conn) == before
        assert ear.heard() == []
        assert front(conn).processed == 11
        assert unheld(conn) == 0

    def test_trouble_that_is_no_message_s_fault_is_nobody_s_attempt(self, conn, monkeypatch):
        run_own_job(conn)
        deliver(conn, *(message(n) for n in range(5)))
        before = counts(conn)
        with monkeypatch.context() as patch:
            patch.setattr(sql, "mark_processed", lambda *_, **__: 0)
            with pytest.raises(StateMovedError):
                front(conn)
        assert counts(conn) == before
        assert set(column(conn, "SELECT attempts FROM worker_notifications")) == {0}
        assert front(conn).processed == 6


def front_changes(conn):
    """What the bell of this transaction will tell: every product in hand."""
    return tuple(
        conn.execute(
            "SELECT marketplace_id || ':' || asin, severity FROM current_state"
            " WHERE changed_in = pg_current_xact_id() ORDER BY marketplace_id, asin"
        ).fetchall()
    )


class TestAPoisonedProduct:
    @pytest.fixture
    def poison(self, monkeypatch):
        """The database refuses the history of one product, whoever writes it."""
        written = sql.append_history

        def poisoned(name):
            def append_history(conn, history, *, now):
                if any(f"{row.marketplace_id}:{row.asin}" == name for row in history):
                    conn.execute("SELECT 1 / 0")
                written(conn, history, now=now)

            monkeypatch.setattr(sql, "append_history", append_history)

        return poisoned

    @pytest.mark.parametrize("name", [OWN, product(0), product(4)])
    def test_the_others_are_processed_and_it_goes_the_slow_way(self, conn, poison, name):
        run_own_job(conn)
        deliver(conn, *(message(n) for n in range(5)))
        poison(name)
        done = front(conn)
        assert (done.claimed, done.processed, done.failed) == (6, 5, 1)
        assert outcome(conn) == (6, 5, 5, 5)
        assert conn.execute(
            "SELECT product_key, status, attempts, last_error FROM worker_notifications"
            " WHERE attempts > 0"
        ).fetchall() == [(name, "waiting", 1, "DivisionByZero: division by zero")]
        assert conn.execute(
            "SELECT task_name, lock, args ->> 'product' FROM procrastinate_jobs"
            " WHERE status = 'todo'"
        ).fetchall() == [("wake_product", None, name)]

    def test_it_spoils_one_batch_only(self, conn, poison, monkeypatch):
        """While it waits for its next attempt, the batches of the others are whole again."""
        run_own_job(conn)
        deliver(conn, message(0), message(1))
        poison(product(0))
        front(conn)
        deliver(conn, message(1), message(2))
        names = sent(monkeypatch)
        assert front(conn).processed == 2
        assert names.count("append_history") == 1

    def test_when_it_is_well_again_it_is_processed_and_nobody_twice(
        self, conn, poison, monkeypatch
    ):
        run_own_job(conn)
        deliver(conn, *(message(n) for n in range(5)))
        with monkeypatch.context() as patch:
            patch.setattr(sql, "append_history", sql.append_history)
            poison(product(2))
            front(conn)
        monkeypatch.undo()
        sql.defer_due_analyses(conn, [product(2)], now=datetime.now(UTC) + timedelta(minutes=1))
        assert front(conn, later=timedelta(minutes=1)).processed == 1
        assert outcome(conn) == (6, 6, 6, 6)

    def test_another_worker_may_take_the_others_meanwhile(
        self, conn, open_connection, poison, monkeypatch
    ):
        """Between the batch that was refused and the slow way nobody holds the siblings."""
        run_own_job(conn)
        deliver(conn, *(message(n) for n in range(5)))
        other, taken = open_connection(autocommit=True), []
        poison(product(2))
        apart = transaction._apart

        def after_a_quicker_one(*args):
            monkeypatch.setattr(transaction, "_apart", apart)
            taken.extend(
                work(other, product(n), max_siblings=0, worker_id="quicker") for n in (4, 1)
            )
            return apart(*args)

        monkeypatch.setattr(transaction, "_apart", after_a_quicker_one)
        done = front(open_connection())
        assert [one.processed for one in taken] == [1, 1]
        assert (done.processed, done.failed) == (3, 1)
        assert outcome(conn) == (6, 5, 5, 5)
        assert column(conn, "SELECT version FROM current_state") == [1] * 5

    @pytest.mark.parametrize("alone", ["each fails", "each is accepted"])
    def test_a_slow_way_that_is_interrupted_leaves_a_job_for_the_rest(
        self, conn, monkeypatch, alone
    ):
        """The product has no waiting job, more than a transaction takes, and its worker must stop."""
        run_own_job(conn)
        deliver(conn, *(own_message() for _ in range(5)))
        conn.execute("DELETE FROM procrastinate_jobs WHERE status = 'todo'")
        written = sql.append_history

        def append_history(conn, history, *, now):
            if alone == "each fails" or len(history) > 1:
                conn.execute("SELECT 1 / 0")
            written(conn, history, now=now)

        monkeypatch.setattr(sql, "append_history", append_history)
        done = front(conn, max_rows=3)
        assert (done.claimed, done.failed) == (3, 3 if alone == "each fails" else 0)
        finish_job(conn, fetch_or_running(conn))
        assert waiting(conn, OWN) == [OWN]
        assert unheld(conn) == 0


def fetch_or_running(conn):
    (job,) = column(conn, "SELECT id FROM procrastinate_jobs WHERE status = 'doing'")
    return job


class TestWhatArrivesMeanwhile:
    """T1 commits while T2 is at work on the same products."""

    @pytest.fixture
    def at_work(self, conn):
        run_own_job(conn)
        deliver(conn, message(1), message(2))

    def arrivals(self, conn):
        deliver(conn, own_message(), message(1))

    def test_between_the_claim_and_the_deletion_a_successor_keeps_its_place(
        self, conn, open_connection, monkeypatch, at_work
    ):
        around(monkeypatch, "delete_waiting_jobs", before=lambda: self.arrivals(conn))
        assert front(open_connection()).processed == 3
        assert sorted(waiting(conn)) == sorted([OWN, product(1)])
        assert unheld(conn) == 0
        finish_job(conn, fetch_or_running(conn))
        drain(conn)
        assert outcome(conn) == (5, 5, 5, 5)

    def test_between_the_deletion_and_the_successors_its_own_job_stays(
        self, conn, open_connection, monkeypatch, at_work
    ):
        around(monkeypatch, "delete_waiting_jobs", after=lambda: self.arrivals(conn))
        assert front(open_connection()).processed == 3
        assert set(waiting(conn)) == {OWN, product(1)}
        assert unheld(conn) == 0
        finish_job(conn, fetch_or_running(conn))
        drain(conn)
        assert outcome(conn) == (5, 5, 5, 5)

    @pytest.mark.parametrize("step", ["defer_successors", "ring_state_bell"])
    def test_after_the_successors_its_own_job_stays(
        self, conn, open_connection, monkeypatch, at_work, step
    ):
        around(monkeypatch, step, after=lambda: self.arrivals(conn))
        assert front(open_connection()).processed == 3
        assert sorted(waiting(conn)) == sorted([OWN, product(1)])
        assert unheld(conn) == 0

    def test_uncommitted_until_t2_is_over_its_own_job_stays(self, conn, open_connection, at_work):
        ingester = begin(open_connection())
        self.arrivals(ingester)
        assert front(open_connection()).processed == 3
        ingester.commit()
        assert sorted(waiting(conn)) == sorted([OWN, product(1)])

    def test_before_the_claim_it_is_taken_along(self, conn, open_connection, monkeypatch, at_work):
        around(monkeypatch, "claim_notifications", before=lambda: self.arrivals(conn))
        assert front(open_connection()).processed == 5
        assert waiting(conn) == []


class TestSuccessors:
    def test_a_successor_keeps_the_priority_of_the_jobs_it_replaces(self, conn):
        run_own_job(conn)
        for _ in range(6):
            deliver(conn, message(1), filer=HIGH_FIRST)
        deliver(conn, message(1, source="sqs-high"), message(2), filer=HIGH_FIRST)
        highest = dict(
            conn.execute(
                "SELECT lock, max(priority) FROM procrastinate_jobs GROUP BY lock"
            ).fetchall()
        )
        assert front(conn, max_rows=8).claimed < 9
        assert conn.execute(
            "SELECT lock, priority FROM procrastinate_jobs WHERE lock = %s", (product(1),)
        ).fetchall() == [(product(1), highest[product(1)])]

    def test_products_beyond_what_a_transaction_takes_stay_in_line_in_their_order(self, conn):
        run_own_job(conn)
        deliver(conn, *(message(n) for n in range(12)))
        conn.execute("UPDATE procrastinate_jobs SET priority = -id WHERE status = 'todo'")
        assert front(conn, max_rows=4).claimed == 4
        assert waiting(conn) == [product(n) for n in range(3, 12)]
        places = column(conn, "SELECT priority FROM procrastinate_jobs WHERE status = 'todo'")
        assert sorted(places, reverse=True) == [-n for n in range(5, 14)]

    @pytest.mark.parametrize("others", [0, 3])
    def test_a_product_that_is_not_clean_has_a_job_though_it_had_none(self, conn, others):
        """One job stood for all its messages, as after a wake-up; the worker may have to stop."""
        run_own_job(conn)
        deliver(conn, *(own_message() for _ in range(7)))
        conn.execute("DELETE FROM procrastinate_jobs WHERE status = 'todo'")
        deliver(conn, *(message(n) for n in range(others)))
        assert front(conn, max_rows=5).claimed < 8 + others
        finish_job(conn, fetch_or_running(conn))
        assert waiting(conn, OWN) == [OWN]
        assert unheld(conn) == 0
        drain(conn)
        assert outcome(conn) == (8 + others,) * 4

    def test_a_clean_product_gets_none(self, conn):
        run_own_job(conn)
        deliver(conn, *(message(n) for n in range(5)))
        assert front(conn).processed == 6
        assert waiting(conn) == []

    def test_what_is_backing_off_is_no_reason_for_one(self, conn):
        run_own_job(conn)
        deliver(conn, message(1))
        conn.execute(
            "UPDATE worker_notifications SET next_attempt_at = now() + interval '1 hour'"
            " WHERE product_key = %s",
            (product(1),),
        )
        assert front(conn).processed == 1
        assert waiting(conn) == []

    def test_jobs_of_products_with_nothing_left_are_cleared_away(self, conn):
        """Else they would stand at the front, be taken by every batch, and stay."""
        run_own_job(conn)
        for _ in range(3):
            defer(conn, product(1))
        assert front(conn).claimed == 1
        assert waiting(conn) == []
        defer(conn, product(1))
        assert front(conn).claimed == 0
        assert waiting(conn) == []


def heat(conn, messages):
    """A product with thousands of waiting messages and jobs, all older than the others'."""
    conn.execute(
        """
        WITH stored AS (
            INSERT INTO worker_notifications (
                received_at, received_on, notification_type, status, seller_id, marketplace_id,
                asin, item_condition, event_time, publish_time, event_key, message_id, body_hash,
                source_key, notification_id, trace_id, source, envelope, ingested_by
            )
            SELECT now() - interval '1 h', (now() AT TIME ZONE 'UTC')::date,
                   'ANY_OFFER_CHANGED', 'waiting', %(seller)s, %(marketplace)s, %(asin)s, 'new',
                   now() - interval '1 h' + n * interval '1 ms', now(), md5(n::text),
                   'hot-' || n, sha256(n::text::bytea), 's', md5(n::text)::uuid::text, 'hot-' || n,
                   'sqs', 'direct', 'filler'
            FROM generate_series(1, %(messages)s::integer) AS n
            RETURNING id, received_at, product_key, trace_id
        )
        INSERT INTO procrastinate_jobs (queue_name, task_name, priority, lock, args, status)
        SELECT 'analysis', 'analyse_product', buybox_due_order(received_at, 0), product_key,
               jsonb_build_object('product', product_key, 'notification', id, 'trace_id', trace_id),
               'todo'
        FROM stored
        """,
        {
            "seller": OWN_SELLER,
            "marketplace": GB,
            "asin": HOT.split(":")[1],
            "messages": messages,
        },
    )
    conn.execute(
        """
        WITH model AS (
            SELECT b.body, b.facts FROM notification_bodies AS b
            JOIN worker_notifications AS n ON n.id = b.notification_id
            WHERE n.asin <> %(asin)s LIMIT 1
        )
        INSERT INTO notification_bodies (notification_id, received_on, body, facts)
        SELECT n.id, n.received_on, m.body, m.facts
        FROM worker_notifications AS n, model AS m WHERE n.asin = %(asin)s
        """,
        {"asin": HOT.split(":")[1]},
    )


class TestAHotProduct:
    """Its thousands of jobs stand before those of everybody else and fill all that a claim looks at."""

    MESSAGES, SIBLINGS = 5000, 4

    @pytest.fixture
    def hot(self, conn):
        run_own_job(conn)
        deliver(conn, *(message(n) for n in range(3)))
        heat(conn, self.MESSAGES)
        assert waiting(conn)[0] == HOT
        assert self.MESSAGES > self.SIBLINGS * sql.WINDOW_A_PRODUCT

    def front(self, conn, own=OWN, **more):
        return front(conn, own, at_most=self.SIBLINGS, max_rows=20, **more)

    def test_it_collapses_to_one_job_and_the_next_batch_reaches_the_others(self, conn, hot):
        (place,) = column(conn, "SELECT max(priority) FROM procrastinate_jobs WHERE lock = %s", HOT)
        self.front(conn)
        assert waiting(conn) == [HOT, *(product(n) for n in range(3))]
        assert column(conn, "SELECT priority FROM procrastinate_jobs WHERE lock = %s", HOT) == [
            place
        ]
        self.front(conn)
        assert waiting(conn) == [HOT]
        assert counts(conn)["current_state"] == 5

    @pytest.mark.parametrize("bite", [5000, 2000, 1000])
    def test_after_how_many_transactions_others_are_reached_is_bounded(
        self, conn, hot, monkeypatch, bite
    ):
        monkeypatch.setattr(sql, "MAX_JOBS_DELETED", bite)
        transactions = 0
        while product(0) in waiting(conn):
            self.front(conn)
            transactions += 1
        assert transactions == math.ceil(self.MESSAGES / bite) + 1

    def test_beside_others_it_fills_no_more_than_its_part(self, conn, hot):
        for _ in range(3):
            before = self.of_the_hot_one(conn)
            self.front(conn)
            assert self.of_the_hot_one(conn) - before == 20 // HOT_PART

    def of_the_hot_one(self, conn):
        return column(
            conn,
            "SELECT count(*) FROM worker_notifications WHERE product_key = %s"
            " AND status = 'processed'",
            HOT,
        )[0]

    def test_a_second_worker_waits_for_nobody_and_finds_the_others_after_one_commit(
        self, conn, hot, open_connection
    ):
        first, second = begin(open_connection()), begin(open_connection(lock_timeout="1ms"))
        self.front(first)
        assert claim(second, at_most=self.SIBLINGS) == []
        second.rollback()
        first.commit()
        assert claim(second, at_most=self.SIBLINGS) == [HOT, *(product(n) for n in range(3))]

    def test_while_it_runs_elsewhere_a_worker_goes_on_with_its_own(
        self, conn, hot, open_connection
    ):
        job = fetch_job(conn)
        assert job["lock"] == HOT
        first = begin(open_connection())
        self.front(first, HOT)
        assert self.front(open_connection(lock_timeout="1ms")).claimed == 1
        first.commit()
        deliver(conn, own_message())
        assert self.front(open_connection(lock_timeout="1ms")).claimed == 4
        assert waiting(conn) == [HOT]

    def test_in_the_end_all_of_it_was_processed_once(self, conn, open_connection):
        run_own_job(conn)
        deliver(conn, *(message(n) for n in range(3)))
        heat(conn, 300)
        finish_job(conn, fetch_or_running(conn))
        deliver(conn, own_message())
        assert drain(conn, max_rows=100) < 12
        assert outcome(conn) == (305, 305, 305, 305)
        assert waiting(conn) == []


class TestTwoBatchesThatMeet:
    """A product may come into two hands: its place moves while one holds it. Nobody may deadlock."""

    def test_a_more_urgent_message_puts_a_product_in_hand_into_a_second_batch(
        self, conn, open_connection, monkeypatch
    ):
        run_own_job(conn)
        deliver(conn, message(1), filer=HIGH_FIRST)
        seconds = []

        def meanwhile():
            deliver(conn, message(1, source="sqs-high"), message(2), filer=HIGH_FIRST)
            second = Background(
                front, open_connection(autocommit=True), product(2), worker_id="worker-2"
            )
            seconds.append(second.until_blocked(conn))

        around(monkeypatch, "delete_waiting_jobs", before=meanwhile)
        first = Background(front, open_connection())
        assert first.result().processed == 2
        assert seconds[0].result().processed == 2
        drain_all(conn)
        assert outcome(conn) == (4, 4, 4, 4)

    def test_a_job_that_was_put_back_under_a_live_worker_comes_into_a_second_batch(
        self, conn, open_connection, monkeypatch
    ):
        deliver(conn, own_message())
        fetch_job(conn, worker=register_worker(conn))
        seconds = []

        def meanwhile():
            conn.execute("UPDATE procrastinate_workers SET last_heartbeat = now() - interval '1 h'")
            put_back = rescue_stalled_jobs(
                conn,
                now=datetime.now(UTC),
                silent=timedelta(seconds=30),
                max_runtime=timedelta(minutes=5),
            )
            assert [name for _, name in put_back] == [OWN]
            deliver(conn, message(2))
            second = Background(
                front, open_connection(autocommit=True), product(2), worker_id="worker-2"
            )
            seconds.append(second.until_blocked(conn))

        around(monkeypatch, "delete_waiting_jobs", before=meanwhile)
        first = Background(front, open_connection())
        assert first.result().processed == 1
        assert seconds[0].result().processed == 1
        drain_all(conn)
        assert outcome(conn) == (2, 2, 2, 2)

    def test_one_that_gets_the_same_products_in_another_order_queues(self, conn, open_connection):
        deliver(conn, *(message(n) for n in range(20)))
        gate = begin(open_connection())
        gate.execute(
            "SELECT 1 FROM worker_notifications WHERE product_key = %s FOR UPDATE", (product(9),)
        )
        names = [product(n) for n in range(20)]
        both = [
            Background(work, open_connection(), *order, worker_id=f"worker-{n}")
            for n, order in enumerate((names, names[::-1]))
        ]
        both[0].until_blocked(conn, backends=2)
        gate.commit()
        assert sorted(one.result().processed for one in both) == [0, 20]

    @pytest.mark.parametrize("at_most", [1, 8, 128])
    def test_two_workers_over_many_products_do_everything_once(
        self, conn, open_connection, at_most
    ):
        products, rounds = 40, 3
        for n in range(rounds):
            source = "sqs-high" if n == 1 else ""
            deliver(conn, *(message(p, source=source) for p in range(products)), filer=HIGH_FIRST)
        late = [message(p, source="sqs-high") for p in range(products)]
        start = threading.Barrier(3)

        def worker(session, name):
            start.wait()
            return drain(session, at_most=at_most, worker_id=name, max_rows=50)

        def ingester(session):
            start.wait()
            for one in late:
                deliver(session, one, filer=HIGH_FIRST)

        acts = [
            Background(worker, open_connection(autocommit=True, deadlock_timeout="10ms"), name)
            for name in ("worker-1", "worker-2")
        ]
        acts.append(Background(ingester, open_connection(autocommit=True)))
        for act in acts:
            act.result()
        drain(conn, at_most=at_most)
        total = products * (rounds + 1)
        assert outcome(conn) == (total, total, total, total)
        assert column(conn, "SELECT sum(attempts) FROM worker_notifications") == [0]
        assert column(conn, "SELECT count(*) FROM procrastinate_jobs") == [0]


def drain_all(conn):
    """To the end, jobs that count as running given back first."""
    conn.execute("UPDATE procrastinate_jobs SET status = 'todo', worker_id = NULL")
    assert unheld(conn) == 0
    drain(conn)
    assert column(conn, "SELECT count(*) FROM procrastinate_jobs") == [0]


def sent(monkeypatch):
    """The names of the statements that T2 sends from here on."""
    names = []
    text = sql.query

    def query(name):
        names.append(name)
        return text(name)

    monkeypatch.setattr(sql, "query", query)
    return names


LOOK = ["claim_sibling_jobs", "claim_notifications"]
ONE_T2 = [
    *LOOK,
    "lock_states",
    "upsert_states",
    "append_history",
    "mark_processed",
    "delete_waiting_jobs",
    "ring_state_bell",
]


class TestRoundTrips:
    def test_at_low_load_a_message_costs_one_t2_and_one_look(
        self, conn, open_connection, monkeypatch
    ):
        run_own_job(conn)
        names, executed = sent(monkeypatch), []

        class Counting(psycopg.Cursor):
            def execute(self, *args, **options):
                executed.append(args)
                return super().execute(*args, **options)

        worker = open_connection()
        worker.cursor_factory = Counting
        assert analyse_front(worker, OWN, analyst(max_siblings=64)).processed == 1
        assert names == ONE_T2
        assert analyse_front(worker, OWN, analyst(max_siblings=64)).claimed == 0
        assert names == ONE_T2 + LOOK
        assert len(executed) == len(names)

    @pytest.mark.parametrize("products", [1, 20, 60])
    def test_many_products_cost_no_more_statements_than_one(self, conn, monkeypatch, products):
        run_own_job(conn)
        deliver(conn, *(message(n) for n in range(products)))
        names = sent(monkeypatch)
        assert front(conn).processed == products + 1
        assert names == [*ONE_T2[:-1], "defer_successors", ONE_T2[-1]]
