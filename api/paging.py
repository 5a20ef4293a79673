"""Where the next page of a list begins, as an opaque text. Pure.

It carries the cursor of the first page, so that a client that reads all pages and then follows the
stream from that cursor misses nothing.
"""

from __future__ import annotations

import base64
import json
import re
from decimal import Decimal
from typing import Literal, NamedTuple

from api.problems import ProblemError
from db.dashboard import Place

Listing = Literal["alerts", "states"]
"""The list that a page belongs to: a place in one list means nothing in another."""

_TEXT = re.compile(r"[^\0\ud800-\udfff]*")  # what Postgres takes as text, and an answer holds
_KEYS = {"alerts": re.compile(r"-?\d{1,18}", re.ASCII), "states": _TEXT}
_MOST_RANK = 99
_MOST_DIGITS = 1_000  # before and after the point; Postgres' numeric has room for more


class Page(NamedTuple):
    """A place in a list and the cursor of its first page."""

    cursor: str
    place: Place


def page_token(listing: Listing, page: Page) -> str:
    """The page as text for a URL."""
    rank, stake, key = page.place
    text = json.dumps([listing, page.cursor, rank, str(stake), key], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def read_page_token(listing: Listing, token: str | None) -> Page | None:
    """The page that our token for this list names. Raises ProblemError 422 for any other text."""
    if token is None:
        return None
    try:
        padded = token + "=" * (-len(token) % 4)
        of, cursor, rank, stake, key = json.loads(base64.b64decode(padded, b"-_", validate=True))
        place = Place(int(rank), Decimal(str(stake)), str(key))
    except (ValueError, TypeError, ArithmeticError, RecursionError):
        raise _unreadable() from None
    told = isinstance(cursor, str) and _TEXT.fullmatch(cursor)  # the next answer repeats it
    if of != listing or not told or not _is_in(listing, place):
        raise _unreadable()
    return Page(cursor, place)


def _is_in(listing: Listing, place: Place) -> bool:
    """Whether the database can look for the place: anybody may send a token made by hand."""
    exponent = place.stake.as_tuple().exponent
    return (
        0 <= place.rank <= _MOST_RANK
        and (exponent == "F" or (isinstance(exponent, int) and abs(exponent) <= _MOST_DIGITS))
        and _KEYS[listing].fullmatch(place.key) is not None
    )


def _unreadable() -> ProblemError:
    return ProblemError(422, "unreadable-page", "This `page` is not one that an answer named.")
