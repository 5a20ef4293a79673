"""A run of the demo's traffic, and how to read its messages."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from itertools import pairwise
from typing import Any, NamedTuple

from worker.demo.traffic import Sent
from worker.demo.truth import Truth

NOW = datetime(2026, 3, 4, 5, 6, 7, 891234, tzinfo=UTC)


class Run(NamedTuple):
    sent: list[Sent]
    truth: Truth


def envelope(body: bytes) -> dict[str, Any]:
    message = json.loads(body, parse_float=Decimal)
    if message.get("Type") == "Notification":
        message = json.loads(message["Message"], parse_float=Decimal)
    return message


def event_time(message: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(message.get("EventTime") or message["eventTime"])


def inner(message: dict[str, Any]) -> dict[str, Any]:
    return message["Payload"]["AnyOfferChangedNotification"]


def condition_of(notification: dict[str, Any]) -> str:
    return notification["OfferChangeTrigger"]["ItemCondition"].lower()


def landed(offer: dict[str, Any]) -> Decimal:
    points = offer.get("Points", {}).get("PointsNumber", 0)
    return Decimal(offer["ListingPrice"]["Amount"]) + Decimal(offer["Shipping"]["Amount"]) - points


def own_offers(notification: dict[str, Any]) -> list[dict[str, Any]]:
    return [o for o in notification["Offers"] if o["SellerId"] == notification["SellerId"]]


def total(notification: dict[str, Any]) -> int:
    rows = notification["Summary"]["NumberOfOffers"]
    return sum(r["OfferCount"] for r in rows if r["Condition"] == condition_of(notification))


def moneys(value: Any) -> Iterator[tuple[Any, str]]:
    """Every amount with its currency, wherever it is in a message of either spelling."""
    if isinstance(value, dict):
        low = {key.lower(): inner_value for key, inner_value in value.items()}
        if "currencycode" in low:
            yield low["amount"], low["currencycode"]
        else:
            for inner_value in value.values():
                yield from moneys(inner_value)
    elif isinstance(value, list):
        for item in value:
            yield from moneys(item)


def reversed_share(times: list[datetime]) -> float:
    return sum(a > b for a, b in pairwise(times)) / (len(times) - 1)
