"""What the dashboard asks all day reads what it returns: the feed's alerts, a product, a key, a token."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from db.connect import connect
from db.dashboard import Filter, list_states
from db.sql import query
from tests.factories import GB, OWN_SELLER
from tests.plans import explain

ROOT = Path(__file__).parents[2]
RUNBOOK = "docs/runbooks/operators.md"
ALERTS, STATES, TOKENS = 40_000, 40_000, 5_000
NOTIFICATIONS, FAILURES = 90_000, 30_000
NOW = datetime.now(UTC)

FILL = f"""
INSERT INTO alerts (
    seller_id, marketplace_id, asin, item_condition, kind, severity, attention, resolution,
    resolved_at, resolved_by, first_seen, last_seen, last_event_time, waiting_since
)
SELECT '{OWN_SELLER}', '{GB}', 'B2' || lpad(n::text, 8, '0'), 'new', 'price', 'high',
       CASE WHEN n > 200 THEN 'resolved' ELSE 'new' END, CASE WHEN n > 200 THEN 'manual' END,
       CASE WHEN n > 200 THEN now() - interval '30 days' END, CASE WHEN n > 200 THEN 'ann' END,
       now(), now(), now(), now()
FROM generate_series(1, {ALERTS}) AS n;
INSERT INTO current_state (
    marketplace_id, asin, item_condition, audience, seller_id, severity, severity_policy,
    severity_reasons, trace_id, worker_id, updated_at, version
)
SELECT '{GB}', 'B2' || lpad(n::text, 8, '0'), 'new', 'consumer', '{OWN_SELLER}', 'info', 'full',
       ARRAY[repeat('r', 1000)], 't', 'w', now(), 1 -- as wide as real rows
FROM generate_series(1, {STATES}) AS n;
INSERT INTO api_tokens (name, role, secret_hash, created_at)
SELECT 'token' || n, 'viewer', sha256(n::text::bytea), now() FROM generate_series(1, {TOKENS}) AS n;
INSERT INTO api_requests (who, key, request_hash, asked_at)
SELECT 'me', n::text, sha256(n::text::bytea), now() FROM generate_series(1, {TOKENS}) AS n;
INSERT INTO worker_notifications (
    received_at, received_on, notification_type, status, event_key, body_hash, trace_id, source,
    envelope, ingested_by, outcome, processed_at, source_key
)
SELECT now() - n * interval '30 days' / {NOTIFICATIONS}, now(), 'ANY_OFFER_CHANGED', 'processed',
       n, sha256(n::text::bytea), n, 'sqs', 'direct', 'i', 'applied',
       now() - n * interval '30 days' / {NOTIFICATIONS}, repeat('s', 350) -- as wide as real rows
FROM generate_series({NOTIFICATIONS}, 1, -1) AS n
-- some of the newest lie where older ones were: analysed rows go where vacuum has made room
ORDER BY n < {NOTIFICATIONS} / 200 DESC, n DESC;
INSERT INTO worker_failures (
    stage, error_type, error_message, first_failed_at, last_failed_at, resolved_at, resolution,
    trace_id, source, worker_id, body_hash, raw_body
)
SELECT 'ingest', 'malformed-json', 'm', now(), now(), CASE WHEN n > 7 THEN now() END,
       CASE WHEN n > 7 THEN 'redriven' END, n, 'sqs', 'i', sha256(n::text::bytea), '{{'
