"""The values at the door: what arrived, and what became of it.

Structs, not dataclasses: each message makes one of each, and a frozen dataclass with that many
fields takes several times as long.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import msgspec

from economics.facts import Audience, HealthFacts, MarketFacts

MAX_BODY_BYTES = 1_048_576
"""SQS's own limit for one message; a larger body can only come from a file."""


class Arrival(msgspec.Struct, frozen=True, gc=False):
    """One message as it arrived, before anybody has read it.

    `message_id` is the SQS MessageId, None for a file. `sent_at` is SQS's SentTimestamp (UTC) or
    None. `source` names the way in: `sqs`, `sqs-high`, `sqs-low`, `replay`, `redrive`.
    """

    body: bytes
    message_id: str | None = None
    source: str = "sqs"
    sent_at: datetime | None = None
    receive_count: int = 1


class Notification(msgspec.Struct, frozen=True, gc=False):
    """A notification that could be read; becomes one row of `worker_notifications`.

    `source_key` is the scope in which Amazon's `notification_id` is unique: the subscription, else
    the seller, else empty. `event_key` breaks ties between events of the same time: the
    NotificationId, else the body's hash in hexadecimal. All times are UTC. `facts` is set exactly
    when `status` is `waiting`; an `ignored` notification is kept and makes no job.
    """

    notification_type: str
    status: Literal["waiting", "ignored"]
    body_hash: bytes
    envelope: Literal["direct", "sns", "eventbridge"]
    event_key: str
    source_key: str = ""
    notification_id: str | None = None
    seller_id: str | None = None
    marketplace_id: str | None = None
    asin: str | None = None
    item_condition: str | None = None
    audience: Audience = "consumer"
    event_time: datetime | None = None
    publish_time: datetime | None = None
    facts: MarketFacts | HealthFacts | None = None


class Rejection(msgspec.Struct, frozen=True, gc=False):
    """A message that could not be read; becomes one row of `worker_failures`, body and all."""

    body_hash: bytes
    error_type: str
    error_message: str
