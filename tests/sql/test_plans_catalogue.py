"""What analysis reads of costs, fees and terms is found by index, with many rows behind it."""

from __future__ import annotations

from datetime import date

from db.sql import query
from tests.factories import GB, OWN_SELLER
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


def test_the_costs_of_an_asin_are_read_by_its_key_and_no_others(full):
    plan = explain(full, query("explain_products"), {"marketplace_id": GB, "asin": "B100000007"})
    assert plan.root["Actual Rows"] == 1, plan
    assert "products_pkey" in plan.indexes, plan
    assert not plan.scanned, plan
    assert plan.rows_read("products") == 1, plan
    assert plan.buffers < 35, plan


def test_the_costs_of_an_asin_are_read_by_its_key_even_with_a_generic_plan(full):
    types = {"marketplace_id": "text", "asin": "text"}
    statement = prepared(full, "explain_products", types)
    plan = explain(full, statement.format(f"'{GB}', 'B100000007'"))
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


def test_a_seller_s_catalogue_is_exported_without_reading_the_others(full):
    whose = {"seller_id": "S1", "marketplace_id": None}
    plan = explain(full, query("export_products"), whose)
    assert "products_by_seller" in plan.indexes, plan
    assert plan.rows_read("products") == 0, plan
