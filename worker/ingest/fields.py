"""Readers for single fields: ids, words, times, amounts and counts.

Each reader takes whatever JSON held and returns the value, or None where the field is absent:
JSON null and blank text both count as absent. A value that cannot be what Amazon documents is a
`ValueError` whose text continues the sentence that starts with the field's path.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

from worker.errors import InvalidFieldError, MissingFieldError

MAX_TEXT_CHARACTERS = 128
"""Longest id or word we keep. Amazon's ids have at most about 60; these go into index keys."""

MAX_AMOUNT = Decimal(10) ** 12
MAX_DECIMALS = 8
"""Amounts outside these are not prices in any currency of the marketplaces."""

MAX_COUNT = 1_000_000_000

_IDENTIFIER = re.compile(r"[!-~]+")
_KEY_PART = re.compile(r"[!-9;-~]+")  # ':' separates the parts of a key, so it is not in one
_PRINTABLE = re.compile(r"[ -~]+")
_CURRENCY = re.compile(r"[A-Z]{3}")
_NUMBER = re.compile(r"[+-]?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{1,3})?")


def missing(
    path: str, remedy: str = "check what sends it, then send it complete"
) -> MissingFieldError:
    """The error for a field that must be there."""
    return MissingFieldError(f"{path} is missing; {remedy}.")


def invalid(path: str, reason: str) -> InvalidFieldError:
    """The error for a field whose value cannot be used."""
    return InvalidFieldError(f"{path} {reason}; correct it where it is sent, then send it again.")


def fold_keys(document: Mapping[str, Any]) -> dict[str, Any]:
    """The members that are not null, under lower-case keys; of two spellings the first counts.

    Amazon writes envelope keys in PascalCase for some types and camelCase for others.
    """
    folded: dict[str, Any] = {}
    for key, value in document.items():
        if value is not None:
            folded.setdefault(key.lower(), value)
    return folded


def _text(value: object) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise ValueError("must be text")  # noqa: TRY004  one error type for every reader
    return value.strip()


def _bounded(text: str, allowed: re.Pattern[str], rule: str) -> str | None:
    if not text:
        return None
    if len(text) > MAX_TEXT_CHARACTERS:
        raise ValueError(f"must have at most {MAX_TEXT_CHARACTERS} characters")
    if not allowed.fullmatch(text):
        raise ValueError(rule)
    return text


def identifier(value: object) -> str | None:
    """An id as sent, without blanks around it (Amazon's own guide shows one with a blank)."""
    return _bounded(_text(value), _IDENTIFIER, "must be printable ASCII without blanks")


def key_part(value: object) -> str | None:
    """A marketplace id or an ASIN. Its shape is not checked: Amazon's own examples break it."""
    rule = "must be printable ASCII without blanks and colons"
    return _bounded(_text(value), _KEY_PART, rule)


def condition(value: object) -> str | None:
    """An item condition such as `new`; one message of Amazon's may say both "new" and "New"."""
    return _bounded(_text(value).lower(), _PRINTABLE, "must be printable ASCII")


def sub_condition(value: object) -> str | None:
    """A sub-condition such as `very_good`, which is also written "Very Good"."""
    words = _text(value).lower().replace("_", " ").split()
    return _bounded("_".join(words), _PRINTABLE, "must be printable ASCII")


def word(value: object) -> str:
    """A value of an enumeration, only ever compared: lower case, empty where absent."""
    return _text(value).lower()


def flag(value: object) -> bool | None:
    """A boolean, or its name as text."""
    if value is None or isinstance(value, bool):
        return value
    named = {"true": True, "false": False, "": None}
    text = word(value) if isinstance(value, str) else "?"
    if text not in named:
        raise ValueError("must be true or false")
    return named[text]


def _number(value: object) -> Decimal | None:
    """A JSON number, or text that holds one, exactly as written."""
    if isinstance(value, str):
        text = value.strip()
        if not text:
            return None
        if len(text) > MAX_TEXT_CHARACTERS or not _NUMBER.fullmatch(text):
            raise ValueError("must be a number")
        return Decimal(text)
    if isinstance(value, int) and not isinstance(value, bool):
        return Decimal(value)
    if value is None or isinstance(value, Decimal):
        return value
    raise ValueError("must be a number")


def amount(value: object) -> Decimal | None:
    """An amount of money, exact. Amazon sends numbers; one known source sends text."""
    number = _number(value)
    if number is None:
        return None
    # Comparing is exact and cheap for any exponent; arithmetic on 1E+999999999 would not be.
    if not number.is_finite() or not -MAX_AMOUNT < number < MAX_AMOUNT:
        raise ValueError(f"must be less than {MAX_AMOUNT:,} either way")
    exponent = int(number.as_tuple().exponent)
    if exponent < -MAX_DECIMALS:
        raise ValueError(f"must have at most {MAX_DECIMALS} decimals")
    return number.quantize(Decimal(1)) if exponent > 0 else number


def count(value: object) -> int | None:
    """A number of things: whole, not negative."""
    number = _number(value)
    if number is None:
        return None
    if not 0 <= number <= MAX_COUNT or number != number.to_integral_value():
        raise ValueError(f"must be a whole number from 0 to {MAX_COUNT:,}")
    return int(number)


def currency(value: object) -> str | None:
    """An ISO 4217 code."""
    return _currency_code(_text(value))


@lru_cache(maxsize=256)
def _currency_code(text: str) -> str | None:
    # A message names its one currency some forty times.
    return _bounded(text.upper(), _CURRENCY, "must be three letters")


def utc_time(value: object) -> datetime | None:
    """An ISO 8601 time in UTC; one without a zone is taken as UTC."""
    text = _text(value)
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError("must be an ISO 8601 time") from None
