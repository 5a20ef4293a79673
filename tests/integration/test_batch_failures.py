"""A product at fault in a batch, and what arrives while a batch is at work."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from db import products as sql
from tests.batches import (
    OWN,
    around,
    deliver,
    drain,
    fetch_or_running,
    front,
    message,
    outcome,
    own_message,
    product,
    run_own_job,
    sent,
    unheld,
    waiting,
)
from tests.interleave import (
    begin,
    column,
    finish_job,
    work,
)
from worker.analysis import analyse


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
        apart = analyse._apart

        def after_a_quicker_one(*args):
            monkeypatch.setattr(analyse, "_apart", apart)
            taken.extend(
                work(other, product(n), max_siblings=0, worker_id="quicker") for n in (4, 1)
            )
            return apart(*args)

        monkeypatch.setattr(analyse, "_apart", after_a_quicker_one)
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
        """And T2 leaves the product whose job the ingester counts on alone."""
        ingester = begin(open_connection())
        self.arrivals(ingester)
        assert front(open_connection()).processed == 2
        ingester.commit()
        assert sorted(waiting(conn)) == sorted([OWN, product(1)])

    def test_before_the_claim_it_is_taken_along(self, conn, open_connection, monkeypatch, at_work):
        around(monkeypatch, "claim_notifications", before=lambda: self.arrivals(conn))
        assert front(open_connection()).processed == 5
        assert waiting(conn) == []
