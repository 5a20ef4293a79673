"""A line of a products file: what is taken, and every way in which a field can be wrong."""

from __future__ import annotations

from decimal import Decimal
from io import BytesIO

import pytest

from tests.catalogue import EXAMPLE, GOOD_PRODUCT, product_file, product_line
from tests.factories import JP, US
from worker.catalogue.checking import check
from worker.catalogue.fields import typed_number
from worker.catalogue.lines import UnusableFileError
from worker.catalogue.products import COLUMNS, ProductLine, open_products
from worker.catalogue.rejects import Reject


def read(**changes):
    (line,) = open_products(product_file(product_line(**changes))).lines()
    checked = check(line, ProductLine)
    return checked if isinstance(checked, list) else checked.row()


def test_the_fields_of_the_model_are_the_columns():
    assert tuple(ProductLine.model_fields) == COLUMNS == tuple(GOOD_PRODUCT)


def test_a_good_line_is_a_row():
    row = read()
    assert (row.unit_cost, row.own_postage, row.weight_g) == (Decimal("4.00"), None, 410)
    assert row.tags == ["core", "kitchen"]
    assert row.sale_vat_rate == Decimal("0.2")


def test_money_is_brought_to_the_decimals_of_its_currency():
    assert str(read(unit_cost="4").unit_cost) == "4.00"
    assert str(read(unit_cost="4.500").unit_cost) == "4.50"
    yen = {"marketplace_id": JP, "currency": "JPY", "inbound_postage": "", "prep": "",
           "min_price": "", "max_price": ""}  # fmt: skip
    assert str(read(**yen, unit_cost="620.00").unit_cost) == "620"


def test_empty_cells_are_unknown_and_not_zero():
    row = read(unit_cost="", sale_vat_rate="", estimated_daily_sales="", tags="", sku="")
    assert (row.unit_cost, row.sale_vat_rate, row.estimated_daily_sales) == (None, None, None)
    assert (row.tags, row.sku) == ([], "")


BAD = [
    ({"seller_id": ""}, "seller_id", "missing-value"),
    ({"seller_id": "TWO WORDS"}, "seller_id", "bad-identifier"),
    ({"seller_id": "S" * 65}, "seller_id", "bad-identifier"),
    ({"marketplace_id": "A1NOWHERE"}, "marketplace_id", "unknown-marketplace"),
    ({"marketplace_id": ""}, "marketplace_id", "missing-value"),
    ({"currency": "USD"}, "currency", "wrong-currency"),
    ({"currency": ""}, "currency", "missing-value"),
    ({"marketplace_id": US}, "currency", "wrong-currency"),
    ({"asin": "B0SHORT"}, "asin", "bad-asin"),
    ({"asin": "b0cxyz1234"}, "asin", "bad-asin"),
    ({"asin": "B0CXYZ123\u0664"}, "asin", "bad-asin"),
    ({"item_condition": "mint"}, "item_condition", "unknown-condition"),
    ({"fulfilment_channel": "drone"}, "fulfilment_channel", "unknown-channel"),
    ({"fulfilment_channel": ""}, "fulfilment_channel", "missing-value"),
    ({"unit_cost": "1,23"}, "unit_cost", "decimal-comma"),
    ({"unit_cost": "1.234,50"}, "unit_cost", "decimal-comma"),
    ({"unit_cost": "-1"}, "unit_cost", "negative"),
    ({"unit_cost": "\u22121.00"}, "unit_cost", "negative"),
    ({"unit_cost": "-much"}, "unit_cost", "not-a-number"),
    ({"unit_cost": "1.234"}, "unit_cost", "too-many-decimals"),
    ({"unit_cost": "NaN"}, "unit_cost", "not-a-number"),
    ({"unit_cost": "Infinity"}, "unit_cost", "not-a-number"),
    ({"unit_cost": "1e999"}, "unit_cost", "not-a-number"),
    ({"unit_cost": "\u00a34.00"}, "unit_cost", "not-a-number"),
    ({"unit_cost": "\u0664.00"}, "unit_cost", "not-a-number"),
    ({"unit_cost": "4."}, "unit_cost", "not-a-number"),
    ({"unit_cost": "9" * 400}, "unit_cost", "too-many-digits"),
    ({"unit_cost": "10000000000"}, "unit_cost", "too-large"),
    ({"min_price": "0.00"}, "min_price", "zero-price"),
    ({"min_price": "25.00"}, "max_price", "min-above-max"),
    ({"sale_vat_rate": "20"}, "sale_vat_rate", "rate-out-of-range"),
    ({"sale_vat_rate": "1"}, "sale_vat_rate", "rate-out-of-range"),
    ({"sale_vat_rate": "20%"}, "sale_vat_rate", "not-a-number"),
    ({"weight_g": "0"}, "weight_g", "zero-weight"),
    ({"weight_g": "1.5"}, "weight_g", "too-many-decimals"),
    ({"weight_g": "9" * 11}, "weight_g", "too-large"),
    ({"estimated_daily_sales": "1000001"}, "estimated_daily_sales", "too-large"),
    ({"category": "Home & Kitchen"}, "category", "bad-name"),
    ({"category": "x" * 101}, "category", "too-long"),
    ({"size_tier": "a--b"}, "size_tier", "bad-name"),
    ({"title": "x" * 501}, "title", "too-long"),
    ({"sku": "x" * 101}, "sku", "too-long"),
    ({"tags": "a||b"}, "tags", "bad-tag"),
    ({"tags": "x" * 101}, "tags", "bad-tag"),
    ({"tags": "|".join("x" * 51)}, "tags", "too-many-tags"),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "field", "reason"), BAD)
