"""The claim of many products at a backlog of a million, and behind a hot product."""

from __future__ import annotations

import itertools
import math
import os
from collections.abc import Iterator
from datetime import UTC, datetime

import psycopg
import pytest

from db.connect import connect
from db.products import CAREFUL_FOR
from db.sql import query
from tests.factories import GB
from tests.interleave import begin, letter
from tests.plans import delete_jobs, explain, prepared, store

NOW = datetime.now(UTC)

BACKLOG, HOT_JOBS = 1_000_000, 50_000
WINDOW = 8
"""Jobs a claim looks at for each product it may take."""

QUEUE = f"""
INSERT INTO procrastinate_jobs (queue_name, task_name, priority, lock, args, status)
SELECT 'analysis', 'analyse_product', -n / 10, '{GB}:B0' || lpad((n / 10)::text, 8, '0'), '{{}}', 'todo'
FROM generate_series(0, {BACKLOG} - 1) AS n
"""

HOT_QUEUE = f"""
INSERT INTO procrastinate_jobs (queue_name, task_name, priority, lock, args, status)
SELECT 'analysis', 'analyse_product', %s, '{GB}:B00000HOT0', '{{}}', 'todo'
FROM generate_series(1, {HOT_JOBS})
"""

_places = itertools.count(1)


def heat(conn):
    """Jobs of one product before all others, and before what earlier tests left dead."""
    conn.execute(HOT_QUEUE, (next(_places),))


@pytest.fixture(scope="module")
def million_url(pg_server, pg_template) -> Iterator[str]:
    """A queue of a million, planned with the statistics of the queue when it was empty."""
    name = f"buybox_million_{os.getpid()}"
    with pg_server.janitor(name, template_dbname=pg_template):
        url = pg_server.url_of(name)
        with connect(url, autocommit=True, session_replication_role="replica") as conn:
            conn.execute("ALTER TABLE procrastinate_jobs SET (autovacuum_enabled = false)")
            conn.execute(
                "INSERT INTO procrastinate_jobs (queue_name, task_name, lock, status)"
                " SELECT 'analysis', 'analyse_product', n::text, 'doing'"
                " FROM generate_series(1, 20) AS n"
            )
            conn.execute("ANALYZE procrastinate_jobs")
            conn.execute(QUEUE)
        yield url


@pytest.fixture(params=["stale statistics", "fresh statistics"])
def million(request, million_url) -> Iterator[psycopg.Connection]:
    with connect(million_url, session_replication_role="replica") as conn:
        begin(conn)
        if request.param == "fresh statistics":
            conn.execute("ANALYZE procrastinate_jobs")
        yield conn
        conn.rollback()


def waiting_jobs(conn):
    return conn.execute("SELECT count(*) FROM procrastinate_jobs WHERE status = 'todo'").fetchone()[
        0
    ]


def claim_siblings(conn, at_most, *, generic=False):
    params = {"own_product": "M:own", "now": NOW, "max_products": at_most}
    params |= {"window": at_most * WINDOW, "careful_for": CAREFUL_FOR}
    if not generic:
        return explain(conn, query("claim_sibling_jobs"), params)
    types = {"own_product": "text", "now": "timestamptz"}
    types |= {"max_products": "integer", "window": "integer", "careful_for": "interval"}
    statement = prepared(conn, "claim_sibling_jobs", types)
    return explain(conn, statement.format(f"'M:own', now(), {at_most}, {at_most * WINDOW}, '15 s'"))


@pytest.mark.parametrize("generic", [False, True], ids=["custom plan", "generic plan"])
@pytest.mark.parametrize("at_most", [1, 16, 128])
def test_the_batch_claim_reads_rows_in_proportion_to_what_it_takes(million, at_most, generic):
    plan = claim_siblings(million, at_most, generic=generic)
    heads = math.ceil(at_most * WINDOW / 10)
    assert plan.root["Actual Rows"] == heads, plan
    assert "procrastinate_jobs_priority_idx_v1" in plan.indexes, plan
    assert not plan.scanned - {None}, plan
    # The window, each head once more to lock it, and what runs (a handful) to leave it out.
    assert plan.rows_read("procrastinate_jobs") <= at_most * WINDOW + heads + 20, plan
    assert plan.buffers < 100 + 15 * at_most, plan


@pytest.mark.parametrize("at_most", [1, 128])
def test_a_hot_product_at_the_front_makes_the_batch_claim_no_dearer(million, at_most):
    heat(million)
    plan = claim_siblings(million, at_most)
    assert plan.root["Actual Rows"] == 1, plan
    assert plan.rows_read("procrastinate_jobs") <= at_most * WINDOW + 1 + 20, plan
    assert plan.buffers < 100 + 15 * at_most, plan


def test_a_bite_of_a_hot_product_s_jobs_reads_that_bite(million):
    heat(million)
    plan = delete_jobs(million, [f"{GB}:B00000HOT0"], max_jobs=500)
    assert plan.rows_read("procrastinate_jobs") == 2 * 500, plan
    assert not plan.scanned, plan


@pytest.mark.parametrize("messages", [1, 100])
def test_behind_a_million_jobs_a_batch_reads_one_of_each_of_its_products(million, messages):
    letters = [letter(asin=f"B0{n:08d}") for n in range(messages)]
    plan = store(million, letters)
    assert plan.rows_read("procrastinate_jobs") == messages, plan
    assert "buybox_jobs_waiting_by_lock" in plan.indexes, plan
    assert not plan.scanned, plan
    assert waiting_jobs(million) == BACKLOG


def test_behind_a_hot_product_s_jobs_its_message_reads_one(million):
    heat(million)
    plan = store(million, [letter(asin="B00000HOT0")])
    assert plan.rows_read("procrastinate_jobs") == 1, plan
    assert waiting_jobs(million) == BACKLOG + HOT_JOBS


@pytest.mark.parametrize("task", ["reassess", "tick_alerts"])
def test_behind_a_million_jobs_what_gives_way_looks_at_those_of_its_queue(million, task):
    """A second look finds the job of the first."""
    for reads in (0, 1):
        plan = explain(million, query("defer_turn"), {"task": task})
        assert plan.rows_read("procrastinate_jobs") == reads, plan
        assert not plan.scanned - {None}, plan
    in_line = "SELECT count(*) FROM procrastinate_jobs WHERE task_name = %s"
    assert million.execute(in_line, (task,)).fetchone() == (1,)
