"""What analysis reads of costs, fees and terms is found by index, with many rows behind it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import date

import psycopg
import pytest

from db.connect import connect
from db.sql import query
from tests.factories import GB, OWN_SELLER
from tests.interleave import begin
from tests.plans import explain, prepared

PRODUCTS, RULES, SELLERS = 100_000, 20_000, 20_000
DAY = date(2026, 3, 1)

FILL = f"""
INSERT INTO products (
    seller_id, marketplace_id, asin, item_condition, fulfilment_channel, currency, unit_cost,
    updated_at
)
SELECT '{OWN_SELLER}', '{GB}', 'B1' || lpad(n::text, 8, '0'), 'new', 'amazon', 'GBP', 4, now()
FROM generate_series(1, {PRODUCTS}) AS n;

INSERT INTO fee_rules (
    rule_id, marketplace_id, kind, category, shape, rate, currency, valid_from, valid_to, source,
    source_date, updated_at
)
SELECT 'r' || n, 'M' || n % 100, 'referral', 'c' || n / 1000, 'flat', 0.15, 'GBP',
       '2000-01-01'::date + 1000 * (n / 100 % 10), '2000-01-01'::date + 1000 * (n / 100 % 10 + 1),
       's', now(), now()
FROM generate_series(1, {RULES}) AS n;

INSERT INTO seller_terms (
    seller_id, marketplace_id, valid_from, vat_registered, fee_vat_recoverable, updated_at
)
SELECT 'S' || n, '{GB}', '2026-01-01', true, 1, now() FROM generate_series(1, {SELLERS}) AS n;
"""


@pytest.fixture(scope="module")
def full_url(pg_server, pg_template) -> Iterator[str]:
    name = f"buybox_catalogue_{os.getpid()}"
    with pg_server.janitor(name, template_dbname=pg_template):
        url = pg_server.url_of(name)
        with connect(url, autocommit=True) as conn:
            conn.execute(FILL)
            conn.execute("VACUUM ANALYZE")
        yield url


@pytest.fixture
def full(full_url) -> Iterator[psycopg.Connection]:
    with connect(full_url) as conn:
        yield begin(conn)
        conn.rollback()


def keys(count):
    return {
        "seller_id": [OWN_SELLER] * count,
        "marketplace_id": [GB] * count,
        "asin": [f"B1{n:08d}" for n in range(1, count + 1)],
        "item_condition": ["new"] * count,
    }


@pytest.mark.parametrize("count", [1, 65, 500])
def test_products_are_read_by_their_key_and_no_others(full, count):
    plan = explain(full, query("read_products"), keys(count))
    assert plan.root["Actual Rows"] == count, plan
    assert "products_pkey" in plan.indexes, plan
    assert not plan.scanned, plan
    assert plan.rows_read("products") == count, plan
    assert plan.buffers < 30 + 5 * count, plan


def test_products_are_read_by_their_key_even_with_a_generic_plan(full):
    types = dict.fromkeys(keys(1), "text[]")
    statement = prepared(full, "read_products", types)
    arrays = ", ".join(f"ARRAY['{values[0]}']" for values in keys(1).values())
    plan = explain(full, statement.format(arrays))
    assert plan.rows_read("products") == 1, plan


def test_fee_rules_are_read_by_marketplace_and_day(full):
    day = date(2000, 6, 1)
    plan = explain(
        full,
        query("read_fee_rules"),
        {"marketplace_ids": ["M7"], "seller_ids": ["S1"], "first_day": day, "last_day": day},
    )
    assert plan.root["Actual Rows"] == RULES / 100 / 10, plan
    assert "fee_rules_in_force" in plan.indexes, plan
    assert not plan.scanned, plan
    assert plan.rows_read("fee_rules") == RULES / 100 / 10, plan


def test_terms_are_read_by_their_key(full):
    plan = explain(
        full,
        query("read_terms"),
        {
            "seller_ids": ["S1", "S2"],
            "marketplace_ids": [GB, "M2"],
            "first_day": DAY,
            "last_day": DAY,
        },
    )
    assert plan.root["Actual Rows"] == 2, plan
    assert plan.indexes & {"seller_terms_pkey", "one_set_of_terms_at_a_time"}, plan
    assert not plan.scanned, plan
    assert plan.buffers < 40, plan
