"""What T2 and re-assessment read of costs is found by key, with 100,000 products behind it."""

from __future__ import annotations

import pytest

from db.sql import query
from tests.factories import GB, OWN_SELLER
from tests.plans import explain, prepared

PRODUCTS, PIECES = 100_000, 1_000

FILL = f"""
INSERT INTO products (
    seller_id, marketplace_id, asin, item_condition, fulfilment_channel, currency, unit_cost,
    updated_at
)
SELECT '{OWN_SELLER}', '{GB}', 'B1' || lpad(n::text, 8, '0'), 'new', 'amazon', 'GBP', 4, now()
FROM generate_series(1, {PRODUCTS}) AS n;

DELETE FROM reassessments;
INSERT INTO reassessments (marketplace_ids, asins, settled)
SELECT array_agg('{GB}'::text), array_agg('B1' || lpad(n::text, 8, '0')), true
FROM generate_series(1, {PIECES} * 20) AS n GROUP BY n % {PIECES};

INSERT INTO current_state (
    marketplace_id, asin, item_condition, audience, seller_id, severity, severity_policy,
    severity_reasons, trace_id, worker_id, updated_at, version
)
SELECT '{GB}', 'B1' || lpad(n::text, 8, '0'), 'new', 'consumer', '{OWN_SELLER}', 'info', 'full',
       '{{}}', 't', 'w', now(), 1
FROM generate_series(1, {PRODUCTS}) AS n;
"""


def keys(count):
    return {
        "marketplace_id": [GB] * count,
        "asin": [f"B1{n:08d}" for n in range(1, count + 1)],
    }


@pytest.mark.parametrize("count", [1, 65, 500])
def test_costs_are_read_by_their_key_and_no_others(full, count):
    plan = explain(full, query("read_costs"), keys(count))
    assert plan.root["Actual Rows"] == count, plan
    assert "products_pkey" in plan.indexes, plan
    assert "products" not in plan.scanned, plan
    assert plan.rows_read("products") == count, plan
    assert plan.buffers < 30 + 5 * count, plan


def test_costs_are_read_by_their_key_even_with_a_generic_plan(full):
    statement = prepared(full, "read_costs", dict.fromkeys(keys(1), "text[]"))
    plan = explain(full, statement.format(f"ARRAY['{GB}'], ARRAY['B100000007']"))
    assert plan.rows_read("products") == 1, plan


def test_without_any_products_the_question_is_nearly_free(scratch):
    plan = explain(scratch, query("read_costs"), keys(65))
    assert plan.root["Actual Rows"] == 1, plan
    assert plan.buffers < 200, plan


PIECE = {"now": "2026-03-01", "max_products": 200}


def test_a_piece_of_work_is_taken_without_reading_the_others(full):
    plan = explain(full, query("take_reassessment"), PIECE)
    assert plan.root["Actual Rows"] == 1, plan
    assert plan.rows_read("reassessments") == 1, plan
    assert "products" not in plan.scanned, plan


def test_what_failed_before_is_found_without_reading_what_waits(full):
    plan = explain(full, query("forget_failed_reassessments"), keys(200))
    assert plan.rows_read("reassessments") == 0, plan


def test_what_waits_by_itself_is_found_and_counted_without_reading_the_rest(full):
    full.execute(
        "INSERT INTO reassessments (marketplace_ids, asins, settled)"
        " SELECT ARRAY[%s], ARRAY['B1' || lpad(n::text, 8, '0')], true"
        " FROM generate_series(1, 7) AS n",
        (GB,),
    )
    full.execute("ANALYZE reassessments")
    count = explain(full, query("count_apart_reassessments"))
    assert count.rows_read("reassessments") == 7, count
    more = {"asked_at": "2026-03-01", "due_at": "2026-03-01", "failures": 0, "error": None}
    apart = explain(full, query("set_apart_reassessments"), keys(200) | more)
    assert apart.rows_read("reassessments") == 7, apart


@pytest.mark.parametrize("done_up_to", ["", "B100050000"])
def test_a_page_of_a_marketplace_reads_that_page_and_no_more(full, done_up_to):
    full.execute("DELETE FROM reassessments")
    full.execute(
        "INSERT INTO reassessments (marketplace_id, done_up_to, settled) VALUES (%s, %s, true)",
        (GB, done_up_to),
    )
    plan = explain(full, query("take_reassessment"), PIECE)
    assert "products_pkey" in plan.indexes, plan
    assert plan.rows_read("products") <= 201, plan


def test_the_states_of_a_piece_and_their_facts_are_found_by_key(full):
    plan = explain(full, query("lock_states"), keys(200))
    assert plan.root["Actual Rows"] == 200, plan
    assert "current_state" not in plan.scanned, plan
    facts = explain(full, query("read_facts"), {"row_ids": list(range(200))})
    assert "worker_notifications" not in facts.scanned, facts


def test_lows_are_noted_by_key(full):
    rows = [
        f'{{"marketplace_id": "{GB}", "asin": "B1{n:08d}", "item_condition": "new",'
        f' "audience": "consumer", "seller_id": "{OWN_SELLER}", "low_points": [], "version": 2}}'
        for n in range(1, 66)
    ]
    plan = explain(full, query("note_lows"), {"rows": f"[{', '.join(rows)}]"})
    assert "current_state" not in plan.scanned, plan
