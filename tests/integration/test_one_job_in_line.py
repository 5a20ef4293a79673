"""A product needs one job in line, and whoever counts on another's must be able to.

T1 adds no job behind one that stands in line already, nor T2 a dispatch. Each meeting with somebody
who takes that job is interleaved by hand.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from db.dispatch import defer_dispatch
from db.jobs import rescue_stalled_jobs
from tests import interleave
from tests.batches import HIGH_FIRST, claim, deliver, front, message, product, unheld, waiting
from tests.interleave import Ear, begin, column, fetch_job, finish_job, register_worker, work

HEAD = product(1)
ANY_QUEUE = "procrastinate_any_queue_v1"
BELLS = (ANY_QUEUE, "procrastinate_queue_v1#analysis")
IMPATIENT = {"lock_timeout": "1ms"}
"""For who must not wait for anybody."""


@pytest.fixture
def in_line(conn):
    """A message that waits, and its job."""
    deliver(conn, message(1))


class TestOneJobForAProduct:
    def test_behind_a_job_in_line_none_is_added(self, conn, in_line):
        assert interleave.deliver(conn, message(1), message(2)).jobs == 1
        assert waiting(conn) == [HEAD, product(2)]

    def test_messages_that_come_together_share_one_in_the_place_of_the_most_urgent(self, conn):
        together = (message(1), message(1, source="sqs-high"), message(1))
        assert interleave.deliver(conn, *together, filer=HIGH_FIRST).jobs == 1
        interleave.deliver(conn, message(2, source="sqs-high"), filer=HIGH_FIRST)
        assert waiting(conn) == [HEAD, product(2)]

    def test_a_more_urgent_message_brings_a_job_that_stands_before(self, conn):
        deliver(conn, message(2), message(1), filer=HIGH_FIRST)
        deliver(conn, message(1, source="sqs-high"), filer=HIGH_FIRST)
        assert waiting(conn) == [HEAD, product(2), HEAD]

    @pytest.mark.parametrize("others", [0, 2])
    def test_workers_are_rung_once_a_transaction_whether_a_job_is_added_or_not(
        self, conn, open_connection, in_line, others
    ):
        """Who looked while T1 held the job has passed it over, and sleeps."""
        ear = Ear(open_connection, *BELLS)
        interleave.deliver(conn, message(1), *(message(2 + n) for n in range(others)))
        assert sorted(bell.channel for bell in ear.heard()) == sorted(BELLS)

    def test_one_job_is_enough_for_all_that_waits(self, conn, in_line):
        deliver(conn, *(message(1) for _ in range(5)))
        assert work(conn, HEAD).processed == 6
        assert (unheld(conn), waiting(conn)) == (0, [])


class TestWhoeverTakesTheJob:
    """T1 counts on a job that somebody takes at that moment: before T1's end, or already."""

    def test_until_t1_ends_nobody_takes_it_and_then_both_messages_go(
        self, conn, open_connection, in_line
    ):
        ingester = begin(open_connection())
        deliver(ingester, message(1))
        other = open_connection(**IMPATIENT)
        assert fetch_job(other) is None
        assert claim(other) == []
        ingester.commit()
        job = fetch_job(conn)
        assert job["lock"] == HEAD
        assert work(conn, HEAD).processed == 2
        finish_job(conn, job["id"])
        assert waiting(conn) == []

    def test_a_t2_at_work_leaves_it_where_t1_counts_on_it(self, conn, open_connection, in_line):
        deliver(conn, message(2))
        ingester = begin(open_connection())
        deliver(ingester, message(1))
        assert front(open_connection(**IMPATIENT), HEAD).processed == 2  # as if its job ran
        assert waiting(conn) == [HEAD]
        ingester.commit()
        assert front(conn, product(2)).processed == 1
        assert unheld(conn) == 0

    @pytest.mark.parametrize("ends", ["commit", "rollback"])
    def test_one_that_is_just_being_fetched_is_not_counted_on(
        self, conn, open_connection, in_line, ends
    ):
        fetcher = begin(open_connection())
        assert fetch_job(fetcher)["lock"] == HEAD
        deliver(open_connection(**IMPATIENT), message(1))
        getattr(fetcher, ends)()
        assert len(column(conn, "SELECT id FROM procrastinate_jobs")) == 2

    def test_one_that_a_t2_has_claimed_is_not_counted_on(self, conn, open_connection, in_line):
        first = begin(open_connection())
        assert claim(first) == [HEAD]
        deliver(open_connection(**IMPATIENT), message(1))
        assert waiting(conn) == [HEAD, HEAD]

    def test_one_that_runs_is_not_counted_on(self, conn, in_line):
        fetch_job(conn)
        deliver(conn, message(1))
        assert waiting(conn) == [HEAD]

    def test_one_whose_worker_was_taken_for_dead_is_not_counted_on(self, conn, in_line):
        """It lives, and ends a job that was put in line again meanwhile."""
        job = fetch_job(conn, worker=register_worker(conn))
        assert work(conn, HEAD).processed == 1
        rescue_stalled_jobs(
            conn,
            now=datetime.now(UTC) + timedelta(hours=1),
            silent=timedelta(seconds=30),
            max_runtime=timedelta(hours=9),
        )
        assert waiting(conn) == [HEAD]
        deliver(conn, message(1))
        finish_job(conn, job["id"])
        assert (unheld(conn), waiting(conn)) == (0, [HEAD])

    def test_one_that_is_gone_is_not_counted_on(self, conn, open_connection, in_line):
        worker = begin(open_connection())
        assert work(worker, HEAD).processed == 1
        deliver(open_connection(**IMPATIENT), message(1))
        worker.commit()
        assert (unheld(conn), waiting(conn)) == (0, [HEAD])

    def test_a_t1_that_is_taken_back_leaves_the_job_to_the_first_message(
        self, conn, open_connection, in_line
    ):
        ingester = begin(open_connection())
        deliver(ingester, message(1))
        ingester.rollback()
        assert waiting(conn) == [HEAD]
        assert work(conn, HEAD).processed == 1

    def test_ingesters_at_once_count_on_the_same_job_and_do_not_wait(
        self, conn, open_connection, in_line
    ):
        ingesters = [begin(open_connection(**IMPATIENT)) for _ in range(3)]
        for ingester in ingesters:
            deliver(ingester, message(1))
        ingesters[0].commit()
        assert fetch_job(open_connection(**IMPATIENT)) is None
        for ingester in ingesters[1:]:
            ingester.commit()
        assert work(conn, HEAD).processed == 4


