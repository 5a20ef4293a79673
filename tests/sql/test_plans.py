"""The hot statements read what they need and no more, with 100,000 rows behind them."""

from __future__ import annotations

import itertools
import math
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from procrastinate.schema import SchemaManager

from db.connect import connect
from db.params import columns
from db.rows import InboxRow
from db.sql import query
from tests.factories import GB, OWN_SELLER
from tests.interleave import FILER, begin, deliver, letter
from worker.ingest.filing import _inbox_row

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


@pytest.fixture(scope="module")
def full_url(pg_server, pg_template) -> Iterator[str]:
    name = f"buybox_full_{os.getpid()}"
    with pg_server.janitor(name, template_dbname=pg_template):
        url = pg_server.url_of(name)
        with connect(url, autocommit=True) as conn:
            conn.execute("ALTER TABLE procrastinate_jobs DISABLE TRIGGER USER")
            conn.execute(FILL)
            conn.execute("ALTER TABLE procrastinate_jobs ENABLE TRIGGER USER")
            conn.execute("VACUUM ANALYZE")
        yield url


@pytest.fixture
def full(full_url) -> Iterator[psycopg.Connection]:
    """A connection to the full database; what a test does there is rolled back."""
    with connect(full_url) as conn:
        yield begin(conn)
        conn.rollback()


@dataclass(frozen=True, repr=False)
class Plan:
    """What EXPLAIN (ANALYZE, BUFFERS) said."""

    root: dict

    def nodes(self, node=None):
        node = node or self.root
        yield node
        for child in node.get("Plans", ()):
            yield from self.nodes(child)

    @property
    def indexes(self):
        return {node["Index Name"] for node in self.nodes() if "Index Name" in node}

    @property
    def scanned(self):
        """The tables read from end to end."""
        return {
            n.get("Relation Name")
            for n in self.nodes()
            if n["Node Type"] == "Seq Scan" and n["Actual Loops"] and n["Actual Rows"]
        }

    @property
    def buffers(self):
        return self.root["Shared Hit Blocks"] + self.root["Shared Read Blocks"]

    def rows_read(self, table):
        """Rows taken from a table, those thrown away included."""
        return sum(
            (n["Actual Rows"] + n.get("Rows Removed by Filter", 0)) * n["Actual Loops"]
            for n in self.nodes()
            if n.get("Relation Name") == table and "Scan" in n["Node Type"]
        )

    def __repr__(self):
        """The tree, a line a node: what a failing guard shows."""
        return "\n" + "\n".join(self.lines(self.root, 0))

    def lines(self, node, depth):
        where = [node[key] for key in ("Relation Name", "Index Name") if key in node]
        conditions = [f"{k}={v}" for k, v in node.items() if k in {"Index Cond", "Filter"}]
        yield " ".join(
            [
                "  " * depth + node["Node Type"],
                *where,
                f"rows={node['Actual Rows']} x{node['Actual Loops']}",
                f"removed={node.get('Rows Removed by Filter', 0)}",
                f"buffers={node['Shared Hit Blocks'] + node['Shared Read Blocks']}",
                *conditions,
            ]
        )
        for child in node.get("Plans", ()):
            yield from self.lines(child, depth + 1)


def explain(conn, statement, params=None):
    row = conn.execute(
        f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {statement}", params, prepare=False
    ).fetchone()
    return Plan(row[0][0]["Plan"])


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


def prepared(conn, name, types):
    """A statement's EXECUTE as a generic plan: "{}" stands for its arguments."""
    conn.execute("SET LOCAL plan_cache_mode = force_generic_plan")
    text = query(name)
    for number, (parameter, _) in enumerate(types.items(), start=1):
        text = re.sub(rf"%\({parameter}\)s", f"${number}", text)
    conn.execute(f"PREPARE generic ({', '.join(types.values())}) AS {text}")
    return "EXECUTE generic ({})"


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
    rows = [_inbox_row(one, FILER) for one in letters]
    plan = explain(
        full,
        query("store_notifications"),
        {**columns(rows, InboxRow), "now": NOW, "ingested_by": "i"},
    )
    (store,) = [n for n in plan.nodes() if n.get("Relation Name") == "worker_notifications"]
    assert (store["Tuples Inserted"], store["Conflicting Tuples"]) == (0, 10), plan
    assert not plan.scanned, plan
    assert plan.buffers < 10 * 40, plan


def test_the_age_of_the_backlog_is_read_off_what_waits(full):
    plan = explain(full, query("read_backlog"), {"max_rows": 100_000})
    assert "worker_notifications_backlog" in plan.indexes, plan
    assert "Sort" not in {node["Node Type"] for node in plan.nodes()}, plan
    assert not plan.scanned, plan
    assert plan.rows_read("worker_notifications") == WAITING, plan


def test_the_sweeper_looks_at_what_waits_and_at_its_locks(full):
    full.execute("DELETE FROM procrastinate_jobs WHERE lock = %s", (f"{GB}:B000000007",))
    plan = explain(
        full,
        query("sweep_unheld"),
        {"now": NOW + timedelta(hours=1), "grace": timedelta(minutes=1), "max_products": 1000},
    )
    partial = {"worker_notifications_backlog", "worker_notifications_waiting"}
    assert plan.indexes & partial, plan
    assert "worker_notifications" not in plan.scanned, plan
    assert plan.rows_read("worker_notifications") == WAITING, plan


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


def test_without_our_index_the_fetch_reads_the_queue(full):
    full.execute("DROP INDEX buybox_jobs_waiting_by_lock")
    plan = explain(full, fetch_statement())
    assert plan.buffers > 100, plan


def test_fetching_behind_many_jobs_of_a_running_product_stays_cheap(full):
    full.execute(
        "UPDATE procrastinate_jobs SET status = 'doing' WHERE id IN (SELECT min(id) FROM procrastinate_jobs)"
    )
    plan = explain(full, fetch_statement())
    assert plan.buffers < 200, plan


def delete_jobs(conn, names, max_jobs=5000):
    return explain(conn, query("delete_waiting_jobs"), {"products": names, "max_jobs": max_jobs})


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


def claim_siblings(conn, at_most, *, generic=False):
    params = {"own_product": "M:own", "now": NOW, "max_products": at_most}
    params["window"] = at_most * WINDOW
    if not generic:
        return explain(conn, query("claim_sibling_jobs"), params)
    types = {"own_product": "text", "now": "timestamptz"}
    types |= {"max_products": "integer", "window": "integer"}
    statement = prepared(conn, "claim_sibling_jobs", types)
    return explain(conn, statement.format(f"'M:own', now(), {at_most}, {at_most * WINDOW}"))


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
