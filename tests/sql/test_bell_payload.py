"""The bell: a hint that always fits, worst first, once a transaction."""

from __future__ import annotations

import json
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from db.feed import STATE_CHANNEL
from db.products import ring_state_bell
from tests.factories import GB
from tests.interleave import Ear, column, deliver, letter, work
from tests.strategies import lists_of_any_length

WORST_FIRST = ("critical", "high", "warning", "success", "info")
LIMIT_BYTES = 8000


def payload(scratch, changes):
    text = scratch.execute(
        "SELECT buybox_bell_payload(%s::text[], %s::text[])",
        ([p for p, _ in changes], [s for _, s in changes]),
    ).fetchone()[0]
    assert len(text.encode()) < LIMIT_BYTES
    return json.loads(text)


def test_the_shape_is_exactly_the_documented_one(scratch):
    (text,) = column(
        scratch, "SELECT buybox_bell_payload(%s, %s)", ["M:A", "M:B"], ["high", "info"]
    )
    assert text == '{"v":1,"changed":[["M:A","high"],["M:B","info"]],"more":false}'


def test_nothing_changed_is_an_empty_list(scratch):
    assert payload(scratch, []) == {"v": 1, "changed": [], "more": False}


def test_the_worst_come_first(scratch):
    changes = [(f"M:{severity}", severity) for severity in sorted(WORST_FIRST)]
    assert [severity for _, severity in payload(scratch, changes)["changed"]] == list(WORST_FIRST)


def test_the_same_change_is_told_once(scratch):
    changes = [("M:A", "high")] * 3 + [("M:A", "info")]
    assert payload(scratch, changes)["changed"] == [["M:A", "high"], ["M:A", "info"]]


def test_thousands_of_products_are_cut_and_marked(scratch):
    changes = [(f"{GB}:B0{n:08d}", WORST_FIRST[n % 5]) for n in range(5000)]
    found = payload(scratch, changes)
    assert found["more"] is True
    assert len(found["changed"]) > 150
    assert {severity for _, severity in found["changed"]} == {"critical"}


def test_the_cut_marks_exactly_what_does_not_fit(scratch):
    sizes = [payload(scratch, [(f"{GB}:B0{n:08d}", "high") for n in range(many)])
             for many in range(150, 300)]  # fmt: skip
    told = [(len(p["changed"]), p["more"]) for p in sizes]
    whole = [many for many, more in told if not more]
    cut = {many for many, more in told if more}
    assert whole
    assert cut == {max(whole)}
    assert all(b - a == 1 for a, b in pairwise(whole))


ANY_CHARACTERS = st.characters(exclude_characters="\0", exclude_categories=["Cs"])
KEYS = st.builds(str.__mul__, st.text(ANY_CHARACTERS, max_size=12), st.integers(1, 40))
"""Some so long that a few dozen of them do not fit."""


@settings(
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(lists_of_any_length(st.tuples(KEYS, st.sampled_from(WORST_FIRST)), max_size=80))
def test_any_keys_fit_and_read_back(scratch, changes):
    found = payload(scratch, changes)
    told = [tuple(entry) for entry in found["changed"]]
    assert set(told) <= set(changes)
    assert len(told) == len(set(told))
    assert found["more"] is (len(told) < len(set(changes)))
    ranks = [WORST_FIRST.index(severity) for _, severity in told]
    assert ranks == sorted(ranks)


def test_one_transaction_with_many_changes_rings_once(conn, open_connection):
    ear = Ear(open_connection, STATE_CHANNEL)
    asins = [f"B0{n:08d}" for n in range(120)]
    deliver(conn, *(letter(asin=asin) for asin in asins))
    done = work(conn, *(f"{GB}:{asin}" for asin in asins))
    assert done.processed == 120
    (bell,) = ear.heard()
    assert {product for product, _ in json.loads(bell.payload)["changed"]} == {
        f"{GB}:{asin}" for asin in asins
    }


def test_too_many_changes_still_ring_once(conn, open_connection):
    ear = Ear(open_connection, STATE_CHANNEL)
    with conn.transaction():
        ring_state_bell(conn, [(f"{GB}:B0{n:08d}", "critical") for n in range(3000)])
    (bell,) = ear.heard()
    assert json.loads(bell.payload)["more"] is True


@pytest.mark.parametrize("severity", WORST_FIRST)
def test_the_bell_names_the_severity_that_is_stored(scratch, severity):
    assert payload(scratch, [("M:A", severity)])["changed"] == [["M:A", severity]]
