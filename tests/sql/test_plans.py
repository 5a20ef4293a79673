"""The hot statements read what they need and no more, with 100,000 rows behind them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from procrastinate.schema import SchemaManager

from db.connect import connect
from db.sql import query
from tests.factories import GB, OWN_SELLER
from tests.interleave import deliver, letter
from tests.plans import delete_jobs, explain, filled_database, prepared, store

ROWS, WAITING, JOBS = 100_000, 10_000, 20_000
PER_PRODUCT = 4
NOW = datetime.now(UTC)

FILL = f"""
INSERT INTO worker_notifications (
    received_at, received_on, notification_type, status, seller_id, marketplace_id, asin,
    item_condition, event_time, publish_time, event_key, message_id, body_hash, source_key,
    notification_id, trace_id, source, envelope, ingested_by, outcome, severity, policy, processed_at
)
SELECT at, at::date, 'ANY_OFFER_CHANGED', CASE WHEN waits THEN 'waiting' ELSE 'processed' END,
       '{OWN_SELLER}', '{GB}', 'B0' || lpad((n % ({WAITING} / {PER_PRODUCT}))::text, 8, '0'), 'new',
       at - interval '3 s', at - interval '2 s', md5(n::text), md5('message' || n),
       sha256(n::text::bytea), 'subscription', md5(n::text)::uuid::text, md5('message' || n), 'sqs',
       'direct', 'filler', CASE WHEN NOT waits THEN 'applied' END, 'info', 'full',
       CASE WHEN NOT waits THEN at + interval '1 s' END
FROM (
    SELECT n, n > {ROWS - WAITING} AS waits, now() - ({ROWS} - n) * interval '0.1 s' AS at
    FROM generate_series(1, {ROWS}) AS n
) AS r;

INSERT INTO notification_bodies (notification_id, received_on, body, facts)
SELECT id, received_on, '{{}}', '{{}}' FROM worker_notifications;

INSERT INTO current_state (
    marketplace_id, asin, item_condition, audience, seller_id, severity, severity_policy,
    severity_reasons, trace_id, worker_id, updated_at, version
)
SELECT '{GB}', 'B1' || lpad(n::text, 8, '0'), 'new', 'consumer', '{OWN_SELLER}', 'info', 'full',
       '{{}}', 't', 'w', now(), 1
FROM generate_series(1, {ROWS}) AS n;

SELECT count(*) FROM procrastinate_defer_jobs_v1(ARRAY(
    SELECT buybox_analysis_job(
        n, now() - n * interval '1 s', '{GB}:B0' || lpad((n % ({JOBS} / {PER_PRODUCT}))::text, 8, '0'), 't', 0
    )
    FROM generate_series(1, {JOBS}) AS n
));
"""


SWEEP = {
    "now": NOW + timedelta(hours=1),
    "grace": timedelta(minutes=1),
    "after": "",
    "max_products": 1000,
}


@pytest.fixture(scope="module")
def full_url(pg_server, pg_template) -> Iterator[str]:
    with filled_database(
        pg_server,
        pg_template,
        "full",
        "ALTER TABLE procrastinate_jobs DISABLE TRIGGER USER",
        FILL,
        "ALTER TABLE procrastinate_jobs ENABLE TRIGGER USER",
    ) as url:
        yield url


def names_of(products):
    return [f"{GB}:B0{n:08d}" for n in range(products)]


def claim_params(names, **more):
    """What T2 sends; all that may be taken of a product unless said otherwise."""
    params = {"products": names, "now": NOW, "max_rows": 2000, "only_row_id": None}
    return params | {"max_rows_a_product": 2000} | more


def claim(conn, products, **more):
    return explain(conn, query("claim_notifications"), claim_params(names_of(products), **more))


@pytest.mark.parametrize("products", [1, 3, 10, 128])
def test_the_claim_reads_its_products_own_rows_only(full, products):
    """Each row is read twice: once to choose it, by the products' index, once to lock it, by its key."""
    plan = claim(full, products)
    assert plan.root["Actual Rows"] == products * PER_PRODUCT, plan
    assert "worker_notifications_waiting" in plan.indexes, plan
    assert not plan.scanned, plan
    assert plan.rows_read("worker_notifications") == 2 * products * PER_PRODUCT, plan
    assert plan.buffers < 60 + 45 * products, plan


def test_a_claim_stops_where_its_transaction_is_full(full):
    plan = claim(full, 128, max_rows=20, max_rows_a_product=2)
    assert plan.root["Actual Rows"] == 20, plan
    assert plan.rows_read("worker_notifications") <= 20 + 20 + 2, plan


def test_a_claim_of_a_product_without_anything_waiting_is_nearly_free(full):
    plan = explain(full, query("claim_notifications"), claim_params(["M:nothing"]))
    assert plan.buffers < 10, plan


CLAIM_TYPES = {
    "products": "text[]",
    "now": "timestamptz",
    "max_rows": "integer",
    "max_rows_a_product": "integer",
    "only_row_id": "bigint",
}


def test_the_claim_finds_its_rows_by_index_even_with_a_generic_plan(full):
    statement = prepared(full, "claim_notifications", CLAIM_TYPES)
    plan = explain(full, statement.format(f"ARRAY['{GB}:B000000007'], now(), 200, 200, NULL"))
    assert plan.root["Actual Rows"] == PER_PRODUCT, plan
    assert plan.rows_read("worker_notifications") == 2 * PER_PRODUCT, plan


def read_feed(conn, cursor):
    return explain(conn, query("read_feed"), {"cursor": cursor, "max_rows": 10_001})