FROM generate_series(1, {FAILURES}) AS n;
"""


def asked_of(view: str) -> list[str]:
    """The statements about a view that README and runbook give to operators."""
    texts = [(ROOT / name).read_text("utf-8") for name in ("README.md", RUNBOOK)]
    blocks = re.findall(r"```sql\n(.*?)```", "\n".join(texts), re.DOTALL)
    statements = re.sub(r"--.*", "", "".join(blocks)).split(";")
    return [one.strip() for one in statements if f"FROM {view}" in one]


@pytest.mark.parametrize("changed", [0, 1, 100])
def test_the_feed_reads_the_alerts_that_changed_and_not_the_table(full, full_url, changed):
    with connect(full_url, autocommit=True) as conn:
        (cursor,) = conn.execute("SELECT pg_current_snapshot()::text").fetchone()
        conn.execute(
            "UPDATE alerts SET changed_in = pg_current_xact_id()"
            " WHERE id IN (SELECT id FROM alerts ORDER BY id LIMIT %s)",
            (changed,),
        )
    plan = explain(full, query("read_alert_feed"), {"cursor": cursor, "max_rows": 10_001})
    assert plan.root["Actual Rows"] == changed, plan
    assert "alerts_changed_in" in plan.indexes, plan
    assert plan.rows_read("alerts") <= changed + 1, plan


@pytest.mark.parametrize("now", [NOW, None])
def test_how_the_workers_are_is_asked_of_the_last_minutes(full, now):
    """Every three seconds, for as long as anybody looks: never of all that was ever received."""
    # What makes reading everything look cheap is a table of millions, or workers that cost nothing.
    full.execute("SET LOCAL parallel_setup_cost = 0; SET LOCAL parallel_tuple_cost = 0")
    plan = explain(full, query("read_worker_status"), {"now": now})
    assert "worker_notifications_received_at" in plan.indexes, plan
    assert plan.rows_read("worker_notifications") < NOTIFICATIONS / 100, plan
    assert plan.rows_read("worker_failures") < FAILURES / 100, plan
    assert full.execute(query("read_worker_status"), {"now": now}).fetchone()[2] == 7


def test_how_the_workers_are_is_asked_of_what_waits_and_not_of_what_was_before(full):
    """Workers that were away for two days: what came since is read, and nothing older."""
    full.execute("SET LOCAL parallel_setup_cost = 0; SET LOCAL parallel_tuple_cost = 0")
    full.execute(
        "UPDATE worker_notifications SET status = 'waiting', outcome = NULL, processed_at = NULL,"
        " seller_id = 's', marketplace_id = 'm', asin = 'a', item_condition = 'new',"
        " event_time = received_at WHERE received_at > now() - interval '2 days'"
    )
    plan = explain(full, query("read_worker_status"), {"now": None})
    # What waits is counted, and read once more for what was processed among it.
    assert plan.rows_read("worker_notifications") < 2 * NOTIFICATIONS / 10, plan


def test_the_last_hour_minute_by_minute_reads_days_and_not_weeks(full):
    full.execute("SET LOCAL parallel_setup_cost = 0; SET LOCAL parallel_tuple_cost = 0")
    plan = explain(full, "SELECT * FROM ops.throughput_per_minute")
    assert plan.rows_read("worker_notifications") < NOTIFICATIONS / 10, plan


@pytest.mark.parametrize("drained", [False, True])
def test_what_was_processed_is_counted_without_reading_what_was_long_before(full, drained):
    """In a backlog, and after it while the planner still believes in it."""
    newest = f"id > {NOTIFICATIONS} * 0.97"
    full.execute(
        "UPDATE worker_notifications SET status = 'waiting', outcome = NULL, processed_at = NULL,"
        " seller_id = 's', marketplace_id = 'm', asin = 'a', item_condition = 'new',"
        f" event_time = received_at WHERE {newest}"
    )
    full.execute("ANALYZE worker_notifications")
    if drained:
        full.execute(
            "UPDATE worker_notifications SET status = 'processed', outcome = 'applied',"
            f" processed_at = received_at WHERE {newest}"
        )
    given = {"from_id": 2**62, "bounds_ms": [1.0, 5.0]}
    plan = explain(full, query("count_processed"), given)
    assert plan.rows_read("worker_notifications") < NOTIFICATIONS * 0.04, plan
    (floor,) = {row[0] for row in full.execute(query("count_processed"), given)}
    assert floor == NOTIFICATIONS * 0.97 + 1 if not drained else NOTIFICATIONS + 1


@pytest.mark.parametrize("statement", asked_of("ops.worker_notifications"))
def test_what_the_documents_ask_of_messages_reads_no_whole_table(full, statement):
    """At night, on the busiest table there is."""
    plan = explain(full, statement)
    assert plan.rows_read("worker_notifications") < NOTIFICATIONS / 10, plan


def test_open_alerts_are_listed_without_those_long_resolved(full):
    given = {
        "tab": "active", "now": NOW, "resolved_after": NOW - timedelta(days=7), "snapshot": None,
        "marketplaces": None, "severities": None, "asins": None, "after_rank": None,
        "after_stake": None, "after_key": None, "max_rows": 100,
    }  # fmt: skip
    plan = explain(full, query("list_alerts"), given)
    assert plan.root["Actual Rows"] == 100, plan
    assert plan.root["Actual Total Time"] < 500, plan


LAST_OF_A_PAGE = (5, "Infinity", f"{GB}|B200020000|new|consumer|{OWN_SELLER}")


@pytest.mark.parametrize("after", [(None, None, None), LAST_OF_A_PAGE])
def test_a_page_of_the_states_reads_itself_and_not_all_states(full, after):
    """The page reads six of them one after the other, and again after each reset."""
    given = {
        "marketplaces": None, "severities": None, "asins": None, "max_rows": 100,
        **dict(zip(("after_rank", "after_stake", "after_key"), after, strict=True)),
    }  # fmt: skip
    plan = explain(full, query("list_states"), given)
    assert plan.root["Actual Rows"] == 100, plan
    assert plan.rows_read("current_state") <= 101, plan


def test_states_are_looked_for_by_the_filter_at_hand(full):
    """A plan for any filter walks through the order of the list, past all states, for a few ASINs."""
    every, few = Filter(), Filter(asins=["B200000007", "B200039999"])
    for wanted in [every] * 12 + [few] * 12:
        found = list_states(full, wanted, after=None, max_rows=101)
    assert [row.asin for row, _ in found] == few.asins
    prepared = full.execute("SELECT statement FROM pg_prepared_statements").fetchall()
    assert not [text for (text,) in prepared if "place_rank" in text]


def test_the_numbers_beside_each_page_are_counted_without_reading_the_states(full):
    plan = explain(full, query("count_states"))
    assert plan.indexes == {"current_state_listed"}, plan
    assert plan.buffers < STATES / 20, plan
    assert dict(full.execute(query("count_states")).fetchall()) == {"info": STATES}


@pytest.mark.parametrize(
    ("statement", "table", "params"),
    [
        ("read_product_states", "current_state", {"marketplace": GB, "asin": "B200000007"}),
        (
            "read_product_alerts",
            "alerts",
            {"marketplace": GB, "asin": "B200000007", "max_rows": 50},
        ),
        ("find_token", "api_tokens", {"secret_hash": b"\0" * 32, "now": NOW}),
        ("read_request", "api_requests", {"who": "me", "key": "7"}),
        ("read_living_tokens", "api_tokens", {"ids": [7], "now": NOW}),
    ],
)
def test_one_thing_is_found_without_reading_the_table(full, statement, table, params):
    plan = explain(full, query(statement), params)
    assert table not in plan.scanned, plan
    assert plan.rows_read(table) <= 4, plan
