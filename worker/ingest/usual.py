"""The usual message, read fast: ANY_OFFER_CHANGED as Amazon itself writes it.

Nearly all traffic is of this one shape. It is decoded in one pass, straight into typed values and
without what nothing keeps, some eight times faster than by the careful reader
(`worker.ingest.envelope` and `models`). Whatever is not quite as expected, be it another spelling
of a key, a number sent as text, a wrapper, or plain nonsense, is None here and goes to the careful
reader, which alone decides what is refused and why. So this one may only ever be picky, never
different: `tests/unit/test_usual_message.py` compares the two.

The attributes carry the names of those in `models`, so that the same rules make facts of both.
"""

from __future__ import annotations

import re
from decimal import Decimal
from functools import lru_cache

import msgspec
from msgspec import UNSET

from economics.marketplaces import all_marketplaces
from worker.ingest import fields
from worker.ingest.notification import MAX_BODY_BYTES

_Absent = msgspec.UnsetType
"""A key under which the careful reader looks as well: its presence, even as null, is unusual."""

_NAMES = {"asin": "ASIN"}


def _amazons_name(name: str) -> str:
    return _NAMES.get(name) or "".join(part.capitalize() for part in name.split("_"))


class _Part(msgspec.Struct, rename=_amazons_name, gc=False):
    pass


class Money(_Part):
    """An amount and its currency."""

    amount: Decimal | None = None
    currency_code: str | None = None


class Points(_Part):
    """Amazon points, Japan only."""

    points_number: int | None = None


class PrimeInformation(_Part):
    """Whether Prime customers get the offer as Prime."""

    is_prime: bool | None = msgspec.field(default=None, name="IsOfferPrime")
    is_national_prime: bool | None = msgspec.field(default=None, name="IsOfferNationalPrime")
    other_prime: _Absent = msgspec.field(default=UNSET, name="IsPrime")
    other_national: _Absent = msgspec.field(default=UNSET, name="IsNationalPrime")


class ShippingTime(_Part):
    """When an offer ships."""

    availability_type: str = ""


class OfferRow(_Part):
    """One of at most 20 offers."""

    seller_id: str
    listing_price: Money
    shipping: Money | None = None
    points: Points | None = None
    sub_condition: str | None = None
    shipping_time: ShippingTime | None = None
    is_fulfilled_by_amazon: bool | None = None
    is_buy_box_winner: bool | None = None
    prime_information: PrimeInformation | None = None
    landed_price: Money | None = None


class SummaryPrice(_Part):
    """A row of LowestPrices or BuyBoxPrices."""

    condition: str
    channel: str = msgspec.field(default="", name="FulfillmentChannel")
    landed_price: Money | None = None
    listing_price: Money | None = None
    shipping: Money | None = None
    points: Points | None = None
    other_channel: _Absent = msgspec.field(default=UNSET, name="FulfillmentType")
    offer_type: str = ""
    quantity_tier: int | None = None


class OfferCount(_Part):
    """A row of NumberOfOffers."""

    condition: str
    offer_count: int


class Summary(_Part):
    """The Summary, which covers every condition of the product."""

    number_of_offers: list[OfferCount] | None = None
    lowest_prices: list[SummaryPrice] | None = None
    buy_box_prices: list[SummaryPrice] | None = None
    list_price: Money | None = None
    minimum_advertised_price: Money | None = None
    suggested_lower_price_plus_shipping: Money | None = None
    competitive_price_threshold: Money | None = None


class Trigger(_Part):
    """What changed."""

    marketplace_id: str
    asin: str
    item_condition: str
    other_asin: _Absent = msgspec.field(default=UNSET, name="Asin")


class OfferChange(_Part):
    """The notification itself; `older_layout` is the mark of the older hand-made one."""

    seller_id: str
    offer_change_trigger: Trigger
    summary: Summary | None = None
    offers: list[OfferRow] | None = None
    older_layout: _Absent = msgspec.field(default=UNSET, name="OfferChangeSummary")


class _Payload(_Part, forbid_unknown_fields=True):
    any_offer_changed_notification: OfferChange


class Metadata(_Part):
    """What Amazon says of the notification."""

    notification_id: str
    subscription_id: str
    publish_time: str


