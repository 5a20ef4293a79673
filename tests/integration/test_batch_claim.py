"""What one T2 for many products takes, and that it all happens together or not."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from db import products as sql
from db.feed import STATE_CHANNEL
from tests.batches import (
    HIGH_FIRST,
    MANY,
    OWN,
    around,
    claim,
    defer,
    deliver,
    free,
    front,
    front_changes,
    message,
    outcome,
    own_message,
    product,
    run_own_job,
    sent,
    unheld,
)
from tests.interleave import (
    Ear,
    analyst,
    begin,
    column,
    counts,
    fetch_job,
    finish_job,
    until,
)
from worker.analysis.analyse import analyse_front
from worker.analysis.transaction import Analysed
from worker.errors import StateMovedError

LOOK = ["join_assessors", "claim_sibling_jobs", "claim_notifications"]
ONE_T2 = [
    *LOOK,
    "lock_states",
    "read_costs",
    "upsert_states",
    "append_history",
    "mark_processed",
    "lock_newest_alerts",
    "read_alert_settings",
    "tally_alerts",
    "delete_waiting_jobs",
    "ring_state_bell",
]


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

    def test_two_claims_of_the_same_size_do_not_choose_the_same(self, conn, open_connection):
        deliver(conn, *(message(n) for n in range(5)))
        first, second = begin(open_connection()), begin(open_connection(lock_timeout="1ms"))
        assert claim(first, at_most=2) == [product(0), product(1)]
        assert claim(second, at_most=2) == [product(2), product(3)]
        assert len(free(conn)) == 1

    def test_a_product_whose_head_another_has_is_not_taken_by_its_second_job(
        self, conn, open_connection
    ):
        deliver(conn, message(1))
        first = begin(open_connection())
        assert claim(first) == [product(1)]
        deliver(conn, message(1))
        second = begin(open_connection(lock_timeout="1ms"))
        assert claim(second) == []
        assert len(free(conn)) == 1
        first.rollback()
        assert claim(second) == [product(1)]

    def test_a_product_that_runs_is_not_taken(self, conn, open_connection):
        deliver(conn, message(1), message(2))
        job = fetch_job(conn)
        assert job["lock"] == product(1)
        deliver(conn, message(1))
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

    def test_the_claim_lasts_from_the_first_statement_to_the_commit(
        self, conn, open_connection, monkeypatch
    ):
        run_own_job(conn)
        deliver(conn, *(message(n) for n in range(9)))
        held = []
        for step in ("claim_notifications", "append_history", "delete_waiting_jobs"):
            around(monkeypatch, step, before=lambda: held.append(free(conn)))
        assert front(open_connection()).processed == 10
        assert held == [[(1, OWN)]] * 3

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
