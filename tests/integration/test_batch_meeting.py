"""Two batches that want the same products at the same time."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest

from db.jobs import rescue_stalled_jobs
from tests.batches import (
    HIGH_FIRST,
    OWN,
    around,
    deliver,
    drain,
    front,
    message,
    outcome,
    own_message,
    product,
    run_own_job,
    unheld,
)
from tests.interleave import (
    Background,
    analyst,
    begin,
    column,
    fetch_job,
    register_worker,
    work,
)
from worker.analysis.analyse import analyse_put_back


def drain_all(conn):
    """To the end, jobs that count as running given back first."""
    conn.execute("UPDATE procrastinate_jobs SET status = 'todo', worker_id = NULL")
    assert unheld(conn) == 0
    drain(conn)
    assert column(conn, "SELECT count(*) FROM procrastinate_jobs") == [0]


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

    def test_a_job_that_was_put_back_under_a_live_worker_waits_for_it_and_finds_it_done(
        self, conn, open_connection, monkeypatch
    ):
        """Nobody takes it along, since nobody knows why; its own worker meets the living one."""
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
            with open_connection() as other:
                assert front(other, product(2), worker_id="worker-2").claimed == 1
            assert fetch_job(conn, worker=register_worker(conn))["lock"] == OWN
            second = Background(
                analyse_put_back, open_connection(autocommit=True), OWN, analyst("worker-2")
            )
            seconds.append(second.until_blocked(conn))

        around(monkeypatch, "delete_waiting_jobs", before=meanwhile)
        first = Background(front, open_connection())
        assert first.result().processed == 1
        assert seconds[0].result().claimed == 0
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
