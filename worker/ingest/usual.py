"""The usual message, read fast: ANY_OFFER_CHANGED as Amazon itself writes it.

Nearly all traffic is of this one shape. It is decoded in one pass, straight into typed values and
without what nothing keeps, some eight times faster than by the careful reader
(`worker.ingest.envelope` and `models`). Whatever is not quite as expected, be it another spelling
of a key, a number sent as text, a wrapper, or plain nonsense, is None here and goes to the careful
reader, which alone decides what is refused and why. So this one may only ever be picky, never
different: `tests/unit/test_usual_message.py` compares the two.

Two things it cannot see where nothing is kept: a number with more digits or a larger exponent than
Python reads, and nesting at the very limit of what can be read. Such a message is taken here and
refused there; to look for them would cost a fifth of the time that reading takes.

The attributes carry the names of those in `models`, so that the same rules make facts of both.
"""

from __future__ import annotations

import re
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Annotated, Any, Generic, Literal, TypeVar, cast

import msgspec
from msgspec import UNSET, Meta

from economics.marketplaces import all_marketplaces
from worker.ingest import fields
from worker.ingest.notification import MAX_BODY_BYTES

_Absent = msgspec.UnsetType
"""A key under which the careful reader looks as well: its presence, even as null, is unusual."""

Identifier = Annotated[str, Meta(min_length=1, max_length=fields.MAX_TEXT_CHARACTERS)]
Count = Annotated[int, Meta(ge=0, le=fields.MAX_COUNT)]
if TYPE_CHECKING:
    Currency = str
else:
    Currency = Literal[tuple(sorted({one.currency for one in all_marketplaces().values()}))]

_NAMES = {"asin": "ASIN"}


def _amazons_name(name: str) -> str:
    return _NAMES.get(name) or "".join(part.capitalize() for part in name.split("_"))


class _Part(msgspec.Struct, rename=_amazons_name, gc=False):
    pass


PartT = TypeVar("PartT", bound=_Part)


def _in_capitals_only(part: type[PartT]) -> type[PartT]:
    """The part, for which every key's spelling with a small initial is unusual."""
    small_initials = [
        (
            f"small_{field.name}",
            _Absent,
            msgspec.field(default=UNSET, name=field.encode_name[0].lower() + field.encode_name[1:]),
        )
        for field in msgspec.structs.fields(part)
    ]
    name = part.__name__
    picky: Any = msgspec.defstruct(
        name, small_initials, bases=(part,), module=__name__, kw_only=True, gc=False
    )
    return cast("type[PartT]", picky)


@_in_capitals_only
class Money(_Part):
    """An amount and its currency."""

    amount: Decimal
    currency_code: Currency


@_in_capitals_only
class Points(_Part):
    """Amazon points, Japan only."""

    points_number: Count | None = None


@_in_capitals_only
class PrimeInformation(_Part):
    """Whether Prime customers get the offer as Prime."""

    is_prime: bool | None = msgspec.field(default=None, name="IsOfferPrime")
    is_national_prime: bool | None = msgspec.field(default=None, name="IsOfferNationalPrime")
    other_prime: _Absent = msgspec.field(default=UNSET, name="IsPrime")
    other_national: _Absent = msgspec.field(default=UNSET, name="IsNationalPrime")


@_in_capitals_only
class ShippingTime(_Part):
    """When an offer ships."""

    availability_type: str = ""


@_in_capitals_only
class OfferRow(_Part, kw_only=True):
    """One of at most 20 offers, in Amazon's order, in which the decoder looks for the keys."""

    is_buy_box_winner: bool | None = None
    is_fulfilled_by_amazon: bool | None = None
    listing_price: Money
    prime_information: PrimeInformation | None = None
    seller_id: Identifier
    shipping: Money | None = None
    shipping_time: ShippingTime | None = None
    sub_condition: str | None = None
    points: Points | None = None
    landed_price: None = None


@_in_capitals_only
class SummaryPrice(_Part):
    """A row of LowestPrices or BuyBoxPrices."""

    condition: str
    channel: str = msgspec.field(default="", name="FulfillmentChannel")
    landed_price: Money | None = None
    listing_price: Money | None = None
    shipping: Money | None = None
    points: Points | None = None
    other_channel: _Absent = msgspec.field(default=UNSET, name="FulfillmentType")
    offer_type: Literal[""] = ""
    quantity_tier: None = None


@_in_capitals_only
class OfferCount(_Part):
    """A row of NumberOfOffers."""

    condition: str
    offer_count: Count


@_in_capitals_only
class Summary(_Part):
    """The Summary, which covers every condition of the product."""

    number_of_offers: list[OfferCount] | None = None
    lowest_prices: list[SummaryPrice] | None = None
    buy_box_prices: list[SummaryPrice] | None = None
    list_price: Money | None = None
    minimum_advertised_price: Money | None = None
    suggested_lower_price_plus_shipping: Money | None = None
    competitive_price_threshold: Money | None = None
    other_reference: _Absent = msgspec.field(default=UNSET, name="ReferencePrice")


