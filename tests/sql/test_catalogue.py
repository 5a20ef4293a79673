"""What the tables of costs, fees and terms refuse, whoever writes."""

from __future__ import annotations

from datetime import date

import psycopg
import pytest
from psycopg import sql

from tests.true_rows import DAY, put, refusing_check

NEXT_DAY = date(2026, 2, 1)

FULFILMENT = {
    "kind": "fulfilment", "category": None, "shape": None, "rate": None, "size_tier": "small",
    "fulfilment_channel": "amazon", "amount": 2.5,
}  # fmt: skip
CLOSING = {"kind": "closing", "shape": None, "rate": None, "amount": 0.5}
DIGITAL = {
    "kind": "digital-services", "category": None, "shape": None, "applies_to": ["referral"],
}  # fmt: skip
VAT = {"kind": "vat-on-fees", "category": None, "shape": None}
OF_OTHERS = ({"size_tier": "small"}, {"weight_up_to_g": 1}, {"shape": "flat"})
TABLES = ("products", "fee_rules", "seller_terms")
MONEY = ("unit_cost", "inbound_postage", "own_postage", "prep")
NO_CALENDAR = (
    {"valid_from": "-infinity"}, {"valid_from": "0001-12-31 BC"}, {"valid_to": "infinity"},
    {"valid_to": "10000-01-01"}, {"valid_from": "10000-01-01"},
)  # fmt: skip
NO_MONEY = ("-0.01", "NaN", "Infinity", "-Infinity", "10000000000", "1.005")
SHORT = [
    *(("products", "texts_are_short", {}, name, longest) for name, longest in (
        ("seller_id", 64), ("marketplace_id", 64), ("sku", 100), ("title", 500), ("category", 100),
        ("size_tier", 100))),
    *(("fee_rules", "texts_are_short", {}, name, longest) for name, longest in (
        ("rule_id", 100), ("category", 100), ("marketplace_id", 64), ("seller_id", 64),
        ("source", 500), ("note", 500))),
    ("fee_rules", "texts_are_short", FULFILMENT, "size_tier", 100),
    *(("seller_terms", "scope_is_written", {}, name, 64) for name in ("seller_id", "marketplace_id")),
]  # fmt: skip
"""The longest that a text may be."""


@pytest.mark.parametrize(
    ("table", "changes"),
    [
        *((table, {}) for table in TABLES),
        *((table, more | {name: "x" * longest}) for table, _, more, name, longest in SHORT),
        *(
            ("products", {"item_condition": condition})
            for condition in ("new", "used", "collectible", "refurbished", "club")
        ),
        ("products", {"fulfilment_channel": "merchant", "tags": ["x"] * 50}),
        *(("products", {"estimated_daily_sales": sales}) for sales in (0, 1000000)),
        *(
            (table, {"valid_from": "0001-01-01", "valid_to": "9999-12-31"})
            for table in ("fee_rules", "seller_terms")
        ),
        *((table, {"valid_from": "9999-12-31"}) for table in ("fee_rules", "seller_terms")),
        *(("fee_rules", {"source_date": day}) for day in ("0001-01-01", "9999-12-31")),
        ("fee_rules", {"shape": "whole-price", "price_up_to": "10.00"}),
        ("fee_rules", FULFILMENT | {"weight_up_to_g": 1}),
        ("fee_rules", DIGITAL | {"applies_to": ["referral", "fulfilment", "closing"]}),
        ("products", dict.fromkeys(MONEY, "0.00") | {"min_price": "1.00", "max_price": "1.00"}),
        ("products", {"currency": "JPY", "unit_cost": "620.00"}),
        ("products", {"unit_cost": "9999999999.99"}),
        ("products", {"sale_vat_rate": 0, "weight_g": 1, "tags": ["a", "b"], "sku": "x y"}),
        ("fee_rules", {"shape": "marginal", "price_up_to": "10.00", "minimum": "0.25"}),
        ("fee_rules", FULFILMENT | {"weight_up_to_g": 500, "price_up_to": "10.00"}),
        *(("fee_rules", kind) for kind in (FULFILMENT, CLOSING, DIGITAL, VAT)),
        ("fee_rules", VAT | {"rate": 0}),
        ("seller_terms", {"vat_registered": False, "fee_vat_recoverable": 0}),
    ],
)
def test_what_can_be_true_is_taken(scratch, table, changes):
    put(scratch, table, **changes)


