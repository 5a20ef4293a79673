"""Notifications as Amazon sends them, for tests: realistic defaults, anything can be overridden.

Amounts may be given as Decimal, int or text; `body` writes Decimals as JSON numbers with exactly
their digits, as Amazon does. Every call has a NotificationId of its own.
"""

from __future__ import annotations

import itertools
import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from worker.ingest.notification import Arrival

GB = "A1F83G8C2ARO7P"
US = "ATVPDKIKX0DER"
JP = "A1VC38T7YXB528"
CURRENCIES = {GB: "GBP", US: "USD", JP: "JPY"}

OWN_SELLER = "A2OWNSELLER001"
RIVALS = ("A1RIVAL0000001", "A1RIVAL0000002", "A1RIVAL0000003")
ASIN = "B0CXYZ1234"
EVENT_TIME = "2025-03-04T10:15:30.250Z"
NOW = datetime(2025, 3, 4, 10, 16, tzinfo=UTC)
"""A sane `now` for messages with the default EventTime."""

_numbers = itertools.count(1)


def money(amount: Any, currency: str = "GBP") -> dict[str, Any]:
    return {"Amount": amount, "CurrencyCode": currency}


def offer(
    seller_id: str = RIVALS[0],
    listing: Any = Decimal("19.99"),
    shipping: Any = Decimal("0.0"),
    *,
    currency: str = "GBP",
    fba: bool = False,
    prime: bool | None = None,
    winner: bool | None = False,
    availability: str = "NOW",
    **overrides: Any,
) -> dict[str, Any]:
    """One row of Offers. `prime` defaults to `fba`; `winner=None` leaves the key out."""
    is_prime = fba if prime is None else prime
    row = {
        "SellerId": seller_id,
        "SubCondition": "new",
        "SellerFeedbackRating": {"FeedbackCount": 4985, "SellerPositiveFeedbackRating": 98},
        "ShippingTime": {
            "MinimumHours": 0 if fba else 24,
            "MaximumHours": 0 if fba else 48,
            "AvailabilityType": availability,
            "AvailableDate": "",
        },
        "ListingPrice": money(listing, currency),
        "Shipping": money(shipping, currency),
        "IsFulfilledByAmazon": fba,
        "PrimeInformation": {"IsOfferPrime": is_prime, "IsOfferNationalPrime": is_prime},
        "IsFeaturedMerchant": True,
        "ShipsDomestically": True,
    }
    if winner is not None:
        row["IsBuyBoxWinner"] = winner
    if not fba:
        row["ShipsFrom"] = {"Country": "GB", "State": ""}
    return row | overrides


def default_offers(currency: str, own_seller: str) -> list[dict[str, Any]]:
    """One own offer and three rivals, by landed price; the second is in the Buy Box."""
    return [
        offer(RIVALS[0], Decimal("17.49"), Decimal("2.00"), currency=currency),
        offer(RIVALS[1], Decimal("19.99"), currency=currency, fba=True, winner=True),
        offer(own_seller, Decimal("20.49"), currency=currency, fba=True),
        offer(RIVALS[2], Decimal("22.00"), Decimal("3.50"), currency=currency),
    ]


def price_row(landed: Any, currency: str = "GBP", **keys: Any) -> dict[str, Any]:
    """A row of Summary.LowestPrices or BuyBoxPrices."""
    return {
        "Condition": "new",
        "LandedPrice": money(landed, currency),
        "ListingPrice": money(landed, currency),
        "Shipping": money(Decimal("0.0"), currency),
        **keys,
    }


def default_summary(currency: str) -> dict[str, Any]:
    """Agrees with `default_offers`; Amazon writes "new" in most lists and "New" in one."""
    counts = [
        {"Condition": "new", "FulfillmentChannel": "Amazon", "OfferCount": 2},
        {"Condition": "new", "FulfillmentChannel": "Merchant", "OfferCount": 2},
        {"Condition": "used", "FulfillmentChannel": "Merchant", "OfferCount": 5},
    ]
    return {
        "NumberOfOffers": counts,
        "NumberOfBuyBoxEligibleOffers": counts,
        "LowestPrices": [
            price_row(Decimal("19.99"), currency, FulfillmentChannel="Amazon"),
            price_row(Decimal("19.49"), currency, FulfillmentChannel="Merchant"),
            price_row(Decimal("6.52"), currency, Condition="used", FulfillmentChannel="Merchant"),
        ],
        "BuyBoxPrices": [
            price_row(Decimal("19.99"), currency, Condition="New"),
            price_row(Decimal("5.72"), currency, Condition="Used"),
        ],
        "ListPrice": money(Decimal("24.99"), currency),
        "SalesRankings": [{"ProductCategoryId": "home_display_on_website", "Rank": 4013}],
    }


