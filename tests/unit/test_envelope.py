"""Wrappers come off, the hash is of the notification alone, and bad JSON has a name."""

from __future__ import annotations

import hashlib
import json
from decimal import Decimal

import pytest

from tests.factories import NOW, any_offer_changed, arrival, body, eventbridge, pricing_health, sns
from worker.errors import InvalidFieldError, MalformedJsonError, OversizedBodyError
from worker.ingest.door import read
from worker.ingest.envelope import open_body
from worker.ingest.notification import MAX_BODY_BYTES, Notification


def sha256(data):
    return hashlib.sha256(data).digest()


def pascal(document):
    return {key[0].upper() + key[1:]: value for key, value in document.items()}


def camel(document):
    return {key[0].lower() + key[1:]: value for key, value in document.items()}


def test_a_direct_body_is_hashed_as_it_is():
    data = body(any_offer_changed())
    opened = open_body(data)
    assert (opened.envelope, opened.body_hash) == ("direct", sha256(data))


def test_an_sns_wrapper_comes_off_and_the_hash_is_that_of_the_message():
    data = body(any_offer_changed())
    opened = open_body(body(sns(data)))
    assert (opened.envelope, opened.body_hash) == ("sns", sha256(data))
    assert opened.fields == open_body(data).fields


def test_an_sns_redelivery_with_a_new_message_id_has_the_same_hash():
    data = body(any_offer_changed())
    again = sns(data, MessageId="another", Timestamp="2025-03-04T11:00:00.000Z")
    assert open_body(body(again)).body_hash == open_body(body(sns(data))).body_hash


def test_an_eventbridge_wrapper_comes_off():
    opened = open_body(body(eventbridge(any_offer_changed())))
    assert opened.envelope == "eventbridge"
    assert opened.fields["notificationtype"] == "ANY_OFFER_CHANGED"


def test_the_eventbridge_hash_depends_on_neither_key_order_nor_spacing():
    message = eventbridge(any_offer_changed())
    turned = message | {"detail": dict(reversed(message["detail"].items()))}
    spaced = body(turned).replace(b": ", b" :\n")
    assert open_body(spaced).body_hash == open_body(body(message)).body_hash


def test_the_eventbridge_hash_keeps_the_digits_of_amounts():
    one = {"source": "s", "detail-type": "T", "detail": {"a": Decimal("28.590")}}
    assert open_body(body(one)).body_hash == sha256(b'{"a":"28.590"}')


def test_an_eventbridge_event_that_came_through_sns_is_opened_twice():
    event = eventbridge(any_offer_changed())
    opened = open_body(body(sns(body(event))))
    assert opened.envelope == "sns"
    assert opened.body_hash == open_body(body(event)).body_hash
    assert opened.fields["notificationtype"] == "ANY_OFFER_CHANGED"


@pytest.mark.parametrize("spelling", [pascal, camel])
@pytest.mark.parametrize("message", [any_offer_changed(), pricing_health()])
def test_envelope_keys_are_read_in_either_case(spelling, message):
    result = read(arrival(spelling(message)), now=NOW)
    assert isinstance(result, Notification)
    assert result.status == "waiting"


@pytest.mark.parametrize("spelling", [pascal, camel])
def test_wrapper_keys_are_read_in_either_case(spelling):
    message = any_offer_changed()
    for wrapped in (sns(body(message)), eventbridge(message)):
        assert "notificationtype" in open_body(body(spelling(wrapped))).fields


def test_of_two_spellings_the_one_that_is_not_null_counts():
    assert open_body(b'{"EventTime": null, "eventTime": "x"}').fields == {"eventtime": "x"}


def test_a_byte_order_mark_is_tolerated():
    data = b"\xef\xbb\xbf" + body(any_offer_changed())
    assert isinstance(read(arrival(data), now=NOW), Notification)


MALFORMED = {
    "empty": b"",
    "blank": b"  \n",
    "truncated": body(any_offer_changed())[:-10],
    "a list": b"[]",
    "a text": b'"ANY_OFFER_CHANGED"',
    "null": b"null",
    "not utf-8": b'{"a": "\xff"}',
    "utf-16": '{"a": 1}'.encode("utf-16"),
    "a surrogate in utf-8": b'{"a": "\xed\xa0\x80"}',
    "a raw NUL": b'{"a": "\x00"}',
    "NaN": b'{"a": NaN}',
    "Infinity": b'{"a": Infinity}',
    "minus Infinity": b'{"a": -Infinity}',
    "an absurd integer": b'{"a": ' + b"9" * 5000 + b"}",
    "an absurd exponent": b'{"a": 1e99999999999999999999}',
    "deep lists": b'{"a": ' + b"[" * 100_000,
    "deep objects": b'{"a":' * 100_000,
    "two documents": b"{}{}",
    "xml": b"<Notification/>",
}


@pytest.mark.parametrize("data", MALFORMED.values(), ids=MALFORMED.keys())
def test_what_is_not_one_json_object_is_malformed(data):
    with pytest.raises(MalformedJsonError):
        open_body(data)
    wrapped = json.dumps(sns(b"") | {"Message": data.decode("utf-8", "ignore")}).encode()
    if data.isascii():
        with pytest.raises(MalformedJsonError):
            open_body(wrapped)


@pytest.mark.parametrize("message", [5, ["x"], {"a": 1}, "\ud800"])
def test_an_sns_message_that_is_no_text_is_an_invalid_field(message):
    with pytest.raises(InvalidFieldError, match="Message"):
        open_body(json.dumps(sns(b"") | {"Message": message}).encode())


def test_a_body_at_the_limit_is_read_and_one_byte_more_is_not_even_parsed():
    open_body(b"{}".ljust(MAX_BODY_BYTES))
    with pytest.raises(OversizedBodyError):
        open_body(b"x" * (MAX_BODY_BYTES + 1))


def test_a_rejection_inside_a_wrapper_has_the_hash_of_the_notification():
    data = body(any_offer_changed(seller_id=""))
    assert read(arrival(sns(data)), now=NOW).body_hash == sha256(data)
