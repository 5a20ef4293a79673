"""The imports by SQL function, and what analysis reads."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal

import psycopg
import pytest

from db import catalogue, explain
from db.catalogue import Counts, FeeRuleRow, ProductRow
from tests.catalogue import LATER, NOW, fee_row, product_row
from tests.factories import ASIN, GB, OWN_SELLER, US

KEY = {
    "seller_id": OWN_SELLER,
    "marketplace_id": GB,
    "asin": ASIN,
    "item_condition": "new",
    "fulfilment_channel": "amazon",
    "currency": "GBP",
}


def import_json(conn, *rows, now=NOW):
    found = conn.execute(
        "SELECT * FROM buybox_import_products(%s::jsonb, %s)", (json.dumps(rows), now)
    )
    return Counts(*found.fetchone())


def stored(conn):
    return list(catalogue.export_products(conn))


def marks(conn):
    """What tells that a row was touched, even if it was written as it was."""
    return conn.execute(
        "SELECT asin, ctid::text, xmin::text, xmax::text, changed_in::text, updated_at"
        " FROM products ORDER BY asin"
    ).fetchall()


def test_an_import_by_sql_inserts_updates_and_leaves_alone(scratch):
    assert import_json(scratch, KEY | {"unit_cost": 4}) == Counts(1, 0, 0)
    assert import_json(scratch, KEY | {"unit_cost": "4.00"}) == Counts(0, 0, 1)
    assert import_json(scratch, KEY | {"unit_cost": 5, "tags": ["a"]}) == Counts(0, 1, 0)
    assert stored(scratch) == [product_row(unit_cost=Decimal(5), tags=["a"])]


def test_an_import_that_changes_nothing_touches_no_row(conn):
    with conn.transaction():
        import_json(conn, KEY | {"unit_cost": 4}, KEY | {"asin": "B0CXYZ5678"})
    before = marks(conn)
    with conn.transaction():
        rows = (KEY | {"unit_cost": "4.0"}, KEY | {"asin": "B0CXYZ5678", "unit_cost": 1})
        assert import_json(conn, *rows, now=LATER) == Counts(0, 1, 1)
    after = marks(conn)
    assert after[0] == before[0]
    assert after[1][4] != before[1][4]
    assert (before[1][5], after[1][5]) == (NOW, LATER)


def test_keys_that_no_object_has_keep_what_is_stored(scratch):
    import_json(scratch, KEY | {"unit_cost": 4, "title": "Mug", "tags": ["a"]})
    assert import_json(scratch, KEY | {"estimated_daily_sales": 2}) == Counts(0, 1, 0)
    (row,) = stored(scratch)
    assert (row.unit_cost, row.title, row.tags) == (Decimal(4), "Mug", ["a"])
    assert row.estimated_daily_sales == Decimal(2)


def test_each_column_of_a_product_changes_by_itself_and_keeps_the_others(scratch):
    import_json(scratch, KEY)
    (expected,) = stored(scratch)
    changes = {
        "currency": "EUR",
        "title": "Mug",
        "unit_cost": Decimal(4),
        "inbound_postage": Decimal("0.35"),
        "own_postage": Decimal("0.40"),
        "prep": Decimal("0.10"),
        "category": "home-products",
        "weight_g": 410,
        "size_tier": "standard-parcel",
        "sale_vat_rate": Decimal("0.2"),
        "min_price": Decimal(10),
        "max_price": Decimal(20),
        "estimated_daily_sales": Decimal(2),
        "tags": ["core"],
    }
    assert KEY.keys() | changes.keys() | {"sku"} == set(ProductRow._fields)
    for name, value in changes.items():
        plain = str(value) if isinstance(value, Decimal) else value
        key = KEY | {"currency": expected.currency}
        assert import_json(scratch, key | {name: plain}) == Counts(0, 1, 0), name
        expected = expected._replace(**{name: value})
        assert stored(scratch) == [expected], name


def test_null_makes_a_value_unknown(scratch):
    import_json(scratch, KEY | {"unit_cost": 4})
    assert import_json(scratch, KEY | {"unit_cost": None}) == Counts(0, 1, 0)
    assert stored(scratch)[0].unit_cost is None


@pytest.mark.parametrize(
    ("rows", "error"),
    [
        ([KEY, KEY], psycopg.errors.CardinalityViolation),
        ([KEY | {"colour": "red"}], psycopg.errors.UndefinedColumn),
        ([KEY | {"line": 1}], psycopg.errors.UndefinedColumn),
        ([KEY | {"xmin": 1}], psycopg.errors.UndefinedColumn),
        ([KEY | {"unit_cost": -1}], psycopg.errors.CheckViolation),
        ([KEY | {"unit_cost": "Infinity"}], psycopg.errors.CheckViolation),
        ([KEY | {"unit_cost": "1,20"}], psycopg.errors.InvalidTextRepresentation),
        ([{**KEY, "currency": None}], psycopg.errors.NotNullViolation),
        ([{"asin": ASIN}], psycopg.errors.NotNullViolation),
        ({"asin": ASIN}, psycopg.errors.InvalidParameterValue),
    ],
)
def test_an_import_by_sql_is_all_or_nothing(conn, rows, error):
    good = KEY | {"asin": "B0CXYZ5678"}
    text = json.dumps([good, *rows] if isinstance(rows, list) else rows)
    with pytest.raises(error):
        conn.execute("SELECT * FROM buybox_import_products(%s::jsonb)", (text,))
    assert conn.execute("SELECT count(*) FROM products").fetchone() == (0,)


@pytest.mark.parametrize(
    "other",
    [
        {"seller_id": "S2"}, {"marketplace_id": US, "currency": "USD"}, {"asin": "B0CXYZ5678"},
        {"item_condition": "used"}, {"fulfilment_channel": "merchant"}, {"sku": "2"},
    ],
)  # fmt: skip
def test_what_differs_in_any_part_of_its_key_is_another_product(scratch, other):
    """And takes nothing from the one that is there: its costs are its own, or not known."""
    assert import_json(scratch, KEY | {"unit_cost": 4}) == Counts(1, 0, 0)
    assert import_json(scratch, KEY | other | {"title": "Mug"}) == Counts(1, 0, 0)
    found = {(row.title, row.unit_cost) for row in stored(scratch)}
    assert found == {(None, Decimal(4)), ("Mug", None)}


def test_of_several_repeats_the_first_is_named_with_what_it_repeats(scratch):
    rows = [KEY | {"asin": f"B0CXYZ567{n}"} for n in (1, 2, 3, 2, 1, 3)]
    with pytest.raises(psycopg.errors.CardinalityViolation, match=r"entry 4 .* entry 2"):
        import_json(scratch, *rows)


def test_an_empty_import_is_no_error(scratch):
    assert import_json(scratch) == Counts(0, 0, 0)


def test_a_limit_that_contradicts_a_stored_one_is_refused(scratch):
    import_json(scratch, KEY | {"min_price": 10, "max_price": 20})
    with pytest.raises(psycopg.errors.CheckViolation):
        import_json(scratch, KEY | {"max_price": 5})


# fee rules ----------------------------------------------------------------------------------------


def test_fee_rules_are_replaced_by_their_id_and_left_alone_when_the_same(scratch):
    rules = [fee_row(), fee_row(rule_id="own", seller_id="S1", rate=Decimal("0.1"))]
    assert catalogue.import_fee_rules(scratch, rules, now=NOW) == Counts(2, 0, 0)
    assert catalogue.import_fee_rules(scratch, rules, now=LATER) == Counts(0, 0, 2)
    changed = [fee_row(rate=Decimal("0.1500")), fee_row(rule_id="own", seller_id="S1")]
    assert catalogue.import_fee_rules(scratch, changed, now=LATER) == Counts(0, 1, 1)
    assert catalogue.list_fee_rules(scratch) == [fee_row(), changed[1]]


def test_each_column_of_a_fee_rule_changes_by_itself(scratch):
    """But for the kind, which no rule can change without another column."""
    of_a_size = {
        "category": None,
        "shape": None,
        "rate": None,
        "minimum": None,
        "amount": Decimal(2),
    }
    of_fees = {"size_tier": None, "weight_up_to_g": None, "amount": None, "price_up_to": None}
    changes = [
        {"marketplace_id": US},
        {"currency": "EUR"},
        {"category": "books"},
        {"fulfilment_channel": "amazon"},
        {"shape": "marginal"},
        {"price_up_to": Decimal(20)},
        {"rate": Decimal("0.2")},
        {"minimum": Decimal(1)},
        {"valid_from": date(2026, 1, 2)},
        {"valid_to": date(2026, 5, 1)},
        {"source": "another page"},
        {"source_date": date(2025, 12, 2)},
        {"note": "read twice"},
        of_a_size | {"kind": "fulfilment", "size_tier": "small"},
        {"size_tier": "large"},
        {"weight_up_to_g": 500},
        {"amount": Decimal(3)},
        of_fees
        | {"kind": "digital-services", "rate": Decimal("0.02"), "applies_to": ("referral",)},
        {"applies_to": ("closing",)},
    ]
    changing = set().union(*changes)
    assert changing | {"rule_id", "seller_id"} == set(FeeRuleRow._fields)
    rule = fee_row()
    catalogue.import_fee_rules(scratch, [rule], now=NOW)
    for change in changes:
        rule = rule._replace(**change)
        assert catalogue.import_fee_rules(scratch, [rule], now=LATER) == Counts(0, 1, 0), change
        assert catalogue.list_fee_rules(scratch) == [rule]


def test_fee_rules_that_would_not_change_are_not_touched(scratch):
    pets = fee_row(rule_id="pets", category="pet-supplies")
    catalogue.import_fee_rules(scratch, [fee_row(), pets], now=NOW)
    catalogue.import_fee_rules(scratch, [fee_row(), pets._replace(note="new")], now=LATER)
    touched = scratch.execute("SELECT rule_id, updated_at FROM fee_rules ORDER BY rule_id")
    assert touched.fetchall() == [("pets", LATER), ("uk-referral-toys", NOW)]


def test_a_rule_without_a_note_and_without_fees_that_it_is_on_has_none(scratch):
    given = fee_row()._asdict()
    left_out = {name: given[name] for name in given.keys() - {"applies_to", "note"}}
    text = json.dumps([left_out], default=str)
    scratch.execute("SELECT * FROM buybox_import_fee_rules(%s::jsonb)", (text,))
    assert catalogue.list_fee_rules(scratch) == [fee_row()]


def test_the_same_rule_id_of_a_seller_is_another_rule(scratch):
    rules = [fee_row(), fee_row(seller_id="S1")]
    assert catalogue.import_fee_rules(scratch, rules, now=NOW) == Counts(2, 0, 0)


def test_an_import_may_end_a_rule_and_begin_its_successor_in_any_order(scratch):
    catalogue.import_fee_rules(scratch, [fee_row()], now=NOW)
    day = date(2026, 2, 1)
    successor = fee_row(rule_id="uk-referral-toys-2026-02", valid_from=day, rate=Decimal("0.1"))
    rules = [successor, fee_row(valid_to=day)]
    assert catalogue.import_fee_rules(scratch, rules, now=LATER) == Counts(1, 1, 0)


def test_rules_that_overlap_end_the_import(scratch):
    with pytest.raises(psycopg.errors.ExclusionViolation):
        catalogue.import_fee_rules(scratch, [fee_row(), fee_row(rule_id="r2")], now=NOW)


def in_force(conn, first_day, last_day=None, sellers=(), marketplaces=(GB,)):
    rules = catalogue.read_fee_rules(
        conn, marketplaces, sellers, first_day=first_day, last_day=last_day or first_day
    )
    return [rule.rule_id for rule in rules]


def test_the_rules_read_are_those_in_force_of_everybody_and_of_the_sellers_asked(scratch):
    day = date(2026, 2, 1)
    catalogue.import_fee_rules(
        scratch,
        [
            fee_row(rule_id="until", valid_to=day),
            fee_row(rule_id="from", valid_from=day),
            fee_row(rule_id="own", seller_id="S1"),
            fee_row(rule_id="us", marketplace_id=US, currency="USD"),
        ],
        now=NOW,
    )
    assert in_force(scratch, date(2025, 12, 31)) == []
    assert in_force(scratch, date(2026, 1, 31)) == ["until"]
    assert in_force(scratch, day) == ["from"]
    assert in_force(scratch, date(2026, 1, 31), day) == ["from", "until"]
    assert in_force(scratch, day, sellers=["S1", "S2"]) == ["from", "own"]
    assert in_force(scratch, day, marketplaces=[GB, US]) == ["from", "us"]
    rules = catalogue.list_fee_rules(scratch, marketplace_id=GB, at=day, category="toys-and-games")
    assert [rule.rule_id for rule in rules] == ["from", "own"]
    assert catalogue.list_fee_rules(scratch, category="pets") == []


# products -----------------------------------------------------------------------------------------


def test_the_products_of_a_key_are_all_its_channels_and_skus(scratch):
    rows = [
        product_row(),
        product_row(fulfilment_channel="merchant"),
        product_row(
            fulfilment_channel="merchant", sku="X", weight_g=5, sale_vat_rate=Decimal("0.2")
        ),
        product_row(asin="B0CXYZ5678"),
        product_row(item_condition="used"),
        product_row(seller_id="S2"),
    ]
    with catalogue.stage_products(scratch) as stage:
        for line, row in enumerate(rows):
            stage(line, row)
    assert list(catalogue.drop_repeated_products(scratch)) == []
    counts = catalogue.apply_staged_products(scratch, product_row()._fields, now=NOW)
    assert counts == Counts(6, 0, 0)
    found = explain.read_costs(scratch, GB, ASIN)
    assert [r for r in found if (r.seller_id, r.item_condition) == (OWN_SELLER, "new")] == rows[:3]
    assert len(found) == 5
    assert explain.read_costs(scratch, GB, "B0UNKNOWN0") == []
