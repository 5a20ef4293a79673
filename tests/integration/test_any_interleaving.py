"""Ingesters, workers and the rescue in random order, step by step: nothing lost, nothing twice.

One thread moves all sessions, so a seed is a story that can be told again. Whoever would have to
wait for a lock gives up instead, as after a lost connection, and tries again later.
"""

from __future__ import annotations

import random
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from db import products as sql
from db.jobs import rescue_stalled_jobs
from tests.factories import GB
from tests.interleave import (
    begin,
    column,
    deliver,
    fetch_job,
    finish_job,
    letter,
    register_worker,
    work,
)
from worker.ingest.filing import Filer

FILER = Filer("ingester-1", {"sqs-high": 1000, "": 0})
PRODUCTS = [f"B0{n:08d}" for n in range(7)]
SEEDS, STEPS = range(5), 60
INSIDE = [
    "claim_sibling_jobs",
    "claim_notifications",
    "mark_processed",
    "delete_waiting_jobs",
    "defer_successors",
]
"""Where, inside a T2, messages may arrive."""


class Worker:
    """A procrastinate worker, one step at a time: fetch, T2, commit, look again, finish, die."""

    def __init__(self, story, name):
        self.story, self.name = story, name
        self.queue, self.conn = story.session(autocommit=True), begin(story.session())
        self.revive()

    def revive(self):
        self.number = register_worker(self.queue)
        self.job, self.open, self.clean = None, False, False

    def step(self):
        if self.job is None:
            self.job = fetch_job(self.queue, worker=self.number)
            self.clean = False
        elif self.open:
            self.end()
        elif self.clean:
            self.finish_job()
        else:
            self.transact()

    def transact(self):
        """T2, left open. A lock that is held elsewhere is trouble that passes."""
        try:
            done = work(self.conn, self.job["lock"], worker_id=self.name, max_rows=6)
        except psycopg.errors.LockNotAvailable:
            self.conn.rollback()
        else:
            self.open, self.found = True, done.claimed

    def finish_job(self):
        """The job may be gone or in other hands by now, if this worker was taken for dead."""
        try:
            finish_job(self.queue, self.job["id"])
        except psycopg.errors.RaiseException:
            assert self.job["id"] in self.story.put_back
        except psycopg.errors.LockNotAvailable:
            return
        self.job = None

    def end(self):
        """Mostly it commits."""
        if self.story.chance(0.8):
            self.conn.commit()
            self.clean = self.found == 0
        else:
            self.conn.rollback()
        self.open = False

    def die(self):
        """Its transaction ends, its job stays running under a worker that is not heard of again."""
        self.conn.rollback()
        self.queue.execute(
            "UPDATE procrastinate_workers SET last_heartbeat = now() - interval '1 hour'"
            " WHERE id = %s",
            (self.number,),
        )
        self.revive()


class Story:
    """One seed's sessions and the order of their steps."""

    def __init__(self, conn, open_connection, seed):
        self.conn, self.open_connection = conn, open_connection
        self.random = random.Random(seed)
        self.sent, self.put_back = 0, set()
        self.ingesters = [self.session(), self.session()]
        self.workers = [Worker(self, f"worker-{n}") for n in (1, 2)]

    def session(self, **options):
        return self.open_connection(lock_timeout="5ms", **options)

    def chance(self, share):
        return self.random.random() < share

    def arrive(self, conn=None):
        """One to four messages of some products, an urgent one now and then; committed or not."""
        some = self.random.choices(PRODUCTS, k=self.random.randint(1, 4))
        source = "sqs-high" if self.chance(0.3) else ""
        deliver(conn or self.conn, *(letter(asin=a, source=source) for a in some), filer=FILER)
        self.sent += len(some)

    def ingest_slowly(self):
        """Open a T1, or commit one that was opened."""
        ingester = self.random.choice(self.ingesters)
        if ingester.info.transaction_status == psycopg.pq.TransactionStatus.INTRANS:
            ingester.commit()
        else:
            self.arrive(begin(ingester))

    def rescue(self, *, silent=timedelta(seconds=30)):
        """Jobs of the dead are put back; sometimes those of a live worker, taken for dead."""
        if self.chance(0.3):
            silent = timedelta(seconds=-60)
        found = rescue_stalled_jobs(
            self.conn, now=datetime.now(UTC), silent=silent, max_runtime=timedelta(minutes=5)
        )
        self.put_back.update(job for job, _ in found)

    def step(self):
        kind = self.random.choices(
            ["work", "arrive", "ingest slowly", "die", "rescue"], [60, 12, 16, 4, 8]
        )[0]
        if kind == "work":
            self.random.choice(self.workers).step()
        elif kind == "arrive":
            self.arrive()
        elif kind == "ingest slowly":
            self.ingest_slowly()
        elif kind == "die":
            self.random.choice(self.workers).die()
        else:
            self.rescue()

    @contextmanager
    def arrivals_inside(self):
        """Messages commit between the statements of a T2."""
        done = {name: getattr(sql, name) for name in INSIDE}

        def interrupted(name):
            def call(*args, **options):
                result = done[name](*args, **options)
                if self.chance(0.15):
                    self.arrive()
                return result

            return call

        with pytest.MonkeyPatch.context() as patch:
            for name in INSIDE:
                patch.setattr(sql, name, interrupted(name))
            yield

    def finish(self):
        """Everybody ends what is open; then one worker does what is left."""
        for ingester in self.ingesters:
            ingester.commit()
        for worker in self.workers:
            worker.die()
        self.rescue(silent=timedelta(0))
        while job := fetch_job(self.conn, worker=self.workers[0].number):
            while work(self.conn, job["lock"], max_rows=6).claimed:
                pass
            finish_job(self.conn, job["id"])


def unheld(conn):
    """Products with something due and no job: the sweeper would have to help."""
    return column(
        conn,
        "SELECT DISTINCT n.product_key FROM worker_notifications AS n"
        " WHERE n.status = 'waiting' AND NOT EXISTS (SELECT 1 FROM procrastinate_jobs AS j"
        " WHERE j.lock = n.product_key AND j.status IN ('todo', 'doing'))",
    )


def test_every_message_is_processed_once_and_no_product_is_ever_without_a_job(
    conn, open_connection, siblings
):
    for seed in SEEDS:
        conn.execute(
            "TRUNCATE worker_notifications, notification_bodies, current_state,"
            " competitive_history, procrastinate_jobs CASCADE"
        )
        story = Story(conn, open_connection, seed)
        with story.arrivals_inside():
            for step in range(STEPS):
                story.step()
                assert unheld(conn) == [], f"seed {seed}, step {step}"
        story.finish()
        of_this = f"seed {seed}"
        assert column(conn, "SELECT count(*) FROM procrastinate_jobs") == [0], of_this
        assert conn.execute(
            "SELECT count(*), count(*) FILTER (WHERE status = 'processed'), sum(attempts),"
            " (SELECT count(*) FROM competitive_history),"
            " (SELECT count(DISTINCT notification_row_id) FROM competitive_history),"
            " (SELECT count(DISTINCT marketplace_id || asin) FROM current_state)"
            " FROM worker_notifications"
        ).fetchone() == (story.sent,) * 2 + (0,) + (story.sent,) * 2 + (
            column(conn, "SELECT count(DISTINCT asin) FROM worker_notifications")[0],
        ), of_this
        assert set(column(conn, "SELECT marketplace_id FROM current_state")) == {GB}
