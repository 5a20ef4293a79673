"""Take a notification out of its transport wrappers.

Amazon puts the notification itself into the queue. An SNS topic or an EventBridge bus that the
account's owner has set up in between wraps it once more; the chain bus -> topic -> queue wraps it
twice. Keys of wrappers and notification are read in any case, because Amazon's differ by type.
"""

from __future__ import annotations

import hashlib
import json
from decimal import Decimal
from typing import Any, Literal, NoReturn

import msgspec

from worker.errors import MalformedJsonError, OversizedBodyError
from worker.ingest.fields import fold_keys, invalid
from worker.ingest.notification import MAX_BODY_BYTES

MAX_WRAPPERS = 2
"""EventBridge inside SNS is the longest chain that occurs."""

Envelope = Literal["direct", "sns", "eventbridge"]


class OpenedBody(msgspec.Struct, frozen=True):
    """A notification as JSON, out of its wrappers.

    `fields` are its members under lower-case keys. `body_hash` is the sha256 of the notification
    alone, so that it is the same however often a wrapper is renewed: of the body's bytes (direct),
    of the Message text (SNS), of the canonical JSON of `detail` (EventBridge, which promises no
    text). `envelope` is the outermost wrapper. `sns_timestamp` is as sent.
    """

    fields: dict[str, Any]
    body_hash: bytes
    envelope: Envelope
    sns_timestamp: object = None


def open_body(body: bytes) -> OpenedBody:
    """The notification in a message's body. Raises an `UnreadableNotificationError`."""
    if len(body) > MAX_BODY_BYTES:
        raise OversizedBodyError(
            f"The body has {len(body)} bytes, the limit is {MAX_BODY_BYTES}; "
            "check what else writes to the queue."
        )
    fields = fold_keys(_parse_object(_decode(body), "The body"))
    body_hash = sha256(body)
    envelope: Envelope = "direct"
    timestamp: object = None
    for _ in range(MAX_WRAPPERS):
        if _is_sns(fields):
            timestamp = fields.get("timestamp")
            message = _encode(fields["message"], "Message")
            body_hash = sha256(message)
            fields = fold_keys(_parse_object(message.decode(), "The SNS Message"))
            wrapper: Envelope = "sns"
        elif _is_eventbridge(fields):
            body_hash = sha256(_canonical(fields["detail"]))
            fields = fold_keys(fields["detail"])
            wrapper = "eventbridge"
        else:
            break
        envelope = wrapper if envelope == "direct" else envelope
    return OpenedBody(fields, body_hash, envelope, timestamp)


def sha256(data: bytes) -> bytes:
    """The sha256 of the bytes, 32 bytes long."""
    return hashlib.sha256(data).digest()


def _is_sns(fields: dict[str, Any]) -> bool:
    signed = "topicarn" in fields or fields.get("type") == "Notification"
    return signed and "message" in fields and "notificationtype" not in fields


def _is_eventbridge(fields: dict[str, Any]) -> bool:
    named = "source" in fields and "detail-type" in fields
    return named and isinstance(fields.get("detail"), dict) and "notificationtype" not in fields


def _decode(body: bytes) -> str:
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise MalformedJsonError(
            f"The body is not UTF-8 (byte {error.start}); check what writes to the queue."
        ) from None


def _encode(value: object, path: str) -> bytes:
    if not isinstance(value, str):
        raise invalid(path, "must be text")
    try:
        return value.encode()
    except UnicodeEncodeError:
        raise invalid(path, "holds half a character (a lone surrogate)") from None


def _parse_object(text: str, what: str) -> dict[str, Any]:
    """Parse once and exactly: numbers with a point become Decimal, never float."""
    try:
        parsed = json.loads(text, parse_float=Decimal, parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise MalformedJsonError(
            f"{what} is not JSON ({where}); check what writes to the queue."
        ) from None
    except (ValueError, ArithmeticError):  # NaN, Infinity, an absurd number of digits
        raise MalformedJsonError(
            f"{what} holds a number that cannot be read; check what writes to the queue."
        ) from None
    except RecursionError:
        raise MalformedJsonError(
            f"{what} is nested too deeply; check what writes to the queue."
        ) from None
    if not isinstance(parsed, dict):
        raise MalformedJsonError(f"{what} is not a JSON object; check what writes to the queue.")
    return parsed


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _canonical(detail: dict[str, Any]) -> bytes:
    try:
        return json.dumps(detail, sort_keys=True, separators=(",", ":"), default=str).encode()
    except RecursionError:
        raise MalformedJsonError(
            "The EventBridge detail is nested too deeply; check what writes to the queue."
        ) from None
