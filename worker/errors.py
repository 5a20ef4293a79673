"""The house's errors. The message of an error is its docstring unless one is given.

Two branches decide what happens next: a `RetryableError` is worth another try as it is; for a
`PermanentError` nothing but different data or different code will help. An `UnreadableFactsError`
belongs to neither: during a deploy the different code comes by itself.
"""

from __future__ import annotations

import inspect


class BuyboxError(Exception):
    """Something in buybox went wrong."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or inspect.getdoc(type(self)) or type(self).__name__)


class RetryableError(BuyboxError):
    """It failed this time; the same thing may succeed later."""


class PermanentError(BuyboxError):
    """It failed and will fail again until the data or the code changes."""


class WorkerDiedError(PermanentError):
    """Whenever this notification was analysed by itself, the worker died or hung."""


class UnreadableFactsError(BuyboxError):
    """What another version of buybox stored is in a form that this version cannot read."""


class StateMovedError(RetryableError):
    """Another transaction changed the state that this one had read; it must be read again."""


class UnreadableNotificationError(PermanentError):
    """A message that cannot be read as a notification. `kind` is the error type operators see."""

    kind = "unreadable"


class MalformedJsonError(UnreadableNotificationError):
    """The body is not one JSON object."""

    kind = "malformed-json"


class MissingFieldError(UnreadableNotificationError):
    """A field without which the notification cannot be filed is absent or empty."""

    kind = "missing-field"


class InvalidFieldError(UnreadableNotificationError):
    """A field is present, and its value cannot be what Amazon documents."""

    kind = "invalid-field"


class CurrencyMismatchError(UnreadableNotificationError):
    """The prices are in a currency that the marketplace does not use."""

    kind = "currency-mismatch"


class OversizedBodyError(UnreadableNotificationError):
    """The body is larger than the limit for one notification."""

    kind = "oversized-body"


class ImplausibleTimeError(UnreadableNotificationError):
    """The event claims to come from the future; accepted, it would pin the state until then."""

    kind = "implausible-time"