@pytest.mark.parametrize("changed", [0, 10, 200])
def test_the_feed_reads_what_changed_and_not_the_table(full, full_url, changed):
    with connect(full_url) as reader:
        (cursor,) = reader.execute("SELECT pg_current_snapshot()::text").fetchone()
    full.execute(
        "UPDATE current_state SET changed_in = pg_current_xact_id() WHERE asin <= %s",
        (f"B1{changed:08d}",),
    )
    plan = read_feed(full, cursor)
    assert "current_state_changed_in" in plan.indexes, plan
    assert "current_state" not in plan.scanned, plan
    assert plan.rows_read("current_state") == changed, plan
    assert plan.buffers < 60 + 5 * changed, plan


def test_a_redelivered_batch_is_refused_by_its_keys_alone(full):
    letters = [letter(asin=f"B2{n:08d}") for n in range(10)]
    assert deliver(full, *letters).stored == 10
    plan = store(full, letters)
    (stored,) = [n for n in plan.nodes() if n.get("Relation Name") == "worker_notifications"]
    assert (stored["Tuples Inserted"], stored["Conflicting Tuples"]) == (0, 10), plan
    assert not plan.scanned, plan
    assert plan.buffers < 10 * 40, plan


def test_the_age_of_the_backlog_is_read_off_what_waits(full):
    plan = explain(full, query("read_backlog"), {"max_rows": 100_000})
    assert "worker_notifications_backlog" in plan.indexes, plan
    assert "Sort" not in {node["Node Type"] for node in plan.nodes()}, plan
    assert not plan.scanned, plan
    assert plan.rows_read("worker_notifications") == WAITING, plan


@pytest.mark.parametrize("looked_at", [1, 100, 20_000])
def test_the_sweeper_reads_one_row_a_product_and_no_more_than_it_may(full, looked_at):
    """Not a row a message: each product's first, twice for the one whose job is gone."""
    full.execute("DELETE FROM procrastinate_jobs WHERE lock = %s", (f"{GB}:B000000000",))
    plan = explain(
        full,
        query("sweep_unheld"),
        {**SWEEP, "max_looked_at": looked_at},
    )
    looked_at = min(looked_at, WAITING // PER_PRODUCT)
    assert "worker_notifications_waiting" in plan.indexes, plan
    assert not plan.scanned & {"worker_notifications", "procrastinate_jobs"}, plan
    assert plan.rows_read("worker_notifications") <= looked_at + 1 + 1, plan
    assert plan.rows_read("procrastinate_jobs") <= looked_at, plan
    assert plan.buffers < 500 + 12 * looked_at, plan


def fetch_statement():
    """The SELECT inside procrastinate's fetch, out of the installed package."""
    function = re.search(
        r"CREATE FUNCTION procrastinate_fetch_job_v2\(.*?\$\$;",
        SchemaManager.get_schema(),
        re.DOTALL,
    )
    inner = re.search(r"WITH candidate AS \((.*?SKIP LOCKED)", function[0], re.DOTALL)[1]
    assert "target_queue_names" in inner
    return inner.replace("target_queue_names", "ARRAY['analysis']::varchar[]")


def test_procrastinates_fetch_finds_predecessors_by_lock(full):
    plan = explain(full, fetch_statement())
    assert plan.root["Actual Rows"] == 1, plan
    assert "buybox_jobs_waiting_by_lock" in plan.indexes, plan
    assert not plan.scanned, plan
    assert plan.buffers < 100, plan


def test_fetching_behind_many_jobs_of_a_running_product_stays_cheap(full):
    full.execute(
        "UPDATE procrastinate_jobs SET status = 'doing' WHERE id IN (SELECT min(id) FROM procrastinate_jobs)"
    )
    plan = explain(full, fetch_statement())
    assert plan.buffers < 200, plan


@pytest.mark.parametrize("products", [1, 128])
def test_waiting_jobs_are_found_by_their_lock(full, products):
    plan = delete_jobs(full, names_of(products))
    assert "buybox_jobs_waiting_by_lock" in plan.indexes, plan
    assert not plan.scanned, plan
    assert plan.rows_read("procrastinate_jobs") == 2 * products * PER_PRODUCT, plan


@pytest.mark.parametrize("products", [1, 128])
def test_a_successor_is_found_by_the_index_of_what_waits(full, products):
    names = names_of(products)
    plan = explain(
        full,
        query("defer_successors"),
        {"product": names, "priority": [None] * products, "now": NOW},
    )
    assert "worker_notifications_waiting" in plan.indexes, plan
    assert not plan.scanned, plan
    assert plan.rows_read("worker_notifications") == products, plan


IN_THE_WAY = 300
RUNNING_HOT = f"""
INSERT INTO procrastinate_jobs (queue_name, task_name, priority, lock, args, status)
SELECT 'analysis', 'analyse_product', 1, '{GB}:B00000HOT0', '{{}}',
       (CASE n WHEN 0 THEN 'doing' ELSE 'todo' END)::procrastinate_job_status
FROM generate_series(0, {IN_THE_WAY}) AS n
"""


@pytest.mark.parametrize("ours", [True, False])
def test_jobs_in_the_way_cost_one_look_each_through_our_index(full, ours):
    """Behind a product that runs; else each of its jobs reads all that stand before it.

    Last of this file: what it rolls back stays dead at the front of the queue's index.
    """
    full.execute(RUNNING_HOT)
    if not ours:
        full.execute("DROP INDEX buybox_jobs_waiting_by_lock")
    plan = explain(full, fetch_statement())
    assert plan.root["Actual Rows"] == 1, plan
    assert (plan.rows_read("procrastinate_jobs") < 3 * IN_THE_WAY) is ours, plan
