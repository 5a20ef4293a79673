"""Successors, and a hot product that holds nobody up."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

import pytest

from db import products as sql
from tests.batches import (
    HIGH_FIRST,
    HOT,
    OWN,
    claim,
    defer,
    deliver,
    drain,
    fetch_or_running,
    front,
    message,
    outcome,
    own_message,
    product,
    run_own_job,
    unheld,
    waiting,
)
from tests.factories import GB, OWN_SELLER
from tests.interleave import (
    begin,
    column,
    counts,
    fetch_job,
    finish_job,
)
from worker.analysis.transaction import HOT_PART


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

    @pytest.mark.parametrize("due", [timedelta(0), timedelta(hours=-1)])
    def test_what_has_backed_off_long_enough_is_a_reason_for_one(self, conn, due):
        deliver(conn, message(1))
        now = datetime.now(UTC)
        conn.execute("UPDATE worker_notifications SET next_attempt_at = %s", (now + due,))
        conn.execute("DELETE FROM procrastinate_jobs")
        assert sql.defer_successors(conn, {product(1): 7}, now=now) == 1
        assert waiting(conn) == [product(1)]

    def test_one_without_a_priority_stands_where_the_oldest_left_puts_it(self, conn):
        """By event, then publish time, then key: that is the one that is analysed next."""
        deliver(conn, *(message(1) for _ in range(4)))
        conn.execute("DELETE FROM procrastinate_jobs")
        rows = column(conn, "SELECT id FROM worker_notifications ORDER BY id")
        times = [(2, 1, "a", 1), (1, 2, "b", 2), (1, 1, "d", 3), (1, 1, "c", 4)]
        for row, (event, published, key, received) in zip(rows, times, strict=True):
            conn.execute(
                "UPDATE worker_notifications SET event_time = %(day)s + %(event)s * interval '1 s',"
                " publish_time = %(day)s + %(published)s * interval '1 s', event_key = %(key)s,"
                " received_at = %(day)s + %(received)s * interval '1 h' WHERE id = %(row)s",
                {
                    "day": datetime(2026, 1, 1, tzinfo=UTC),
                    "event": event,
                    "published": published,
                    "key": key,
                    "received": received,
                    "row": row,
                },
            )
        for way in ("indexscan", "indexonlyscan", "bitmapscan"):  # no index that has the order
            conn.execute(f"SET enable_{way} = off")
        sql.defer_successors(conn, {product(1): None}, now=datetime.now(UTC))
        assert conn.execute(
            "SELECT (j.args ->> 'notification')::bigint, n.event_key,"
            " j.priority = buybox_due_order(n.received_at, 0)"
            " FROM procrastinate_jobs AS j"
            " JOIN worker_notifications AS n ON n.id = (j.args ->> 'notification')::bigint"
        ).fetchall() == [(rows[3], "c", True)]

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

    def test_of_too_many_jobs_the_first_go_and_no_more_than_a_transaction_may(
        self, conn, monkeypatch
    ):
        monkeypatch.setattr(sql, "MAX_JOBS_DELETED", 4)
        for n in (1, 2):
            for priority in (1, 9, 5):
                defer(conn, product(n), priority=priority)
        gone = sql.delete_waiting_jobs(conn, [product(2), product(1)], crowded=True)
        assert gone == {product(2): 9, product(1): 9}
        left = conn.execute("SELECT lock, priority FROM procrastinate_jobs ORDER BY priority")
        assert left.fetchall() == [(product(1), 1), (product(1), 5)]

    def test_beside_others_a_few_jobs_of_each_product_go_the_first_come_first(
        self, conn, monkeypatch
    ):
        monkeypatch.setattr(sql, "JOBS_DELETED_BESIDE_OTHERS", 2)
        for n in (1, 2):
            for _ in range(3):
                defer(conn, product(n))
        newest = conn.execute("SELECT max(id) FROM procrastinate_jobs GROUP BY lock ORDER BY 1")
        expected = newest.fetchall()
        sql.delete_waiting_jobs(conn, [product(1), product(2)], crowded=False)
        left = conn.execute("SELECT id FROM procrastinate_jobs ORDER BY id")
        assert left.fetchall() == expected


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
