"""Plans made with the statistics of a drained queue, which is when autovacuum comes by.

Docs: docs/decisions/0020-plans-of-a-drained-queue.md
"""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from db.connect import QUEUE_SETTINGS, connect
from db.products import CAREFUL_FOR
from db.sql import query
from tests.plans import delete_jobs, explain, filled_database
from tests.sql.test_plans import (
    FILL,
    JOBS,
    NOW,
    PER_PRODUCT,
    ROWS,
    SWEEP,
    WAITING,
    claim_params,
    fetch_statement,
    names_of,
)


@pytest.fixture(scope="module")
def drained_url(pg_server, pg_template) -> Iterator[str]:
    """What waits has come after the statistics were taken, as it does day by day."""
    notifications = FILL.partition(";")[0]
    before = notifications.replace(f"n > {ROWS - WAITING} AS waits", "false AS waits")
    after = notifications.replace(
        f"generate_series(1, {ROWS})", f"generate_series({ROWS + 1}, {ROWS + WAITING})"
    )
    quiet = "ALTER TABLE worker_notifications SET (autovacuum_enabled = false)"
    with filled_database(pg_server, pg_template, "drained", quiet, before) as url:
        with connect(url, autocommit=True) as conn:
            conn.execute(after)
        yield url


@pytest.fixture
def drained(drained_url) -> Iterator[psycopg.Connection]:
    with connect(drained_url) as conn:
        yield conn
        conn.rollback()


BY_PRODUCT = {
    "claim_notifications": claim_params(names_of(3)),
    "defer_successors": {"product": names_of(3), "priority": [0] * 3, "now": NOW},
    "defer_due_analyses": {"products": names_of(3), "now": NOW},
}


@pytest.mark.parametrize("name", BY_PRODUCT)
def test_with_the_statistics_of_an_empty_inbox_products_are_still_found_by_theirs(drained, name):
    plan = explain(drained, query(name), BY_PRODUCT[name])
    assert "worker_notifications_waiting" in plan.indexes, plan
    assert plan.rows_read("worker_notifications") <= 2 * 3 * PER_PRODUCT, plan


def test_with_the_statistics_of_an_empty_inbox_a_sweep_reads_a_row_a_product(drained):
    plan = explain(drained, query("sweep_unheld"), {**SWEEP, "max_looked_at": 100})
    assert plan.rows_read("worker_notifications") <= 2 * (100 + 1), plan


@pytest.fixture(scope="module")
def drained_queue_url(pg_server, pg_template) -> Iterator[str]:
    """Jobs as many as before, all of them younger than the statistics."""
    jobs = FILL.rpartition(";")[0].rpartition(";")[2]
    steps = (
        "ALTER TABLE procrastinate_jobs DISABLE TRIGGER USER",
        "ALTER TABLE procrastinate_jobs SET (autovacuum_enabled = false)",
        jobs,
        "DELETE FROM procrastinate_jobs",
    )
    with filled_database(pg_server, pg_template, "drained_queue", *steps) as url:
        with connect(url, autocommit=True) as conn:
            conn.execute(jobs)
        yield url


@pytest.fixture
def queue(drained_queue_url) -> Iterator[psycopg.Connection]:
    """A connection as those have who take from the queue."""
    with connect(drained_queue_url, **QUEUE_SETTINGS) as conn:
        yield conn
        conn.rollback()


def test_procrastinates_fetch_reads_the_first_job_and_asks_for_its_predecessors(queue):
    plan = explain(queue, fetch_statement())
    assert plan.root["Actual Rows"] == 1, plan
    assert plan.rows_read("procrastinate_jobs") <= 1 + PER_PRODUCT, plan
    assert plan.buffers < 100, plan


@pytest.mark.parametrize("at_most", [1, 64])
def test_the_batch_claim_reads_its_window(queue, at_most):
    params = {"own_product": "M:own", "now": NOW, "max_products": at_most, "window": 8 * at_most}
    params["careful_for"] = CAREFUL_FOR
    plan = explain(queue, query("claim_sibling_jobs"), params)
    assert plan.rows_read("procrastinate_jobs") <= 2 * 8 * at_most, plan


def test_the_deletion_reads_the_jobs_of_its_products(queue):
    plan = delete_jobs(queue, names_of(64))
    assert plan.rows_read("procrastinate_jobs") == 2 * 64 * PER_PRODUCT, plan


def test_without_these_settings_the_fetch_reads_all_that_waits(drained_queue_url):
    with connect(drained_queue_url) as conn:
        plan = explain(conn, fetch_statement())
        assert plan.rows_read("procrastinate_jobs") > JOBS, plan
