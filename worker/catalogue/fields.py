"""The kinds of values in our files, as pydantic types. An error's type is the reason it counts as.

Every value comes in as text without blanks around it, or None where the cell was empty. Money gets
the decimals of the marketplace's currency, so `marketplace_id` must come before it in the model.
"""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from typing import Annotated, LiteralString

from pydantic import BeforeValidator, ValidationInfo
from pydantic_core import PydanticCustomError

from economics.marketplaces import all_marketplaces, find_marketplace

MAX_DIGITS = 30
TICKS = tuple(Decimal(1).scaleb(-decimals) for decimals in range(4))
MAX_AMOUNT = Decimal(10) ** 10
MAX_DAILY_SALES = 1_000_000
MAX_WEIGHT_G = 2_000_000_000
MAX_TAGS = 50
MAX_IDENTIFIER = 64
MAX_NAME = 100
MAX_SENTENCE = 500
CONDITIONS = ("new", "used", "collectible", "refurbished", "club")
CHANNELS = ("amazon", "merchant")
TAG_SEPARATOR = "|"

_NUMBER = re.compile(r"[0-9]+(?:\.[0-9]+)?")
_LOOKS_COMMA = re.compile(r"-?[0-9]+(?:[.,][0-9]{3})*,[0-9]+")
_ASIN = re.compile(r"[A-Z0-9]{10}")
_SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_IDENTIFIER = re.compile(r"[\x21-\x7e]+")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def refuse(reason: LiteralString, problem: str) -> PydanticCustomError:
    """The error of a value: its reason is counted, its problem is told."""
    return PydanticCustomError(reason, "{problem}", {"problem": problem})


def required(value: str | None) -> str:
    """A value that must be there."""
    if value is None:
        raise refuse("missing-value", "must not be empty")
    return value


def number(value: str) -> Decimal:
    """Digits with at most one decimal point: no sign, exponent, thousands separator or NaN."""
    if len(value) > MAX_DIGITS:
        raise refuse("too-many-digits", f"at most {MAX_DIGITS} characters")
    if _NUMBER.fullmatch(value):
        return Decimal(value)
    if _LOOKS_COMMA.fullmatch(value):
        raise refuse("decimal-comma", "numbers are written with a decimal point and nothing else")
    if value.startswith(("-", "\u2212")) and _NUMBER.fullmatch(value[1:]):
        raise refuse("negative", "must not be negative")
    raise refuse("not-a-number", "not a number such as 12.50")


def typed_number(text: str) -> Decimal | None:
    """The number that somebody typed, written as in the files; None if it is none."""
    try:
        return number(text.strip())
    except ValueError:
        return None


def _money(value: str | None, info: ValidationInfo) -> Decimal | None:
    if value is None:
        return None
    amount = number(value)
    if amount >= MAX_AMOUNT:
        raise refuse("too-large", f"must be less than {MAX_AMOUNT:,}")
    # An unknown marketplace is refused by its own field; here its amounts have two decimals.
    marketplace = find_marketplace(info.data.get("marketplace_id", ""))
    exact = amount.quantize(TICKS[marketplace.minor_units] if marketplace else TICKS[2])
    if exact != amount:
        raise refuse("too-many-decimals", "more decimals than its currency has")
    return exact


def _price(value: str | None, info: ValidationInfo) -> Decimal | None:
    amount = _money(value, info)
    if amount == 0:
        raise refuse("zero-price", "a price is more than 0; leave it empty for none")
    return amount


def _rate(value: str | None) -> Decimal | None:
    if value is None:
        return None
    rate = number(value)
    if rate >= 1:
        raise refuse("rate-out-of-range", "a rate is a fraction below 1: 0.20 is 20 %")
    return rate


def _quantity(value: str | None) -> Decimal | None:
    if value is None:
        return None
    quantity = number(value)
    if quantity > MAX_DAILY_SALES:
        raise refuse("too-large", f"must be at most {MAX_DAILY_SALES:,}")
    return quantity


def _weight(value: str | None) -> int | None:
    if value is None:
        return None
    weight = number(value)
    if weight != weight.to_integral_value():
        raise refuse("too-many-decimals", "grams are whole numbers")
    if not 0 < weight <= MAX_WEIGHT_G:
        raise refuse("too-large" if weight else "zero-weight", "must be 1 gram or more, in range")
    return int(weight)