class UsualMessage(_Part, forbid_unknown_fields=True):
    """An ANY_OFFER_CHANGED in nobody's wrapper."""

    notification_type: str
    event_time: str
    notification_metadata: Metadata
    payload: _Payload
    notification_version: str | None = None
    payload_version: str | None = None

    @property
    def change(self) -> OfferChange:
        """What changed."""
        return self.payload.any_offer_changed_notification


_OTHER_SPELLING = re.compile(rb'"(?:[a-z\\][\w\\]*"\s*:|Amount"\s*:\s*")')
"""A key that does not begin with a capital letter, or an amount that is sent as text."""

_DECODER = msgspec.json.Decoder(UsualMessage)

_WHOLE, _TENTHS, _HUNDREDTHS = Decimal(1), Decimal("0.1"), Decimal("0.01")
_NOTHING, _TOO_MUCH = Decimal(0), Decimal(10) ** 9
_CURRENCIES = frozenset(one.currency for one in all_marketplaces().values())

_condition = lru_cache(maxsize=256)(fields.condition)
_sub_condition = lru_cache(maxsize=256)(fields.sub_condition)
_word = lru_cache(maxsize=256)(fields.word)


class _UnusualError(ValueError):
    """For the careful reader."""


def read_usual(body: bytes) -> UsualMessage | None:
    """The message, its ids and words in the form the careful reader gives them; else None."""
    if len(body) > MAX_BODY_BYTES or _OTHER_SPELLING.search(body):
        return None
    try:
        message = _DECODER.decode(body.decode())
        if message.notification_type != "ANY_OFFER_CHANGED" or not message.event_time.strip():
            return None
        _tidy(message.change)
    except (ValueError, ArithmeticError, RecursionError):  # msgspec's errors are ValueErrors
        return None
    return message


def _tidy(change: OfferChange) -> None:
    """Bring words into their one form. Raises ValueError for what is not usual."""
    trigger = change.offer_change_trigger
    trigger.item_condition = _condition(trigger.item_condition) or _unusual()
    for name in (trigger.marketplace_id, trigger.asin, change.seller_id):
        _check_id(name)
    for offer in change.offers or ():
        _check_id(offer.seller_id)
        if offer.sub_condition is not None:
            offer.sub_condition = _sub_condition(offer.sub_condition)
        if offer.shipping_time is not None:
            offer.shipping_time.availability_type = _word(offer.shipping_time.availability_type)
        _check_points(offer.points)
        _check(offer.listing_price)
        _check(offer.shipping)
    if change.summary is not None:
        _tidy_summary(change.summary)


def _tidy_summary(summary: Summary) -> None:
    for count in summary.number_of_offers or ():
        count.condition = _word(count.condition)
        if not 0 <= count.offer_count <= fields.MAX_COUNT:
            raise _UnusualError
    for rows in (summary.lowest_prices, summary.buy_box_prices):
        for row in rows or ():
            if row.offer_type or row.quantity_tier is not None:
                raise _UnusualError
            row.condition, row.channel = _word(row.condition), _word(row.channel)
            _check_points(row.points)
            _check(row.landed_price)
            _check(row.listing_price)
            _check(row.shipping)
    _check(summary.list_price)
    _check(summary.minimum_advertised_price)
    _check(summary.suggested_lower_price_plus_shipping)
    _check(summary.competitive_price_threshold)


def _check_id(text: str) -> None:
    if not (text.isalnum() and text.isascii() and len(text) <= fields.MAX_TEXT_CHARACTERS):
        raise _UnusualError


def _check_points(points: Points | None) -> None:
    if points is not None and not 0 <= (points.points_number or 0) <= fields.MAX_COUNT:
        raise _UnusualError


def _check(money: Money | None) -> None:
    """An everyday amount: at most two decimals, not negative, in a currency that we know."""
    if money is None:
        return
    amount = money.amount
    if (
        amount is None
        or not _NOTHING <= amount < _TOO_MUCH
        or not (
            amount.same_quantum(_HUNDREDTHS)
            or amount.same_quantum(_TENTHS)
            or amount.same_quantum(_WHOLE)
        )
        or money.currency_code not in _CURRENCIES
    ):
        raise _UnusualError


def _unusual() -> str:
    raise _UnusualError