class TestOneDispatchInLine:
    def dispatches(self, conn):
        return column(
            conn, "SELECT status::text FROM procrastinate_jobs WHERE task_name = 'dispatch_alerts'"
        )

    def test_behind_one_in_line_none_is_added(self, conn):
        defer_dispatch(conn)
        defer_dispatch(conn)
        assert self.dispatches(conn) == ["todo"]

    def test_until_whoever_counts_on_it_ends_nobody_takes_it(self, conn, open_connection):
        defer_dispatch(conn)
        teller = begin(open_connection())
        defer_dispatch(teller)
        assert fetch_job(open_connection(**IMPATIENT)) is None
        teller.commit()
        assert fetch_job(conn)["task_name"] == "dispatch_alerts"

    def test_workers_are_rung_whether_one_is_added_or_not(self, conn, open_connection):
        ear = Ear(open_connection, ANY_QUEUE)
        for _ in range(2):
            defer_dispatch(conn)
            assert len(ear.heard()) == 1

    def test_one_that_is_being_taken_or_runs_is_not_counted_on(self, conn, open_connection):
        defer_dispatch(conn)
        fetcher = begin(open_connection())
        assert fetch_job(fetcher)["task_name"] == "dispatch_alerts"
        defer_dispatch(open_connection(autocommit=True, **IMPATIENT))
        fetcher.commit()
        assert sorted(self.dispatches(conn)) == ["doing", "todo"]

    def test_one_for_later_is_not_counted_on_and_does_not_count_on_another(self, conn):
        now = datetime.now(UTC)
        defer_dispatch(conn, at=now + timedelta(hours=1))
        defer_dispatch(conn)
        defer_dispatch(conn, at=now + timedelta(seconds=1))
        assert len(self.dispatches(conn)) == 3

    def test_one_whose_worker_was_taken_for_dead_is_not_counted_on(self, conn):
        """It lives, and ends a job that was put in line again meanwhile."""
        defer_dispatch(conn)
        job = fetch_job(conn, worker=register_worker(conn))
        rescue_stalled_jobs(
            conn,
            now=datetime.now(UTC) + timedelta(hours=1),
            silent=timedelta(seconds=30),
            max_runtime=timedelta(hours=9),
        )
        assert self.dispatches(conn) == ["todo"]
        defer_dispatch(conn)
        finish_job(conn, job["id"])
        assert self.dispatches(conn) == ["todo"]