@_in_capitals_only
class Trigger(_Part):
    """What changed."""

    marketplace_id: Identifier
    asin: Identifier
    item_condition: str
    other_asin: _Absent = msgspec.field(default=UNSET, name="Asin")


@_in_capitals_only
class OfferChange(_Part):
    """The notification itself."""

    seller_id: Identifier
    offer_change_trigger: Trigger
    summary: Summary | None = None
    offers: list[OfferRow] | None = None


class _KnownChange(OfferChange, forbid_unknown_fields=True):
    """One without a key that Amazon has added, or that marks the older hand-made layout."""


ChangeT_co = TypeVar("ChangeT_co", bound=OfferChange, covariant=True)


class _Payload(_Part, Generic[ChangeT_co], forbid_unknown_fields=True):
    any_offer_changed_notification: ChangeT_co


class UsualMessage(_Part, Generic[ChangeT_co], forbid_unknown_fields=True):
    """An ANY_OFFER_CHANGED in nobody's wrapper."""

    notification_type: str
    event_time: str
    notification_metadata: dict[str, Any]
    payload: _Payload[ChangeT_co]
    notification_version: str | None = None
    payload_version: str | None = None

    @property
    def change(self) -> ChangeT_co:
        """What changed."""
        return self.payload.any_offer_changed_notification


_ODD_AMOUNT = re.compile(rb'"Amount"\s*+:(?!\s*+[0-9]{1,9}(?:\.[0-9]{1,2})?[\s,}])')
"""Any but the everyday one: a number without sign, exponent and more than two decimals."""

_ESCAPE_IN_KEY = re.compile(rb'\\[^"\\]*+"\s*+:')
"""A key with an escape in it. What is searched for as bytes must have one spelling only.

It looks for the last escape of a key: begun at each of many, it would read the rest each time."""

_OLDER_LAYOUT = "offerchangesummary"
"""The mark of the older hand-made layout, which the careful reader finds in any spelling."""

_DECODER = msgspec.json.Decoder(UsualMessage[_KnownChange])
_DECODER_OF_MORE = msgspec.json.Decoder(UsualMessage[OfferChange])

_condition = lru_cache(maxsize=256)(fields.condition)
_sub_condition = lru_cache(maxsize=256)(fields.sub_condition)
_word = lru_cache(maxsize=256)(fields.word)


class _UnusualError(ValueError):
    """For the careful reader."""


def read_usual(body: bytes) -> UsualMessage[OfferChange] | None:
    """The message, its ids and words in the form the careful reader gives them; else None."""
    if len(body) > MAX_BODY_BYTES or _looks_odd(body):
        return None
    try:
        message = _decode(body)
        if message.notification_type != "ANY_OFFER_CHANGED" or not message.event_time.strip():
            return None
        _tidy(message.change)
    except (ValueError, ArithmeticError, RecursionError):  # msgspec's errors are ValueErrors
        return None
    return message


def _looks_odd(body: bytes) -> bool:
    """Whether there is anything in the text that the decoded values no longer tell."""
    if b"\\" in body and _ESCAPE_IN_KEY.search(body):
        return True
    return _ODD_AMOUNT.search(body) is not None


def _decode(body: bytes) -> UsualMessage[OfferChange]:
    """Only where there is a key that we do not know is it worth asking which one it is."""
    text = body.decode()
    try:
        return _DECODER.decode(text)
    except msgspec.ValidationError:
        if _OLDER_LAYOUT in text.lower():
            raise
        return _DECODER_OF_MORE.decode(text)


def _tidy(change: OfferChange) -> None:
    """Bring words into their one form. Raises ValueError for what is not usual."""
    trigger, offers, summary = change.offer_change_trigger, change.offers or (), change.summary
    trigger.item_condition = _condition(trigger.item_condition) or _unusual()
    ids = [trigger.marketplace_id, trigger.asin, change.seller_id]
    for offer in offers:
        ids.append(offer.seller_id)
        if offer.sub_condition is not None:
            offer.sub_condition = _sub_condition(offer.sub_condition)
        if offer.shipping_time is not None:
            offer.shipping_time.availability_type = _word(offer.shipping_time.availability_type)
    letters_and_digits = "".join(ids)
    if not (letters_and_digits.isalnum() and letters_and_digits.isascii()):
        raise _UnusualError
    if summary is None:
        return
    for count in summary.number_of_offers or ():
        count.condition = _word(count.condition)
    for rows in (summary.lowest_prices, summary.buy_box_prices):
        for row in rows or ():
            row.condition, row.channel = _word(row.condition), _word(row.channel)


def _unusual() -> str:
    raise _UnusualError
