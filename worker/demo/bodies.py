"""What happens in the market, written as Amazon would: shapes, spellings and damage.

The shapes are those of real messages: keys in any order, PascalCase or camelCase by type, one
condition in three spellings, prices as numbers or as text.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import count
from random import Random

from worker.demo.market import OWN_SELLERS, Market
from worker.demo.offers import HealthAlert, OfferChange, buy_box_offer, chance
from worker.demo.shapes import Json, Money, camel, iso, make_uuid, offer_row, shuffled
from worker.demo.truth import Kind

PUBLISH_MS = (50, 620)
"""How long after the event Amazon publishes, in milliseconds."""

_IN_SNS = 2


@dataclass(frozen=True, slots=True)
class Draft:
    """A message not sent yet, and what `Truth` is told when it is sent."""

    body: bytes
    kind: Kind
    told: OfferChange | HealthAlert | None = None


class Writer:
    """Writes what happens in the market as Amazon would."""

    def __init__(self, rng: Random, market: Market) -> None:
        self._rng = rng
        self._market = market
        self._broken = count()
        self._subscriptions = {seller_id: make_uuid(rng) for seller_id in OWN_SELLERS}

    def draft(self, kind: str, event_time: datetime) -> Draft:
        """One message of a kind, and what it tells of the consumer market."""
        if kind == "market":
            change = self._market.change(event_time)
            return Draft(self._body(self._offers(change)), "market", change)
        if kind == "health":
            alert = self._market.disqualify(event_time)
            return Draft(self._body(self._health(alert)), "health", alert)
        if kind == "broken":
            return Draft(self._damaged(event_time), "broken")
        message = self._business(event_time) if kind == "b2b" else self._other(event_time)
        return Draft(self._body(message), "other")

    def _envelope(self, kind: str, seller_id: str, event_time: datetime, payload: Json) -> Json:
        published = event_time + timedelta(milliseconds=self._rng.randint(*PUBLISH_MS))
        return {
            "NotificationVersion": "1.0",
            "NotificationType": kind,
            "PayloadVersion": "1.0",
            "EventTime": iso(event_time),
            "Payload": payload,
            "NotificationMetadata": {
                "ApplicationId": "amzn1.sellerapps.app.5d1c7f0e-0d3a-4f2b-9c61-de30de30de30",
                "SubscriptionId": self._subscriptions[seller_id],
                "PublishTime": iso(published),
                "NotificationId": make_uuid(self._rng),
            },
        }

    def _offers(self, change: OfferChange, currency: str | None = None) -> Json:
        """ANY_OFFER_CHANGED; in another currency than the marketplace's if one is named."""
        rng, product = self._rng, change.product
        money = Money(product, currency, as_text=chance(rng, 4))
        prime = ("IsPrime", "IsNationalPrime")
        if chance(rng, 85):
            prime = ("IsOfferPrime", "IsOfferNationalPrime")
        offers = [offer_row(offer, change, money, prime) for offer in change.shown]
        # The guide promises the 20 cheapest, not that they are sorted.
        if chance(rng, 10):
            rng.shuffle(offers)
        notification = {
            "OfferChangeTrigger": {
                "MarketplaceId": product.marketplace.marketplace_id,
                "ASIN": product.asin,
                "ItemCondition": change.condition.title() if chance(rng, 10) else change.condition,
                "TimeOfOfferChange": iso(self._before(change.event_time)),
                "OfferChangeType": rng.choices(
                    ("Internal", "FeaturedOffer", "External"), weights=(78, 20, 2)
                )[0],
            },
            "Offers": offers,
            "SellerId": product.seller_id,
            "Summary": self._summary(change, money),
        }
        payload = {"AnyOfferChangedNotification": notification}
        return self._envelope("ANY_OFFER_CHANGED", product.seller_id, change.event_time, payload)

    def _summary(self, change: OfferChange, money: Money) -> Json:
        """The summary covers all conditions, in lower case but for the Buy Box prices."""
        rng = self._rng
        channels = [
            (
                condition,
                channel,
                [o for o in book if o.fulfilled_by_amazon == (channel == "Amazon")],
            )
            for condition, book in change.books.items()
            for channel in ("Amazon", "Merchant")
        ]
        counts: list[Json] = [
            {"Condition": condition, "FulfillmentChannel": channel, "OfferCount": len(offers)}
            for condition, channel, offers in channels
            if offers
        ]
        rng.shuffle(counts)
        boxes = {condition: buy_box_offer(book) for condition, book in change.books.items()}
        prices = [{"Condition": c.title(), **money.prices(o)} for c, o in boxes.items() if o]
        summary: Json = {
            "NumberOfOffers": counts,
            "NumberOfBuyBoxEligibleOffers": [dict(row) for row in counts],
            "LowestPrices": [
                {
                    "Condition": condition,
                    "FulfillmentChannel": channel,
                    **money.prices(min(offers, key=lambda o: o.landed)),
                }
                for condition, channel, offers in channels
                if offers
            ],
        }
        if prices or chance(rng, 50):
            summary["BuyBoxPrices"] = prices
        if chance(rng, 90):
            dearest = max(o.landed for o in change.shown)
            summary["ListPrice"] = money(dearest * 5 // 4)
        if chance(rng, 95):
            summary["SalesRankings"] = [
                {
                    "ProductCategoryId": "home_garden_display_on_website",
                    "Rank": rng.randint(1, 9**6),
                },
            ]
        if chance(rng, 5):
            summary["SuggestedLowerPricePlusShipping"] = money(change.shown[0].landed)
        return summary

    def _health(self, alert: HealthAlert) -> Json:
        """PRICING_HEALTH: camelCase, own facts and reference prices, no list of offers."""
        product, own, box = alert.product, alert.own, buy_box_offer(alert.book)
        money = Money(product, as_text=chance(self._rng, 20))
        condition = {"Condition": alert.condition}
        summary: Json = {
            "ReferencePrice": {"CompetitivePriceThreshold": money(own.landed * 9 // 10)},
            **{
                name: [{**condition, "FulfillmentType": "MFN", "OfferCount": len(alert.book)}]
                for name in ("NumberOfOffers", "BuyBoxEligibleOffers")
            },
        }
        if box:
            summary["BuyBoxPrices"] = [{**condition, **money.prices(box)}]
        payload = {
            "IssueType": alert.issue,
            "SellerId": product.seller_id,
            "OfferChangeTrigger": {
                "MarketplaceId": product.marketplace.marketplace_id,
                "ASIN": product.asin,
                "ItemCondition": alert.condition,
                "TimeOfOfferChange": iso(self._before(alert.event_time)),
            },
            "MerchantOffer": {
                **condition,
                "FulfillmentType": "AFN" if own.fulfilled_by_amazon else "MFN",
                **money.prices(own),
            },
            "Summary": summary,
        }
        message = self._envelope("PRICING_HEALTH", product.seller_id, alert.event_time, payload)
        in_camel_case: Json = camel(message)
        return in_camel_case

    def _business(self, event_time: datetime) -> Json:
        """B2B_ANY_OFFER_CHANGED: lower prices for businesses, which no consumer ever sees."""
        change = self._market.glance(event_time)
        business = [replace(o, listing=o.listing * 9 // 10) for o in change.shown]
        cheaper = replace(change, shown=tuple(business), books={change.condition: tuple(business)})
        message = self._offers(cheaper)
        notification = message["Payload"].pop("AnyOfferChangedNotification")
        summary = notification["Summary"]
        summary["BuyBoxEligibleOffers"] = summary.pop("NumberOfBuyBoxEligibleOffers")
        for consumer_only in ("ListPrice", "SalesRankings", "SuggestedLowerPricePlusShipping"):
            summary.pop(consumer_only, None)
        for row in summary["LowestPrices"] + summary.get("BuyBoxPrices", []):
            row.update(OfferType="B2B", QuantityTier=1)
        del notification["OfferChangeTrigger"]["OfferChangeType"]
        message["Payload"]["B2BAnyOfferChangedNotification"] = notification
        return message | {"NotificationType": "B2B_ANY_OFFER_CHANGED"}

    def _other(self, event_time: datetime) -> Json:
        """One of the types that share the queue and tell nothing of prices."""
        rng = self._rng
        product = rng.choice(self._market.products)
        seller, asin = {"SellerId": product.seller_id}, {"Asin": product.asin}
        place = {"MarketplaceId": product.marketplace.marketplace_id}
        number = str(rng.randrange(10**10, 10**11))
        feed = {**seller, "FeedId": number, "ProcessingStatus": "DONE"}
        order = {
            "AmazonOrderId": f"203-{number[:7]}-{number[4:]}",
            "OrderChangeType": "StatusChange",
        }
        item = {"OrderItemId": number, "SellerSKU": f"SKU-{number[:4]}", "Quantity": 1}
        summary = {**place, "OrderStatus": "Unshipped", "OrderItems": [item]}
        types: Json = {
            "LISTINGS_ITEM_STATUS_CHANGE": {
                **(seller | place | asin),
                "Sku": f"SKU-{number[:4]}",
                "Status": rng.choice((["BUYABLE", "DISCOVERABLE"], ["DISCOVERABLE"], [])),
            },
            "ITEM_PRODUCT_TYPE_CHANGE": {
                **(place | asin),
                "PreviousProductType": "PET_HEALTH_CARE",
                "CurrentProductType": "PET_APPAREL",
            },
            "ORDER_CHANGE": {"OrderChangeNotification": {**seller, **order, "Summary": summary}},
            "FEED_PROCESSING_FINISHED": {"FeedProcessingFinishedNotification": feed},
        }
        name = rng.choice(list(types))
        message = self._envelope(name, product.seller_id, event_time, types[name])
        return camel(message) if name.startswith("FEED") else message

    def _damaged(self, event_time: datetime) -> bytes:
        """A message nobody can read: each is damaged in one of five ways, no two are the same."""
        match next(self._broken) % 5:
            case 0:
                # Cut after the EventTime, which makes every stump different.
                whole = json.dumps(self._offers(self._market.glance(event_time)))
                return whole[: self._rng.randint(len(whole) // 4, len(whole) * 3 // 4)].encode()
            case 1:
                message = self._offers(self._market.glance(event_time))
                del message["Payload"]["AnyOfferChangedNotification"]["SellerId"]
                return self._text(message).encode()
            case 2:
                british = self._market.glance(event_time, country="GB")
                foreign = "EUR" if british.product.marketplace.currency != "EUR" else "USD"
                return self._text(self._offers(british, foreign)).encode()
            case 3:
                # The event's time written in blanks, so that no other, of any seed, is the same.
                ms = round(event_time.timestamp() * 1000)
                blanks = "".join(" \t\n\r"[ms >> shift & 3] for shift in range(0, 42, 2))
                return f"{{{blanks}}}".encode()
            case _:
                head = f"<NotificationMetaData><UniqueId>{make_uuid(self._rng)}</UniqueId>"
                return f"<Notification>{head}</NotificationMetaData></Notification>".encode()

    def _before(self, event_time: datetime) -> datetime:
        return event_time - timedelta(milliseconds=self._rng.randint(120, 620))

    def _body(self, message: Json) -> bytes:
        """The message as bytes, a few of them in the wrapper SNS puts around it."""
        text = self._text(message)
        if chance(self._rng, _IN_SNS):
            wrapper = {
                "Type": "Notification",
                "MessageId": make_uuid(self._rng),
                "TopicArn": "arn:aws:sns:eu-west-1:000000000000:notifications",
                "Message": text,
            }
            text = json.dumps(wrapper)
        return text.encode()

    def _text(self, message: Json) -> str:
        """Amazon's keys come in no fixed order: mostly sorted, sometimes not at all."""
        ordered = message if chance(self._rng, 75) else shuffled(self._rng, message)
        return json.dumps(ordered, sort_keys=ordered is message, separators=(",", ":"))
