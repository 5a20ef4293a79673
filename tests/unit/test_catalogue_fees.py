"""Fee rules from files, and the starter set: whole, sourced, and silent about what is not known."""

from __future__ import annotations

import tomllib
from collections import defaultdict
from datetime import date
from io import BytesIO
from pathlib import Path

import pytest

from economics.marketplaces import find_marketplace
from tests.catalogue import GOOD_FEE, fee_file, fee_row
from tests.factories import GB, US
from worker.catalogue import fees
from worker.catalogue.fees import COLUMNS, NEEDED, PARTICULARS, FeeLine, read_fees, starter_files
from worker.catalogue.lines import UnusableFileError
from worker.catalogue.rejects import Rejects

ROOT = Path(__file__).parents[2]
FULFILMENT = {
    "kind": "fulfilment", "category": "", "shape": "", "rate": "", "minimum": "",
    "size_tier": "small-parcel", "fulfilment_channel": "amazon", "amount": "2.50",
}  # fmt: skip
CLOSING = {"kind": "closing", "shape": "", "rate": "", "minimum": "", "amount": "0.50"}
DIGITAL = {
    "kind": "digital-services", "category": "", "shape": "", "minimum": "", "rate": "0.02",
    "applies_to": "referral|fulfilment",
}  # fmt: skip
VAT = {"kind": "vat-on-fees", "category": "", "shape": "", "minimum": "", "rate": "0.20"}


def read(*changes):
    rejects = Rejects()
    return read_fees(fee_file(*changes), rejects), rejects


def test_the_fields_of_the_model_are_the_columns():
    assert tuple(FeeLine.model_fields) == COLUMNS == tuple(GOOD_FEE)
    assert set(PARTICULARS) < set(COLUMNS)


def test_the_document_describes_every_column():
    text = (ROOT / "docs" / "fees.md").read_text("utf-8")
    named = [line.split("`")[1] for line in text.splitlines() if line.startswith("| `")]
    assert tuple(named) == COLUMNS


def test_a_rule_of_each_kind_is_taken():
    rules, rejects = read(
        {},
        *(
            more | {"rule_id": f"r{n}"}
            for n, more in enumerate([FULFILMENT, CLOSING, DIGITAL, VAT])
        ),
    )
    assert rejects.lines == 0, rejects.first
    assert [rule.kind for rule in rules] == list(NEEDED)
    assert rules[0] == fee_row()
    assert rules[3].applies_to == ("referral", "fulfilment")


def test_a_referral_fee_may_be_that_of_what_the_merchant_sends():
    rules, rejects = read({"fulfilment_channel": "merchant"})
    assert (rejects.lines, rules[0].fulfilment_channel) == (0, "merchant")


def test_a_line_that_is_no_csv_costs_itself_alone():
    rejects = Rejects()
    lines = fee_file({}).getvalue() + b'"broken\n'
    assert len(read_fees(BytesIO(lines), rejects)) == 1
    assert [(one.line, one.reason) for one in rejects.first] == [(3, "bad-quoting")]


def test_a_file_with_more_rules_than_are_taken_is_refused_as_a_whole(monkeypatch):
    monkeypatch.setattr(fees, "MAX_RULES", 2)
    three = [{"rule_id": f"r{n}"} | more for n, more in enumerate([{}, FULFILMENT, CLOSING])]
    assert len(read(*three[:2])[0]) == 2
    with pytest.raises(UnusableFileError, match="at most 2 rules"):
        read(*three)


BAD = [
    ({"rule_id": "UK Toys"}, "rule_id", "bad-name"),
    ({"kind": "storage"}, "kind", "unknown-kind"),
    ({"kind": ""}, "kind", "missing-value"),
    ({"category": ""}, "category", "missing-value"),
    ({"shape": ""}, "shape", "missing-value"),
    ({"shape": "stairs"}, "shape", "unknown-shape"),
    ({"rate": ""}, "rate", "missing-value"),
    ({"rate": "15"}, "rate", "rate-out-of-range"),
    ({"rate": "-0.1"}, "rate", "negative"),
    ({"amount": "1.00"}, "amount", "out-of-place"),
    ({"price_up_to": "10.00"}, "price_up_to", "out-of-place"),
    ({"price_up_to": "0"}, "price_up_to", "zero-price"),
    ({"minimum": "0.255"}, "minimum", "too-many-decimals"),
    ({"applies_to": "referral"}, "applies_to", "out-of-place"),
    ({"currency": "EUR"}, "currency", "wrong-currency"),
    ({"marketplace_id": US}, "currency", "wrong-currency"),
    ({"valid_from": "20260101"}, "valid_from", "bad-date"),
    ({"valid_from": "2026-02-30"}, "valid_from", "bad-date"),
    ({"valid_from": ""}, "valid_from", "missing-value"),
    ({"valid_to": "2026-01-01"}, "valid_to", "empty-period"),
    ({"source": ""}, "source", "missing-value"),
    ({"source_date": ""}, "source_date", "missing-value"),
    ({"note": "x" * 501}, "note", "too-long"),
    (FULFILMENT | {"fulfilment_channel": "merchant"}, "fulfilment_channel", "out-of-place"),
    (FULFILMENT | {"fulfilment_channel": ""}, "fulfilment_channel", "missing-value"),
    (FULFILMENT | {"size_tier": ""}, "size_tier", "missing-value"),
    (FULFILMENT | {"amount": ""}, "amount", "missing-value"),
    (CLOSING | {"price_up_to": "10.00"}, "price_up_to", "out-of-place"),
    (DIGITAL | {"applies_to": ""}, "applies_to", "missing-value"),
    (DIGITAL | {"applies_to": "storage"}, "applies_to", "unknown-fee"),
    (DIGITAL | {"category": "toys-and-games"}, "category", "out-of-place"),
    (VAT | {"rate": ""}, "rate", "missing-value"),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "field", "reason"), BAD)
