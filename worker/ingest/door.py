"""The door: a message as it arrived becomes a notification, or a rejection that says why.

Pure and total: no clock, no database, and no body can make it raise. Three pricing types are read
in full and refused where they cannot be trusted; every other type is kept as it is, and refused
only if it names no type at all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, Literal, Protocol, TypeVar

from msgspec.structs import replace

from economics.facts import Audience, HealthFacts, MarketFacts
from worker.errors import ImplausibleTimeError, UnreadableNotificationError
from worker.ingest import legacy, models
from worker.ingest.envelope import OpenedBody, open_body, sha256
from worker.ingest.fields import fold_keys, identifier, invalid, missing, utc_time
from worker.ingest.ignored import Whereabouts, find_whereabouts
from worker.ingest.notification import Arrival, Notification, Rejection
from worker.ingest.prices import health_facts, market_facts
from worker.ingest.usual import read_usual

ANY_OFFER_CHANGED = "ANY_OFFER_CHANGED"
B2B_ANY_OFFER_CHANGED = "B2B_ANY_OFFER_CHANGED"
PRICING_HEALTH = "PRICING_HEALTH"
ANALYSED_TYPES = frozenset({ANY_OFFER_CHANGED, B2B_ANY_OFFER_CHANGED, PRICING_HEALTH})

FUTURE_TOLERANCE = timedelta(hours=1)
"""How far ahead of our clock an event may be. State only moves forward in event time, so an event
from the far future would shut out every real one until then; an hour allows for wrong clocks."""

_WRAPPERS = {
    ANY_OFFER_CHANGED: "AnyOfferChangedNotification",
    B2B_ANY_OFFER_CHANGED: "B2BAnyOfferChangedNotification",
}

MAX_MESSAGE_CHARACTERS = 500
"""Longest error message of a rejection; operators read it in a table."""

_Claims = Iterable[tuple[str, object]]
"""Times that a message claims, by their paths."""

T = TypeVar("T")


class _Take(Protocol):
    """Reads a field with one of the readers of `worker.ingest.fields`."""

    def __call__(self, read: Callable[[Any], T | None], value: object, path: str) -> T | None: ...


def read(
    arrival: Arrival, *, now: datetime, fallback_seller_id: str | None = None
) -> Notification | Rejection:
    """Read one message. Never raises.

    `now` is the time by our clock, with a zone. `fallback_seller_id` is the seller of messages in
    the older hand-made layout that name none; Amazon's own always name theirs.
    """
    body_hash = None
    try:
        notification = _read_usual(arrival, now)
        if notification is not None:
            return notification
        opened = open_body(arrival.body)
        body_hash = opened.body_hash
        return _read_opened(opened, arrival, now, fallback_seller_id)
    except UnreadableNotificationError as error:
        kind, message = error.kind, str(error)
    except Exception as error:  # noqa: BLE001  a mistake of ours must not block the queue behind it
        kind = UnreadableNotificationError.kind
        message = (
            f"The reader failed with {type(error).__name__}, which is a defect of the reader; "
            "correct it, then replay the message."
        )
    return Rejection(body_hash or sha256(arrival.body), kind, message[:MAX_MESSAGE_CHARACTERS])


def _read_usual(arrival: Arrival, now: datetime) -> Notification | None:
    """The usual message, read fast; None: the careful reader must look, and say what is wrong."""
    message = read_usual(arrival.body)
    if message is None:
        return None
    change = message.change
    trigger = change.offer_change_trigger
    opened = OpenedBody(
        {
            "eventtime": message.event_time,
            "notificationmetadata": message.notification_metadata,
        },
        sha256(arrival.body),
        "direct",
    )
    whereabouts = Whereabouts(change.seller_id, trigger.marketplace_id, trigger.asin)
    try:
        facts = market_facts(
            change,
            marketplace_id=trigger.marketplace_id,
            item_condition=trigger.item_condition,
            audience="consumer",
        )
        return _file(
            ANY_OFFER_CHANGED,
            opened,
            arrival,
            now,
            _strictly,
            whereabouts,
            status="waiting",
            item_condition=trigger.item_condition,
            facts=facts,
        )
    except UnreadableNotificationError:
        return None


def _read_opened(
    opened: OpenedBody, arrival: Arrival, now: datetime, fallback_seller_id: str | None
) -> Notification:
    notification_type = _strictly(
        identifier, opened.fields.get("notificationtype"), "NotificationType"
    )
    if notification_type is None:
        raise missing("NotificationType", "check what else writes to the queue")
    if notification_type.upper() not in ANALYSED_TYPES:
        whereabouts = find_whereabouts(opened.fields.get("payload"))
        return _file(notification_type, opened, arrival, now, _leniently, whereabouts)

    return _read_analysed(notification_type.upper(), opened, arrival, now, fallback_seller_id)


def _read_analysed(
    notification_type: str,
    opened: OpenedBody,
    arrival: Arrival,
    now: datetime,
    fallback_seller_id: str | None,
) -> Notification:
    event, path = _read_event(notification_type, opened, fallback_seller_id)
    trigger = event.offer_change_trigger or models.Trigger()
    trigger_path = f"{path}.OfferChangeTrigger"
    seller_id = _require(event.seller_id, f"{path}.SellerId")
    marketplace_id = _require(trigger.marketplace_id, f"{trigger_path}.MarketplaceId")
    asin = _require(trigger.asin, f"{trigger_path}.ASIN")
    item_condition = _require(trigger.item_condition, f"{trigger_path}.ItemCondition")
    filed = _file(
        notification_type,
        opened,
        arrival,
        now,
        _strictly,
        Whereabouts(seller_id, marketplace_id, asin),
        [(f"{trigger_path}.TimeOfOfferChange", trigger.time_of_offer_change)],
    )
    if filed.event_time is None:
        raise missing("EventTime")
    audience: Audience = "business" if notification_type == B2B_ANY_OFFER_CHANGED else "consumer"
    facts: MarketFacts | HealthFacts
    if isinstance(event, models.PricingHealth):
        facts = health_facts(event, marketplace_id=marketplace_id, item_condition=item_condition)
    else:
        facts = market_facts(
            event, marketplace_id=marketplace_id, item_condition=item_condition, audience=audience
        )
    return replace(
        filed, status="waiting", item_condition=item_condition, audience=audience, facts=facts
    )


def _read_event(
    notification_type: str, opened: OpenedBody, fallback_seller_id: str | None
) -> tuple[models.OfferChange | models.PricingHealth, str]:
    """The payload as a model, and the path at which it was found."""
    payload = _strictly(_members, opened.fields.get("payload"), "Payload")
    if not payload:
        raise missing("Payload")
    if notification_type == PRICING_HEALTH:
        path = "Payload"
        return models.read_event(models.PricingHealth, opened.fields["payload"], path), path
    name = _WRAPPERS[notification_type]
    path = f"Payload.{name}"
    found = payload.get(name.lower())
    wrapper = _strictly(_members, found, path)
    if legacy.is_legacy(payload, wrapper):
        moved = legacy.to_amazon_layout(payload, wrapper, fallback_seller_id)
        return models.read_event(models.OfferChange, moved, path), path
    if not wrapper:
        raise missing(path)
    return models.read_event(models.OfferChange, found, path), path


def _file(
    notification_type: str,
    opened: OpenedBody,
    arrival: Arrival,
    now: datetime,
    take: _Take,
    whereabouts: Whereabouts,
    change_time: _Claims = (),
    *,
    status: Literal["waiting", "ignored"] = "ignored",
    item_condition: str | None = None,
    facts: MarketFacts | None = None,
) -> Notification:
    """What every type has: ids, times, and whose it is. An `ignored` one, until it has facts."""
    path = "NotificationMetadata"
    metadata = take(_members, opened.fields.get(path.lower()), path) or {}
    notification_id = take(identifier, metadata.get("notificationid"), f"{path}.NotificationId")
    subscription_id = take(identifier, metadata.get("subscriptionid"), f"{path}.SubscriptionId")
    publish = (f"{path}.PublishTime", metadata.get("publishtime"))
    claims = (
        ("EventTime", opened.fields.get("eventtime")),
        *change_time,
        publish,
        ("Timestamp", opened.sns_timestamp),
    )
    return Notification(
        notification_type=notification_type,
        status=status,
        body_hash=opened.body_hash,
        envelope=opened.envelope,
        event_key=notification_id or opened.body_hash.hex(),
        source_key=subscription_id or whereabouts.seller_id or "",
        notification_id=notification_id,
        event_time=_event_time(claims, now, take) or _as_utc(arrival.sent_at),
        publish_time=take(utc_time, publish[1], publish[0]),
        item_condition=item_condition,
        facts=facts,
        seller_id=whereabouts.seller_id,
        marketplace_id=whereabouts.marketplace_id,
        asin=whereabouts.asin,
    )


def _event_time(claims: _Claims, now: datetime, take: _Take) -> datetime | None:
    """The first time that is given; the later ones stand in for it and are not even looked at."""

    def plausible_time(value: object) -> datetime | None:
        moment = utc_time(value)
        if moment is not None and moment - now > FUTURE_TOLERANCE:
            raise _InTheFutureError
        return moment

    for path, value in claims:
        moment = take(plausible_time, value, path)
        if moment is not None:
            return moment
    return None


class _InTheFutureError(ValueError):
    """A time that is too far ahead of our clock."""


def _as_utc(moment: datetime | None) -> datetime | None:
    if moment is None:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)


def _members(value: object) -> dict[str, Any]:
    """An object's members under folded keys; none where it is absent."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise ValueError("must be an object")  # noqa: TRY004  one error type for every reader
    return fold_keys(value)


def _strictly(read: Callable[[Any], T], value: object, path: str) -> T:
    """A bad value refuses the message."""
    try:
        return read(value)
    except _InTheFutureError:
        raise ImplausibleTimeError(
            f"{path} is too far ahead of our clock (limit {FUTURE_TOLERANCE}); check both clocks, "
            "then replay the message."
        ) from None
    except ValueError as error:
        raise invalid(path, str(error)) from None


def _leniently(read: Callable[[Any], T], value: object, path: str) -> T | None:  # noqa: ARG001
    """A bad value counts as absent."""
    try:
        return read(value)
    except ValueError:
        return None


def _require(value: str | None, path: str) -> str:
    if value is None:
        raise missing(path)
    return value