def _metadata(event_time: str | None, notification_id: str | None) -> dict[str, Any]:
    published = None
    if event_time is not None:
        later = datetime.fromisoformat(event_time) + timedelta(milliseconds=300)
        published = later.isoformat().replace("+00:00", "Z")
    return {
        "ApplicationId": "amzn1.sellerapps.app.00000000-0000-0000-0000-000000000000",
        "SubscriptionId": "5ab5cb5e-0000-4000-8000-000000000001",
        "PublishTime": published,
        "NotificationId": notification_id or f"{next(_numbers):08x}-0000-4000-8000-000000000000",
    }


def any_offer_changed(
    *,
    seller_id: str = OWN_SELLER,
    marketplace_id: str = GB,
    asin: str = ASIN,
    item_condition: str = "new",
    event_time: str | None = EVENT_TIME,
    notification_id: str | None = None,
    currency: str | None = None,
    offers: list[dict[str, Any]] | None = None,
    summary: dict[str, Any] | None = None,
    wrapper: str = "AnyOfferChangedNotification",
    **overrides: Any,
) -> dict[str, Any]:
    """ANY_OFFER_CHANGED. `summary` replaces keys of the default one; `overrides` are top-level."""
    currency = currency or CURRENCIES.get(marketplace_id, "GBP")
    trigger = {
        "MarketplaceId": marketplace_id,
        "ASIN": asin,
        "ItemCondition": item_condition,
        "TimeOfOfferChange": event_time,
        "OfferChangeType": "Internal",
    }
    message = {
        "NotificationVersion": "1.0",
        "NotificationType": "ANY_OFFER_CHANGED",
        "PayloadVersion": "1.0",
        "EventTime": event_time,
        "NotificationMetadata": _metadata(event_time, notification_id),
        "Payload": {
            wrapper: {
                "SellerId": seller_id,
                "OfferChangeTrigger": trigger,
                "Summary": default_summary(currency) | (summary or {}),
                "Offers": default_offers(currency, seller_id) if offers is None else offers,
            }
        },
    }
    return message | overrides


def b2b_any_offer_changed(
    *, summary: dict[str, Any] | None = None, **overrides: Any
) -> dict[str, Any]:
    """B2B_ANY_OFFER_CHANGED with quantity tiers."""
    currency = overrides.get("currency") or CURRENCIES.get(overrides.get("marketplace_id", GB))
    single = {"OfferType": "B2B", "QuantityTier": 1}
    tier = {
        "Condition": "new",
        "OfferType": "B2B",
        "QuantityTier": 20,
        "DiscountType": "QUANTITY_DISCOUNT",
        "ListingPrice": money(Decimal("15.00"), currency or "GBP"),
    }
    row = price_row(Decimal("18.99"), currency or "GBP", FulfillmentChannel="Merchant", **single)
    b2b_summary = {
        "LowestPrices": [row, tier | {"FulfillmentChannel": "Merchant"}],
        "BuyBoxPrices": [row, tier],
    }
    message = any_offer_changed(
        wrapper="B2BAnyOfferChangedNotification", summary=b2b_summary | (summary or {}), **overrides
    )
    message["NotificationType"] = "B2B_ANY_OFFER_CHANGED"
    content = message["Payload"]["B2BAnyOfferChangedNotification"]
    del content["OfferChangeTrigger"]["OfferChangeType"]
    content["Summary"]["BuyBoxEligibleOffers"] = content["Summary"].pop(
        "NumberOfBuyBoxEligibleOffers"
    )
    return message