CHECKED = [
    *(("products", "key_is_written", {name: " "}) for name in ("seller_id", "marketplace_id")),
    ("products", "key_is_written", {"sku": " a"}),
    *(("products", "asin_is_an_asin", {"asin": asin})
      for asin in ("", "b0cxyz1234", "B0CXYZ123", "B0CXYZ12345", "B0CXYZ1234 ", " B0CXYZ1234")),
    ("products", "item_condition_is_known", {"item_condition": "mint"}),
    ("products", "fulfilment_channel_is_known", {"fulfilment_channel": "drone"}),
    *(("products", "currency_is_a_code", {"currency": code}) for code in ("gbp", "GB")),
    *(("products", "costs_are_money", {name: "-1"}) for name in MONEY),
    *(("products", "costs_are_money", {"unit_cost": amount}) for amount in NO_MONEY),
    ("products", "costs_are_money", {"currency": "JPY", "unit_cost": "620.50"}),
    *(("products", "price_limits_are_prices", {name: 0}) for name in ("min_price", "max_price")),
    *(("products", "price_limits_are_prices", {name: "1.005"}) for name in ("min_price", "max_price")),
    ("products", "min_price_is_not_above_max_price", {"min_price": 2, "max_price": 1}),
    ("products", "weight_is_positive", {"weight_g": 0}),
    *(("products", "sale_vat_rate_is_a_fraction", {"sale_vat_rate": rate})
      for rate in ("20", "1", "-0.1", "NaN")),
    *(("products", "sales_are_a_number", {"estimated_daily_sales": sales})
      for sales in ("-1", "NaN", "Infinity", "1000001")),
    *(("products", "names_are_slugs", {name: slug})
      for name in ("category", "size_tier") for slug in ("Home & Kitchen", " home", "home ")),
    *((table, constraint, more | {name: "x" * (longest + 1)})
      for table, constraint, more, name, longest in SHORT),
    ("products", "texts_are_short", {"tags": ["x"] * 51}),
    ("products", "tags_are_written", {"tags": ["a", ""]}),
    ("products", "tags_are_written", {"tags": ["a", None]}),
    ("fee_rules", "kind_is_known", {"kind": "storage"}),
    *(("fee_rules", "referral_is_a_rate_of_a_category", {name: None})
      for name in ("category", "shape", "rate")),
    *(("fee_rules", "referral_is_a_rate_of_a_category", extra)
      for extra in ({"amount": 1}, {"size_tier": "small"}, {"weight_up_to_g": 1})),
    *(("fee_rules", "fulfilment_is_an_amount_of_a_size_tier", FULFILMENT | more)
      for more in ({"size_tier": None}, {"amount": None}, {"fulfilment_channel": "merchant"},
                   {"fulfilment_channel": None}, {"rate": 0.1}, {"minimum": 1}, {"shape": "flat"})),
    *(("fee_rules", "closing_is_an_amount_of_a_category", CLOSING | more)
      for more in ({"category": None}, {"amount": None}, {"rate": 0.1}, {"price_up_to": 1},
                   {"minimum": 1}, *OF_OTHERS)),
    *(("fee_rules", "digital_services_is_a_rate_of_fees", DIGITAL | more)
      for more in ({"rate": None}, {"applies_to": []}, {"applies_to": ["storage"]},
                   {"category": "toys"}, {"amount": 1}, {"price_up_to": 1}, {"minimum": 1}, *OF_OTHERS)),
    *(("fee_rules", "vat_on_fees_is_a_rate", VAT | more)
      for more in ({"rate": None}, {"amount": 1}, {"category": "toys"}, {"price_up_to": 1},
                   {"minimum": 1}, *OF_OTHERS)),
    ("fee_rules", "only_digital_services_apply_to_fees", {"applies_to": ["referral"]}),
    ("fee_rules", "fulfilment_channel_is_known", {"fulfilment_channel": "drone"}),
    ("fee_rules", "shape_is_known", {"shape": "stairs"}),
    ("fee_rules", "flat_has_no_tiers", {"price_up_to": 10}),
    *(("fee_rules", "rate_is_a_fraction", {"rate": rate}) for rate in ("15", "1", "-0.1", "NaN")),
    *(("fee_rules", "amounts_are_money", {"minimum": amount}) for amount in NO_MONEY),
    ("fee_rules", "amounts_are_money", CLOSING | {"amount": "-1"}),
    *(("fee_rules", "amounts_are_money", {"shape": "marginal", "price_up_to": amount})
      for amount in (0, "10.005")),
    ("fee_rules", "weight_is_positive", FULFILMENT | {"weight_up_to_g": 0}),
    *(("fee_rules", "currency_is_a_code", {"currency": code}) for code in ("gbp", "GB")),
    ("fee_rules", "period_is_not_empty", {"valid_to": DAY}),
    *(("fee_rules", "period_is_of_the_calendar", period) for period in NO_CALENDAR),
    *(("fee_rules", "source_date_is_of_the_calendar", {"source_date": day})
      for day in ("infinity", "-infinity", "10000-01-01", "0001-12-31 BC")),
    *(("fee_rules", "names_are_slugs", more | {name: slug})
      for more, name in (({}, "rule_id"), ({}, "category"), (FULFILMENT, "size_tier"))
      for slug in ("A b", " b", "b ")),
    ("fee_rules", "scope_is_written", {"marketplace_id": " "}),
    ("fee_rules", "scope_is_written", {"seller_id": ""}),
    ("fee_rules", "source_is_named", {"source": " "}),
    *(("seller_terms", "scope_is_written", {name: ""}) for name in ("seller_id", "marketplace_id")),
    *(("seller_terms", "recoverable_is_a_share", {"fee_vat_recoverable": share})
      for share in ("-0.1", "1.1", "NaN")),
    ("seller_terms", "unregistered_recovers_nothing", {"vat_registered": False}),
    *(("seller_terms", "wanted_margin_is_a_fraction", {"wanted_margin": margin})
      for margin in ("-0.1", "1", "10", "NaN")),
    ("seller_terms", "period_is_not_empty", {"valid_to": DAY}),
    *(("seller_terms", "period_is_of_the_calendar", period) for period in NO_CALENDAR),
]  # fmt: skip


