"""What the tests of the batch claim share: products in line, claims, and what became of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from db import alerts, economy
from db import products as sql
from db.jobs import sweep_unheld
from tests import interleave
from tests.factories import GB
from tests.interleave import (
    FILER,
    column,
    fetch_job,
    finish_job,
    letter,
    work,
)
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
    """One T1 per letter, so that the jobs stand in the order of the letters."""
    for one in letters:
        interleave.deliver(conn, one, filer=filer)


def claim(conn, own=OWN, *, at_most=MANY):
    """The claim alone. In a transaction of the caller it stays open."""
    return sql.claim_sibling_jobs(conn, own, now=datetime.now(UTC), max_products=at_most)


def front(conn, own=OWN, *, at_most=MANY, **more):
    """T2 for a product whose job runs, with up to so many others."""
    return work(conn, own, max_siblings=at_most, **more)


def run_own_job(conn, **more):
    """File a message and mark its job as fetched, so that a T2 has a product of its own."""
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
    ).products


def outcome(conn):
    """How many notifications, processed ones, history rows, and notifications in the history.

    All four are equal if everything happened once.
    """
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


def front_changes(conn):
    """What the bell of this transaction will tell: every product in hand."""
    return tuple(
        conn.execute(
            "SELECT marketplace_id || ':' || asin, severity FROM current_state"
            " WHERE changed_in = pg_current_xact_id() ORDER BY marketplace_id, asin"
        ).fetchall()
    )


def fetch_or_running(conn):
    (job,) = column(conn, "SELECT id FROM procrastinate_jobs WHERE status = 'doing'")
    return job


def sent(monkeypatch):
    """The names of the statements that T2 sends from here on."""
    names = []
    text = sql.query

    def query(name):
        names.append(name)
        return text(name)

    for room in (sql, economy, alerts):
        monkeypatch.setattr(room, "query", query)
    return names
