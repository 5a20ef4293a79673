"""The door's promise that no body whatsoever makes it raise, or takes it long."""

from __future__ import annotations

import copy
import json
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from economics.facts import facts_from_json, facts_to_json
from tests.factories import NOW, any_offer_changed, arrival, body, pricing_health, sns
from worker.errors import UnreadableNotificationError
from worker.ingest.door import read
from worker.ingest.notification import Notification, Rejection

REAL = Path(__file__).parents[1] / "data" / "spapi" / "any_offer_changed.peddler-real-fixture.json"
SEEDS = [
    json.loads(REAL.read_bytes()),
    json.loads(body(pricing_health())),
    sns(body(any_offer_changed())),
]
ODD_VALUES = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(),
        st.text(st.characters()),
        st.sampled_from(["", " ", "\x00", "\ud800", "NaN", "1e999999999", "9" * 300, 10**4000]),
        st.sampled_from(["USD", "EUR", "new", "Merchant", "9999-12-31T23:59:59-14:00"]),
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


def check(data):
    result = read(arrival(data), now=NOW)
    if isinstance(result, Rejection):
        assert result.error_type != UnreadableNotificationError.kind, result.error_message
        assert 0 < len(result.error_message) <= 500
        assert result.error_message.isprintable()
        return
    assert isinstance(result, Notification)
    assert (result.facts is not None) == (result.status == "waiting")
    for kept in (result.seller_id, result.marketplace_id, result.asin, result.event_key):
        assert kept is None or (kept.isascii() and kept.isprintable())
    if result.facts is not None:
        assert facts_from_json(facts_to_json(result.facts)) == result.facts


def places(value, path=()):
    """Every path in the document, shortest first on each branch."""
    yield path
    if isinstance(value, dict | list):
        for key, member in value.items() if isinstance(value, dict) else enumerate(value):
            yield from places(member, (*path, key))


PLACES = [list(places(seed)) for seed in SEEDS]


def replace_at(document, path, change):
    if not path:
        return document
    *parents, last = path
    holder = document
    for key in parents:
        holder = holder[key]
    change(holder, last)
    return document


@given(st.binary(max_size=200))
def test_arbitrary_bytes_never_raise(data):
    check(data)


@given(ODD_VALUES)
def test_arbitrary_json_never_raises(value):
    check(json.dumps(value).encode())


@settings(max_examples=400)
@given(st.data())
def test_a_mutated_real_message_never_raises(data):
    index = data.draw(st.integers(0, len(SEEDS) - 1))
    document = copy.deepcopy(SEEDS[index])
    path = data.draw(st.sampled_from(PLACES[index]))
    if data.draw(st.booleans()):
        replace_at(document, path, lambda holder, key: holder.pop(key))
    else:
        value = data.draw(ODD_VALUES)
        replace_at(document, path, lambda holder, key: holder.__setitem__(key, value))
    check(json.dumps(document).encode())


@given(st.binary(max_size=8), st.integers(0, REAL.stat().st_size))
def test_a_real_message_with_bytes_in_its_middle_never_raises(noise, at):
    data = REAL.read_bytes()
    check(data[:at] + noise + data[at + len(noise) :])


LONG = 200_000


@pytest.mark.parametrize(
    "data",
    [
        b"\\" * LONG,
        b'{"NotificationType": "NEW", "Text": "%s"}' % (b"\\n" * (LONG // 2)),
        b'{"NotificationType": "NEW", "Text": "%s"}' % (b"\\u30a2" * (LONG // 6)),
        b'{"NotificationType": "NEW", "Text": "%s"}' % (b'\\" ' * (LONG // 3)),
        b"[" * LONG,
        b" " * LONG,
        b'"Amount":' * (LONG // 9),
        b'{"NotificationType": "NEW", "Number": %s}' % (b"9" * LONG),
    ],
    ids=["escapes", "lines", "characters", "quotes", "brackets", "blanks", "amounts", "digits"],
)
def test_a_long_body_takes_no_longer_than_its_length(data):
    """A pattern holds the whole process while it searches: its heart and its watchdog too."""
    began = time.thread_time()
    check(data)
    assert time.thread_time() - began < 2  # of 30 ms; in the square of the length it was a minute