@pytest.mark.parametrize(("table", "constraint", "changes"), CHECKED)
def test_what_cannot_be_true_is_refused(scratch, table, constraint, changes):
    assert refusing_check(scratch, table, changes) == constraint


@pytest.mark.parametrize("table", TABLES)
def test_every_check_is_tried(scratch, table):
    named = scratch.execute(
        "SELECT conname FROM pg_constraint WHERE contype = 'c' AND conrelid = %s::regclass",
        (table,),
    )
    tried = {constraint for tried_table, constraint, _ in CHECKED if tried_table == table}
    assert {name for (name,) in named} == tried


# periods ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "other",
    [
        {},
        {"valid_from": NEXT_DAY},
        {"valid_from": date(2025, 1, 1), "valid_to": date(2026, 1, 2)},
        {"rate": 0.2, "minimum": 1},
    ],
)
def test_two_rules_for_the_same_thing_on_the_same_day_are_refused(scratch, other):
    put(scratch, "fee_rules")
    with pytest.raises(psycopg.errors.ExclusionViolation) as refused:
        put(scratch, "fee_rules", rule_id="r2", **other)
    assert refused.value.diag.constraint_name == "one_rule_at_a_time"


@pytest.mark.parametrize(
    "other",
    [
        {"valid_from": date(2025, 1, 1), "valid_to": DAY},
        {"seller_id": "S1"},
        {"marketplace_id": "M2", "currency": "EUR"},
        {"category": "pets"},
        CLOSING,
        {"fulfilment_channel": "amazon"},
    ],
)
def test_rules_for_different_things_or_days_stand_side_by_side(scratch, other):
    put(scratch, "fee_rules")
    put(scratch, "fee_rules", rule_id="r2", **other)


@pytest.mark.parametrize(
    "other",
    [{"weight_up_to_g": 500}, {"size_tier": "large"}, {"price_up_to": 10}, {"seller_id": "S1"}],
)
def test_each_band_of_a_fulfilment_fee_is_a_thing_of_its_own(scratch, other):
    put(scratch, "fee_rules", **FULFILMENT)
    put(scratch, "fee_rules", rule_id="r2", **FULFILMENT | other)
    with pytest.raises(psycopg.errors.ExclusionViolation):
        put(scratch, "fee_rules", rule_id="r3", **FULFILMENT | other)


def test_the_tiers_of_a_schedule_have_one_shape(scratch):
    put(scratch, "fee_rules", shape="whole-price", price_up_to=10)
    put(scratch, "fee_rules", rule_id="r2", shape="whole-price")
    with pytest.raises(psycopg.errors.ExclusionViolation) as refused:
        put(scratch, "fee_rules", rule_id="r3", shape="marginal", price_up_to=20)
    assert refused.value.diag.constraint_name == "tiers_of_a_schedule_have_one_shape"


