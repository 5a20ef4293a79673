"""The fast reader may be picky, never different: what it answers, the careful one answers too."""

from __future__ import annotations

import copy
import json
import re
from decimal import Decimal
from pathlib import Path
from unittest.mock import patch

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.factories import JP, NOW, any_offer_changed, arrival, body, camel_case, money, offer, sns
from worker.ingest import door, models, usual
from worker.ingest.notification import Notification
from worker.ingest.usual import read_usual

DATA = Path(__file__).parents[1] / "data" / "spapi"
REAL = json.loads((DATA / "any_offer_changed.peddler-real-fixture.json").read_text("utf-8"))
PLAIN = any_offer_changed(notification_id="n-1")
NEAR_MISSES = [
    *(None, True, 0, -1, 1, 12, 10**9, 10**13, "", " ", "12", " 19.99 ", "1_000", "1e3", "NaN"),
    *("new", "New", " NEW", "Very Good", "FUTURE_WITH_DATE", "future_without_date ", "Amazon"),
    *("merchant", "true", "USD", "usd", "XYZ", "B0:1", "a b", "é", "A" * 129, "\u0000", "B2B"),
    *("2024-12-12T11:36:26", "9999-12-31T23:59:59Z", "yesterday", [], {}, [None], [{}], {"a": 1}),
    *(Decimal("0.0"), Decimal("-0.01"), Decimal("1E+3"), Decimal("0.001"), Decimal("1E-9")),
    *(Decimal("12.340"), Decimal("1E+999"), 999_999_999, Decimal("999999999.99")),
    *({"Amount": amount, "CurrencyCode": "USD"} for amount in ("1.00", 1, Decimal("1.005"), None)),
    *({"Amount": 1, "CurrencyCode": code} for code in ("usd", "EUR", "XYZ", None)),
    *({"Amount": 1}, {"amount": 1, "CurrencyCode": "USD"}, {"Amount": 1, "currencyCode": "USD"}),
]
OTHER_KEYS = ["Asin", "IsPrime", "FulfillmentType", "OfferType", "QuantityTier", "Points", "New"]
OTHER_KEYS += ["LandedPrice", "OfferChangeSummary", "Message", "detail", "Sellerid", "sellerId"]
OTHER_KEYS += ["offerCHANGEsummary", "ReferencePrice", "NOTIFICATIONID", "landedPrice", "isPrime"]
ODD_NUMBERS = ["-0", "01", "1e2", "1E0", "1.0e0", "1.", ".5", "1_0", "0x1", "1 ", "1.00\n", "NaN"]
ODD_NUMBERS += ["9" * 9, "9" * 10, "9" * 5000, "0.001", '"1.00"', '" 1"', '"1_0"', '"NaN"', "null"]


def read_carefully(message):
    with patch.object(door, "read_usual", lambda _: None):
        return door.read(message, now=NOW)


def assert_both_agree(message):
    assert door.read(message, now=NOW) == read_carefully(message)


def is_read_fast(data):
    return read_usual(data) is not None


def places(value, path=()):
    """Every path in the document but the root."""
    if isinstance(value, dict | list):
        for key, member in value.items() if isinstance(value, dict) else enumerate(value):
            yield (*path, key)
            yield from places(member, (*path, key))


def holder_of(document, path):
    for key in path[:-1]:
        document = document[key]
    return document


def near_miss(data):
    return copy.deepcopy(data.draw(st.sampled_from(NEAR_MISSES)))


def change_something(data, document):
    path = data.draw(st.sampled_from(sorted(places(document), key=str)))
    holder, key = holder_of(document, path), path[-1]
    act = data.draw(st.sampled_from(["set", "set", "drop", "rename", "add"]))
    if act == "set":
        holder[key] = near_miss(data)
    elif act == "drop":
        del holder[key]
    elif act == "add" and isinstance(holder, dict):
        holder[data.draw(st.sampled_from(OTHER_KEYS))] = near_miss(data)
    elif isinstance(holder, dict):
        small_initial = lambda k: k[:1].lower() + k[1:]  # noqa: E731
        change = data.draw(st.sampled_from([str.lower, small_initial, str.upper, str.swapcase]))
        holder[change(key)] = holder.pop(key)


@settings(max_examples=1500)
@given(st.data())
def test_a_message_with_one_or_two_changes_is_read_alike_by_both(data):
    document = copy.deepcopy(data.draw(st.sampled_from([REAL, PLAIN])))
    for _ in range(data.draw(st.integers(1, 2))):
        change_something(data, document)
    assert_both_agree(arrival(document))


