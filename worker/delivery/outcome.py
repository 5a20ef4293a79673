"""How a delivery ended, and whether it is tried again. Pure; docs/decisions/0016.

Delivery is at least once. Only a receiver's yes ends it well; where it is not known whether the
receiver took a message, it is sent again under the same identity, so that the receiver can tell.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Literal

ErrorClass = Literal["transient", "rate-limited", "auth", "refused", "cut-off", "unreadable"]
"""`cut-off`: the receiver may have it. `unreadable`: this worker can't use the route as it is set
up (SECRET_KEY, SMTP_URL); another worker may, or this one after a deploy, so it is tried again.
"""

FOR_THE_OPERATOR: frozenset[ErrorClass] = frozenset({"auth", "refused", "unreadable"})
"""Somebody must mend something."""

_WAITS: frozenset[ErrorClass] = frozenset({"rate-limited"})
"""A receiver that is asked too much says when to come back: a wait, not a failed attempt."""

_FOR_GOOD: frozenset[ErrorClass] = frozenset({"auth", "refused"})
"""Trying again would not help, and a password tried again and again locks an account."""

FIRST_WAIT = timedelta(seconds=10)
LONGEST_WAIT = timedelta(minutes=15)
ASKED_AT_LEAST = timedelta(seconds=1)
ASKED_AT_MOST = timedelta(hours=1)
ASKED_BY_DEFAULT = timedelta(minutes=1)
"""A receiver that is asked too much and does not say when to come back."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """The receiver took it. `said` is its answer in short, `message_id` how it can find it.

    `trouble` is what the operator should mend in spite of that, such as one address of several.
    """

    said: str
    message_id: str | None = None
    trouble: str | None = None


@dataclass(frozen=True, slots=True)
class Failure:
    """The receiver did not say yes. `text` holds no secrets; `retry_after` is what it asked for."""

    error_class: ErrorClass
    text: str
    retry_after: timedelta | None = None

    @property
    def counts(self) -> bool:
        """Whether it counts as one of the `max_attempts` that may fail."""
        return self.error_class not in _WAITS


Outcome = Accepted | Failure


@dataclass(frozen=True, slots=True)
class Patience:
    """How often a delivery may fail and how long it is tried, counted from when it was due."""

    max_attempts: int = 8
    max_age: timedelta = timedelta(hours=12)


@dataclass(frozen=True, slots=True)
class Again:
    """It is tried again at `at`. `trouble` is what the operator must mend, if anything."""

    at: datetime
    why: str
    trouble: str | None = None


@dataclass(frozen=True, slots=True)
class GivenUp:
    """It is not tried again. `trouble` is what the operator must mend, if anything."""

    why: str
    trouble: str | None = None


def after_failure(
    failure: Failure,
    *,
    failures: int,
    due_at: datetime,
    now: datetime,
    patience: Patience,
    jitter: random.Random,
) -> Again | GivenUp:
    """What follows from this failure; `failures` are those before it that count."""
    trouble = None
    if failure.error_class in FOR_THE_OPERATOR:
        trouble = f"{now:%Y-%m-%d %H:%M} UTC, {failure.error_class}: {failure.text}"
    if failure.error_class in _FOR_GOOD:
        return GivenUp(f"{failure.error_class}: trying again would not help", trouble)
    if not failure.counts:
        asked = ASKED_BY_DEFAULT if failure.retry_after is None else failure.retry_after
        wait = min(max(asked, ASKED_AT_LEAST), ASKED_AT_MOST)
        at = now + wait + timedelta(seconds=jitter.random())
        why = f"{failure.error_class}: again after {wait.total_seconds():.0f} s"
    else:
        failed = failures + 1
        if failed >= patience.max_attempts:
            return GivenUp(f"given up after {failed} failed attempts", trouble)
        at = now + backoff(failed, jitter)
        why = f"{failure.error_class}: attempt {failed} of {patience.max_attempts} failed"
    if at > due_at + patience.max_age:
        return GivenUp(f"given up: older than {patience.max_age} before the next attempt", trouble)
    return Again(at, why, trouble)


def backoff(failures: int, jitter: random.Random) -> timedelta:
    """The wait after so many failed attempts: doubled each time, half of it random."""
    doublings: int = 2 ** min(failures - 1, 20)
    longest = min(FIRST_WAIT * doublings, LONGEST_WAIT)
    return longest * (0.5 + jitter.random() / 2)


def http_failure(status: int, retry_after: str | None, now: datetime) -> Failure:
    """The failure that an HTTP answer other than a success stands for."""
    asked = parse_retry_after(retry_after, now)
    text = f"HTTP {status}{f' {_phrase(status)}' if _phrase(status) else ''}"
    match status:
        case 401 | 403 | 407:
            return Failure("auth", text)
        case 429:
            return Failure("rate-limited", text, asked)
        case 503 if asked is not None:
            return Failure("rate-limited", text, asked)
        case 408 | 425:
            return Failure("transient", text)
        case _ if status < HTTPStatus.INTERNAL_SERVER_ERROR:
            return Failure("refused", text)
        case _:
            return Failure("transient", text)


def parse_retry_after(value: str | None, now: datetime) -> timedelta | None:
    """The Retry-After header, seconds or an HTTP date; None if it is absent or neither."""
    if value is None:
        return None
    text = value.strip()
    if text.isascii() and text.isdigit():
        # A number too large for a timedelta is as good as the most that we wait.
        return timedelta(seconds=int(text[:9]))
    try:
        at = parsedate_to_datetime(text)
    except (ValueError, OverflowError):  # a year or a zone that no clock has
        return None
    return max((at if at.tzinfo else at.replace(tzinfo=UTC)) - now, timedelta(0))


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""