def pricing_health(
    *,
    seller_id: str = OWN_SELLER,
    marketplace_id: str = GB,
    asin: str = ASIN,
    item_condition: str = "new",
    event_time: str | None = EVENT_TIME,
    notification_id: str | None = None,
    currency: str | None = None,
    merchant_offer: dict[str, Any] | None = None,
    summary: dict[str, Any] | None = None,
    **overrides: Any,
) -> dict[str, Any]:
    """PRICING_HEALTH. `merchant_offer` and `summary` replace keys; `overrides` are top-level."""
    currency = currency or CURRENCIES.get(marketplace_id, "GBP")

    def price(amount: str) -> dict[str, Any]:
        return camel_case(money(Decimal(amount), currency))

    count = {"condition": "new", "fulfillmentType": "MFN", "offerCount": 3}
    own = {
        "condition": "new",
        "fulfillmentType": "MFN",
        "listingPrice": price("25.00"),
        "shipping": price("1.50"),
        "landedPrice": price("26.50"),
    }
    health_summary = {
        "numberOfOffers": [count],
        "buyBoxEligibleOffers": [count],
        "buyBoxPrices": [camel_case(price_row(Decimal("19.99"), currency))],
        "referencePrice": {
            "averageSellingPrice": price("21.00"),
            "competitivePriceThreshold": price("20.50"),
            "retailOfferPrice": price("22.00"),
            "msrpPrice": price("24.99"),
        },
    }
    message = {
        "notificationVersion": "1.0",
        "notificationType": "PRICING_HEALTH",
        "payloadVersion": "1.0",
        "eventTime": event_time,
        "payload": {
            "issueType": "BuyBoxDisqualification",
            "sellerId": seller_id,
            "offerChangeTrigger": {
                "marketplaceId": marketplace_id,
                "asin": asin,
                "itemCondition": item_condition,
                "timeOfOfferChange": event_time,
            },
            "merchantOffer": own | (merchant_offer or {}),
            "summary": health_summary | (summary or {}),
        },
        "notificationMetadata": camel_case(_metadata(event_time, notification_id)),
    }
    return message | overrides


def camel_case(value: Any) -> Any:
    """The same with keys as in Amazon's camelCase types, where ASIN is asin."""
    if isinstance(value, dict):
        return {_camel(key): camel_case(member) for key, member in value.items()}
    return [camel_case(element) for element in value] if isinstance(value, list) else value


def _camel(key: str) -> str:
    prefix = next((p for p in ("ASIN", "B2B") if key.startswith(p)), key[:1])
    return prefix.lower() + key[len(prefix) :]


def body(message: Any) -> bytes:
    """The message as JSON; Decimals become numbers with exactly their digits."""
    exact: dict[str, str] = {}

    def mark(value: Any) -> str:
        if not isinstance(value, Decimal):
            raise TypeError(type(value))
        token = f"\ue000{len(exact)}\ue001"
        exact[json.dumps(token)] = str(value)
        return token

    text = json.dumps(message, default=mark)
    for token, digits in exact.items():
        text = text.replace(token, digits)
    return text.encode()


def sns(message: bytes, **overrides: Any) -> dict[str, Any]:
    """The message as an SNS topic hands it on."""
    return {
        "Type": "Notification",
        "MessageId": "c1d2e3f4-0000-4000-8000-000000000000",
        "TopicArn": "arn:aws:sns:eu-west-1:111122223333:spapi",
        "Message": message.decode(),
        "Timestamp": "2025-03-04T10:15:31.000Z",
        "SignatureVersion": "1",
    } | overrides


def eventbridge(message: dict[str, Any], **overrides: Any) -> dict[str, Any]:
    """The message as an EventBridge rule hands it on."""
    return {
        "version": "0",
        "id": "c1d2e3f4-0000-4000-8000-000000000000",
        "detail-type": message.get("NotificationType") or message.get("notificationType"),
        "source": "aws.partner/sellingpartnerapi.amazon.com/111122223333/app",
        "time": "2025-03-04T10:15:31Z",
        "detail": message,
    } | overrides


def arrival(message: Any, **overrides: Any) -> Arrival:
    """An arrival with this message, or with these bytes, as its body."""
    return Arrival(message if isinstance(message, bytes) else body(message), **overrides)