@settings(max_examples=300)
@given(st.binary(max_size=8), st.integers(0, 2000))
def test_a_message_with_bytes_in_its_middle_is_read_alike_by_both(noise, at):
    data = body(any_offer_changed(notification_id="n-1"))
    assert_both_agree(arrival(data[:at] + noise + data[at + len(noise) :]))


@settings(max_examples=500)
@given(st.data())
def test_a_message_with_a_key_or_an_amount_written_oddly_is_read_alike_by_both(data):
    text = body(data.draw(st.sampled_from([REAL, PLAIN]))).decode()
    key = data.draw(st.sampled_from(sorted(set(re.findall(r'"(\w+)":', text)))))
    at = data.draw(st.integers(0, len(key) - 1))
    escaped = f"{key[:at]}\\u{ord(key[at]):04x}{key[at + 1 :]}"
    spelling = data.draw(st.sampled_from([key, escaped]))
    gap = data.draw(st.sampled_from(["", " ", "\n\t ", "\f"]))
    text = text.replace(f'"{key}":', f'"{spelling}"{gap}:{gap}', data.draw(st.integers(1, 3)))
    amounts = list(re.finditer(r"Amount[^:]*:\s*([0-9.]+)", text))
    if amounts and data.draw(st.booleans()):
        start, end = data.draw(st.sampled_from(amounts)).span(1)
        text = text[:start] + data.draw(st.sampled_from(ODD_NUMBERS)) + text[end:]
    assert_both_agree(arrival(text.encode()))


@pytest.mark.parametrize(
    "part",
    [
        "Money",
        "Points",
        "PrimeInformation",
        "ShippingTime",
        "OfferRow",
        "SummaryPrice",
        "OfferCount",
        "Summary",
        "Trigger",
        "OfferChange",
    ],
)
def test_every_key_under_which_the_careful_reader_looks_is_known_to_the_fast_one(part):
    nobody_keeps = {"TimeOfOfferChange", "timeOfOfferChange"}  # read where EventTime is missing
    known = {field.encode_name for field in msgspec.structs.fields(getattr(usual, part))}
    for name, field in getattr(models, part).model_fields.items():
        choices = field.validation_alias or _aliases(name)
        assert set(choices.choices) <= known | nobody_keeps


def _aliases(name):
    return models._Part.model_config["alias_generator"].validation_alias(name)


@pytest.mark.parametrize("path", sorted(DATA.glob("*.*")), ids=lambda path: path.stem)
def test_every_sample_is_read_alike_by_both(path):
    assert_both_agree(arrival(path.read_bytes()))


@pytest.mark.parametrize(
    "data",
    [
        (DATA / "any_offer_changed.peddler-real-fixture.json").read_bytes(),
        body(any_offer_changed()),
        body(any_offer_changed(item_condition="Used", offers=[])),
        body(
            any_offer_changed(
                marketplace_id=JP,
                offers=[
                    offer(listing=1980, shipping=0, currency="JPY", Points={"PointsNumber": 20})
                ],
            )
        ),
    ],
)
def test_what_amazon_sends_is_read_fast(data):
    """Else the fast reader would be right and useless."""
    assert is_read_fast(data)
    found = door.read(arrival(data), now=NOW)
    assert isinstance(found, Notification)
    assert found.facts is not None
    assert found == read_carefully(arrival(data))


def test_a_field_that_amazon_adds_does_not_make_reading_slow():
    message = any_offer_changed()
    change = message["Payload"]["AnyOfferChangedNotification"]
    change["NewThing"] = change["Summary"]["NewThing"] = {"Deep": [1, 2]}
    change["Offers"][0]["NewThing"] = message["NotificationMetadata"]["NewThing"] = "x"
    assert is_read_fast(body(message))


@pytest.mark.parametrize(
    "message",
    [
        camel_case(any_offer_changed()),
        sns(body(any_offer_changed())),
        any_offer_changed(offers=[offer(listing="19.99")]),
        any_offer_changed(offers=[offer(SellerId=" A1 ")]),
        any_offer_changed(offers=[None]),
        any_offer_changed(summary={"ListPrice": money(Decimal("1E+3"))}),
        any_offer_changed(EVENTTIME="x"),
        any_offer_changed(NotificationType="any_offer_changed"),
    ],
)
def test_what_is_unusual_goes_to_the_careful_reader(message):
    assert not is_read_fast(body(message))
    assert_both_agree(arrival(message))
