"""Where the next page of a list begins, as an opaque text. Pure.

It carries the cursor of the first page, so that who reads all pages and then follows the stream
from there has missed nothing.
"""

from __future__ import annotations

import base64
import binascii
import json
from decimal import Decimal, InvalidOperation
from typing import NamedTuple

from api.problems import ProblemError
from db.dashboard import Place


class Page(NamedTuple):
    """A place in a list and the cursor of its first page."""

    cursor: str
    place: Place


def page_token(page: Page) -> str:
    """The page as text for a URL."""
    rank, stake, key = page.place
    text = json.dumps([page.cursor, rank, str(stake), key], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def read_page_token(token: str | None) -> Page | None:
    """The page in a text of ours. Raises ProblemError 422 for any other."""
    if token is None:
        return None
    try:
        padded = token + "=" * (-len(token) % 4)
        cursor, rank, stake, key = json.loads(base64.b64decode(padded, b"-_", validate=True))
        place = Place(int(rank), Decimal(str(stake)), str(key))
    except (ValueError, TypeError, InvalidOperation, binascii.Error, RecursionError):
        raise _unreadable() from None
    if not (isinstance(cursor, str) and "\0" not in place.key and 0 <= place.rank < 100):  # noqa: PLR2004
        raise _unreadable()
    return Page(cursor, place)


def _unreadable() -> ProblemError:
    return ProblemError(422, "unreadable-page", "This `page` is not one that an answer named.")