def _marketplace(value: str | None) -> str:
    given = required(value)
    if given not in all_marketplaces():
        raise refuse("unknown-marketplace", "no marketplace of Amazon has this id")
    return given


def _currency(value: str | None, info: ValidationInfo) -> str:
    given = required(value).upper()
    marketplace = find_marketplace(info.data.get("marketplace_id", ""))
    if marketplace and given != marketplace.currency:
        raise refuse("wrong-currency", f"{marketplace.code} trades in {marketplace.currency}")
    return given


def _asin(value: str | None) -> str:
    given = required(value)
    if not _ASIN.fullmatch(given):
        raise refuse("bad-asin", "an ASIN is 10 capital letters and digits")
    return given


def _identifier(value: str | None) -> str | None:
    if value is not None and not (len(value) <= MAX_IDENTIFIER and _IDENTIFIER.fullmatch(value)):
        raise refuse("bad-identifier", "printable ASCII without blanks, 64 at most")
    return value


def _condition(value: str | None) -> str:
    given = required(value).lower()
    if given not in CONDITIONS:
        raise refuse("unknown-condition", f"one of {', '.join(CONDITIONS)}")
    return given


def _channel(value: str | None) -> str | None:
    if value is not None and value.lower() not in CHANNELS:
        raise refuse("unknown-channel", f"one of {', '.join(CHANNELS)}")
    return None if value is None else value.lower()


def _slug(value: str | None) -> str | None:
    if value is not None and len(value) > MAX_NAME:
        raise refuse("too-long", f"at most {MAX_NAME} characters")
    if value is not None and not _SLUG.fullmatch(value):
        raise refuse("bad-name", "small letters and digits with single hyphens: home-products")
    return value


def _short(limit: int) -> BeforeValidator:
    def check(value: str | None) -> str | None:
        if value is not None and len(value) > limit:
            raise refuse("too-long", f"at most {limit} characters")
        return value

    return BeforeValidator(check)


def _date(value: str | None) -> date | None:
    if value is None:
        return None
    try:
        # fromisoformat alone would take 20260201 and weeks as well
        return date.fromisoformat(value if _DATE.fullmatch(value) else "")
    except ValueError:
        raise refuse("bad-date", "a date is written 2026-02-01") from None


def _tags(value: str | None) -> list[str]:
    tags = [tag.strip() for tag in (value or "").split(TAG_SEPARATOR)] if value else []
    if len(tags) > MAX_TAGS:
        raise refuse("too-many-tags", f"at most {MAX_TAGS} tags")
    if any(not tag or len(tag) > MAX_NAME for tag in tags):
        raise refuse("bad-tag", "tags have 1 to 100 characters, with | between them")
    return tags


Required = BeforeValidator(required)
MarketplaceId = Annotated[str, BeforeValidator(_marketplace)]
Currency = Annotated[str, BeforeValidator(_currency)]
Asin = Annotated[str, BeforeValidator(_asin)]
OptionalIdentifier = Annotated[str | None, BeforeValidator(_identifier)]
Identifier = Annotated[str, BeforeValidator(_identifier), Required]
Condition = Annotated[str, BeforeValidator(_condition)]
OptionalChannel = Annotated[str | None, BeforeValidator(_channel)]
Channel = Annotated[str, BeforeValidator(_channel), Required]
OptionalSlug = Annotated[str | None, BeforeValidator(_slug)]
Slug = Annotated[str, BeforeValidator(_slug), Required]
Money = Annotated[Decimal | None, BeforeValidator(_money)]
Price = Annotated[Decimal | None, BeforeValidator(_price)]
Rate = Annotated[Decimal | None, BeforeValidator(_rate)]
Quantity = Annotated[Decimal | None, BeforeValidator(_quantity)]
Weight = Annotated[int | None, BeforeValidator(_weight)]
Tags = Annotated[list[str], BeforeValidator(_tags)]
OptionalDate = Annotated[date | None, BeforeValidator(_date)]
Date = Annotated[date, BeforeValidator(_date), Required]
Title = Annotated[str | None, _short(MAX_SENTENCE)]
Sku = Annotated[str | None, _short(MAX_NAME)]
OptionalSentence = Annotated[str | None, _short(MAX_SENTENCE)]
Sentence = Annotated[str, _short(MAX_SENTENCE), Required]