def test_a_rule_that_cannot_be_so_is_named_with_its_reason(changes, field, reason):
    rules, rejects = read(changes, {"rule_id": "good"})
    assert [rule.rule_id for rule in rules] == ["good"]
    assert (field, reason) in {(one.field, one.reason) for one in rejects.first}
    assert {one.line for one in rejects.first} == {2}


def test_a_rule_named_twice_is_taken_once():
    rules, rejects = read({}, {"rate": "0.2"}, {"seller_id": "S1"})
    assert [(rule.seller_id, str(rule.rate)) for rule in rules] == [(None, "0.15"), ("S1", "0.15")]
    assert [(one.line, one.problem) for one in rejects.first] == [
        (3, "line 2 has the same rule_id")
    ]


# the starter set ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def starter():
    rejects = Rejects()
    rules = [rule for file in starter_files() for rule in read_fees(file, rejects)]
    assert rejects.lines == 0, rejects.first
    return rules


def test_the_starter_set_covers_the_six_marketplaces(starter):
    countries = {find_marketplace(rule.marketplace_id).country_code for rule in starter}
    assert countries == {"GB", "DE", "FR", "IT", "ES", "US"}


def test_the_starter_set_is_packed_with_the_program():
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    packed = settings["tool"]["setuptools"]["package-data"]["worker"]
    assert "data/fees/*.csv" in packed
    assert len(list((ROOT / "worker" / "data" / "fees").glob("*.csv"))) == 6


def test_every_starter_rule_names_its_source_and_asks_to_be_checked(starter):
    for rule in starter:
        assert rule.source
        assert rule.source_date >= date(2019, 1, 1)
        assert rule.note.startswith("check against your own Seller Central")
        assert rule.seller_id is None


def test_no_starter_rule_id_is_used_twice(starter):
    ids = [rule.rule_id for rule in starter]
    assert len(set(ids)) == len(ids)


def test_what_is_not_known_for_sure_is_left_out(starter):
    assert not [rule for rule in starter if rule.kind == "fulfilment"]
    categories = {rule.category for rule in starter}
    assert not categories & {"everything-else", "other"}


def test_every_category_with_a_referral_fee_has_a_closing_fee(starter):
    """Even if it is 0: a rule that is missing means that nobody knows."""
    by_kind = defaultdict(set)
    for rule in starter:
        by_kind[rule.kind].add((rule.marketplace_id, rule.category))
    assert by_kind["referral"] == by_kind["closing"]


def tiers(starter, category, on, marketplace_id=GB):
    found = [
        rule
        for rule in starter
        if rule.kind == "referral"
        and (rule.category, rule.marketplace_id) == (category, marketplace_id)
        and rule.valid_from <= on < (rule.valid_to or date.max)
    ]
    ordered = sorted(found, key=lambda rule: (rule.price_up_to is None, rule.price_up_to))
    return [(str(r.price_up_to) if r.price_up_to else None, str(r.rate)) for r in ordered]


@pytest.mark.parametrize(
    ("category", "before", "day", "after"),
    [
        ("home-products", [(None, "0.15")], date(2026, 2, 1), [("20.00", "0.08"), (None, "0.15")]),
        ("pet-clothing-and-food", [(None, "0.15")], date(2026, 2, 1),
         [("10.00", "0.05"), (None, "0.15")]),
        ("grocery-and-gourmet", [("10.00", "0.08"), (None, "0.15")], date(2026, 2, 1),
         [("10.00", "0.05"), (None, "0.15")]),
        ("clothing-and-accessories", [("15.00", "0.08"), ("40.00", "0.15")], date(2025, 12, 15),
         [("15.00", "0.05"), ("20.00", "0.10"), ("40.00", "0.15")]),
    ],
)  # fmt: skip
def test_the_changes_of_2026_begin_on_their_day(starter, category, before, day, after):
    assert tiers(starter, category, date.fromordinal(day.toordinal() - 1)) == before
    assert tiers(starter, category, day) == after


def test_the_tiers_of_a_day_are_of_one_shape_and_minimum(starter):
    schedules = defaultdict(set)
    for rule in starter:
        if rule.kind == "referral":
            schedules[rule.marketplace_id, rule.category, rule.valid_from].add(
                (rule.shape, rule.minimum)
            )
    assert {key: found for key, found in schedules.items() if len(found) > 1} == {}