@pytest.mark.parametrize(
    "other",
    [
        {"marketplace_id": "M2"},
        {"seller_id": "S1"},
        {"category": "pets"},
        {"fulfilment_channel": "amazon"},
    ],
)
def test_each_schedule_has_a_shape_of_its_own(scratch, other):
    put(scratch, "fee_rules", shape="whole-price", price_up_to=10)
    put(scratch, "fee_rules", rule_id="r2", shape="marginal", **other)


def test_a_schedule_may_change_its_shape_from_a_day_on(scratch):
    put(scratch, "fee_rules", valid_to=NEXT_DAY)
    put(scratch, "fee_rules", rule_id="r2", shape="marginal", valid_from=NEXT_DAY)


def test_a_marketplace_has_one_currency(scratch):
    put(scratch, "fee_rules")
    with pytest.raises(psycopg.errors.ExclusionViolation) as refused:
        put(scratch, "fee_rules", rule_id="r2", category="pets", currency="EUR")
    assert refused.value.diag.constraint_name == "a_marketplace_has_one_currency"


LATER = """
    valid_to = CASE WHEN valid_to IS NOT NULL THEN date '2026-03-01' END,
    valid_from = CASE WHEN valid_to IS NULL THEN date '2026-03-01' ELSE valid_from END
"""


@pytest.mark.parametrize(
    ("table", "first", "second", "change"),
    [
        ("fee_rules", {"valid_to": NEXT_DAY}, {"rule_id": "r2", "valid_from": NEXT_DAY}, LATER),
        ("seller_terms", {"valid_to": NEXT_DAY}, {"valid_from": NEXT_DAY}, LATER),
        ("fee_rules", {}, {"rule_id": "r2", "category": "pets"}, "currency = 'EUR'"),
        ("fee_rules", {"shape": "whole-price", "price_up_to": 10},
         {"rule_id": "r2", "shape": "whole-price"}, "shape = 'marginal'"),
    ],
)  # fmt: skip
def test_one_statement_may_change_together_what_must_fit(scratch, table, first, second, change):
    put(scratch, table, **first)
    put(scratch, table, **second)
    scratch.execute(f"UPDATE {table} SET {change}")


@pytest.mark.parametrize("seller_id", [None, "S1"])
def test_a_rule_id_names_one_rule_of_its_scope(scratch, seller_id):
    put(scratch, "fee_rules", seller_id=seller_id)
    with pytest.raises(psycopg.errors.UniqueViolation):
        put(scratch, "fee_rules", seller_id=seller_id, category="pets")


def test_terms_of_a_seller_do_not_overlap(scratch):
    put(scratch, "seller_terms")
    put(scratch, "seller_terms", seller_id="S2")
    put(scratch, "seller_terms", marketplace_id="M2")
    with pytest.raises(psycopg.errors.ExclusionViolation):
        put(scratch, "seller_terms", valid_from=NEXT_DAY)


@pytest.mark.parametrize(
    "other",
    [
        {"fulfilment_channel": "merchant"},
        {"sku": "X"},
        {"item_condition": "used"},
        {"seller_id": "S2"},
    ],
)
def test_a_product_is_one_row_a_key(scratch, other):
    put(scratch, "products")
    put(scratch, "products", **other)
    with pytest.raises(psycopg.errors.UniqueViolation):
        put(scratch, "products", **other)


# roles --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("table", TABLES)
def test_a_worker_writes_and_never_deletes(scratch, table):
    may = "SELECT has_table_privilege('buybox_worker', %s, %s)"
    allowed = {
        right: scratch.execute(may, (table, right)).fetchone()[0]
        for right in ("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE")
    }
    assert allowed == {"SELECT": True, "INSERT": True, "UPDATE": True, "DELETE": False,
                       "TRUNCATE": False}  # fmt: skip


@pytest.mark.parametrize("table", TABLES)
def test_a_reader_of_views_sees_no_costs(scratch, table):
    scratch.execute("SET LOCAL ROLE ops_reader")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        scratch.execute(sql.SQL("SELECT 1 FROM {}").format(sql.Identifier(table)))


def test_a_reader_of_views_cannot_import(scratch):
    scratch.execute("SET LOCAL ROLE ops_reader")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        scratch.execute("SELECT * FROM buybox_import_products('[]')")
