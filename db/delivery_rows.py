"""Rows of messages, routes and deliveries as values: no driver, so that pure rules may use them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, time
from decimal import Decimal
from typing import Any, NamedTuple


class DueMessage(NamedTuple):
    """A row of `alert_queues` that is due, with the tags of its product.

    `severity` is None, `success` or `info` for all clear.
    """

    id: int
    reach: str
    alert_id: int
    marketplace_id: str
    asin: str
    severity: str | None
    tell: str
    escalation: int
    scheduled_at: datetime
    tags: list[str]


class Interruption(NamedTuple):
    """A message that interrupted people a short while ago."""

    alert_id: int
    marketplace_id: str
    asin: str
    scheduled_at: datetime


class RouteRow(NamedTuple):
    """A route as the dispatcher sees it, without its address. A filter of None takes everything."""

    id: int
    name: str
    channel: str
    severities: list[str] | None
    marketplaces: list[str] | None
    asins: list[str] | None
    tags: list[str] | None
    reaches: list[str]
    min_escalation: int
    quiet_from: time | None
    quiet_to: time | None
    quiet_zone: str | None


class Gathering(NamedTuple):
    """A delivery that messages may join until `due_at`; unless `is_open`, they no longer may."""

    id: int
    route_id: int
    joins_key: str
    due_at: datetime
    is_open: bool


class NewDelivery(NamedTuple):
    """A delivery to be written. Without a route it is the dashboard's."""

    route_id: int | None
    route_name: str
    channel: str
    reach: str
    heading: str
    reason: str
    due_at: datetime
    joins_key: str | None


class Verdict(NamedTuple):
    """What becomes of a message: its new status and why."""

    id: int
    status: str
    reason: str


class TakenDelivery(NamedTuple):
    """A delivery in hand. `attempts` counts this one too: with the id it says who holds it.

    `failures` counts the earlier ones that failed, not those that were only asked to wait.
    """

    id: int
    route_id: int
    route_name: str
    channel: str
    reach: str
    attempts: int
    failures: int
    due_at: datetime
    created_at: datetime
    url_encrypted: bytes


class ItemRow(NamedTuple):
    """A message of a delivery with its alert as it is now. `status` is the message's own."""

    queue_id: int
    status: str
    tell: str
    why: str
    severity: str | None
    escalation: int
    created_at: datetime
    alert_id: int
    marketplace_id: str
    asin: str
    item_condition: str
    kind: str
    attention: str
    resolution: str | None
    resolved_at: datetime | None
    acknowledged_by: str | None
    acknowledged_at: datetime | None
    snooze_until: datetime | None
    first_seen: datetime
    still_true_since: datetime | None
    last_seen: datetime
    occurrences: int
    facts: dict[str, Any]
    profit_at_stake_per_day: Decimal | None
    currency: str | None


class HealedRow(NamedTuple):
    """An alert that ended with a clear before anybody looked at it."""

    alert_id: int
    marketplace_id: str
    asin: str
    kind: str
    severity: str
    first_seen: datetime
    still_true_since: datetime | None
    resolved_at: datetime
    facts: dict[str, Any]
    profit_at_stake_per_day: Decimal | None
    currency: str | None


class PutBack(NamedTuple):
    """A delivery whose courier was lost: `queued` again, or `failed` for good."""

    id: int
    route_name: str
    status: str


class NewRoute(NamedTuple):
    """A route to be written. A filter that is None lets everything through."""

    name: str
    channel: str
    url_encrypted: bytes
    url_masked: str
    severities: Sequence[str] | None
    marketplaces: Sequence[str] | None
    asins: Sequence[str] | None
    tags: Sequence[str] | None
    reaches: Sequence[str]
    min_escalation: int
    quiet_from: time | None
    quiet_to: time | None
    quiet_zone: str | None
    created_by: str


class ListedRoute(NamedTuple):
    """A route as operators see it; `waiting` counts the deliveries that have not ended."""

    name: str
    channel: str
    url_masked: str
    severities: list[str] | None
    marketplaces: list[str] | None
    asins: list[str] | None
    tags: list[str] | None
    reaches: list[str]
    min_escalation: int
    quiet_from: time | None
    quiet_to: time | None
    quiet_zone: str | None
    enabled: bool
    trouble: str | None
    waiting: int


class HeldRoute(NamedTuple):
    """A locked route: no delivery is written for it until the transaction ends."""

    id: int
    channel: str
    url_encrypted: bytes
    enabled: bool