def test_a_field_that_cannot_be_so_is_named_with_its_reason(changes, field, reason):
    found = read(**changes)
    assert isinstance(found, list)
    assert (field, reason) in {(one.field, one.reason) for one in found}
    assert all(isinstance(one, Reject) and one.line == 2 and one.problem for one in found)


def test_a_problem_is_told_in_words():
    (found,) = read(unit_cost="1,23")
    assert found.problem == "numbers are written with a decimal point and nothing else"


@pytest.mark.parametrize(
    ("field", "text", "value"),
    [
        ("seller_id", "S" * 64, "S" * 64),
        ("unit_cost", "9999999999.99", Decimal("9999999999.99")),
        ("unit_cost", "4.".zfill(24) + "000000", Decimal(4)),
        ("weight_g", "1", 1),
        ("weight_g", "2000000000", 2_000_000_000),
        ("estimated_daily_sales", "1000000", Decimal(1_000_000)),
        ("category", "x" * 100, "x" * 100),
        ("sku", "x" * 100, "x" * 100),
        ("title", "x" * 500, "x" * 500),
        ("tags", "|".join(["x" * 100] * 50), ["x" * 100] * 50),
    ],
)
def test_what_is_just_within_a_limit_is_taken_as_it_is(field, text, value):
    assert getattr(read(**{field: text}), field) == value


def test_everything_wrong_with_a_line_is_told_at_once():
    found = read(asin="x", unit_cost="-1", weight_g="0")
    assert [one.field for one in found] == ["asin", "unit_cost", "weight_g"]
    assert [one.value for one in found] == ["x", "-1", "0"]


KEY = "marketplace_id,asin,item_condition,fulfilment_channel,currency"


def header(*names):
    return BytesIO(",".join([*names, KEY]).encode() + b"\n")


@pytest.mark.parametrize("alone", ["min_price", "max_price"])
def test_one_price_limit_without_the_other_is_refused(alone):
    with pytest.raises(UnusableFileError, match="go together"):
        open_products(header("seller_id", alone))


def test_the_seller_column_may_be_left_out_when_the_seller_is_given():
    assert open_products(header(), seller_id="S").columns == tuple(KEY.split(","))
    with pytest.raises(UnusableFileError, match="lacks seller_id"):
        open_products(header())


def test_every_line_of_the_example_is_good():
    with EXAMPLE.open("rb") as stream:
        checked = [check(line, ProductLine) for line in open_products(stream).lines()]
    assert len(checked) == 5
    assert not [one for one in checked if isinstance(one, list)]


def test_the_document_describes_every_column():
    text = (EXAMPLE.parent / "products.md").read_text("utf-8")
    named = [line.split("`")[1] for line in text.splitlines() if line.startswith("| `")]
    assert tuple(named) == COLUMNS


@pytest.mark.parametrize(
    ("typed", "found"),
    [("18.99", "18.99"), (" 18.99 ", "18.99"), ("18_99", None), ("1e3", None), ("", None)],
)
def test_a_number_that_somebody_types_is_written_as_in_the_files(typed, found):
    assert typed_number(typed) == (None if found is None else Decimal(found))
