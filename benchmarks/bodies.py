"""The messages: real-size ANY_OFFER_CHANGED bodies, made once and the same for every contender."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import accumulate, islice
from pathlib import Path
from random import Random
from typing import Any, Literal
from uuid import UUID

from worker.ingest.notification import Arrival

Spread = Literal["zipf", "uniform"]

PRODUCTS = 5_000
MARKETPLACE = "ATVPDKIKX0DER"
OWN_SELLER = "AOWNSELLER0001"
OFFERS = (1, 18)
"""Fewest and most offers of a message: 3 to 12.5 KB, as Amazon's are."""

_EVENT_EVERY = timedelta(milliseconds=20)


def make_bodies(path: Path, count: int, spread: Spread, *, now: datetime, seed: int = 1) -> None:
    """Write `count` bodies, one a line. All happened before `now`, in the order of the lines."""
    rng = Random(f"{spread} {seed}")
    weights = [1 / rank if spread == "zipf" else 1.0 for rank in range(1, PRODUCTS + 1)]
    products = rng.choices(range(PRODUCTS), cum_weights=list(accumulate(weights)), k=count)
    with path.open("w", encoding="utf-8") as file:
        for place, product in enumerate(products):
            event_time = now - _EVENT_EVERY * (count - place)
            file.write(json.dumps(make_message(rng, asin(product), event_time)))
            file.write("\n")


def asin(product: int) -> str:
    """The ASIN of the product of that number."""
    return f"B0{product:08d}"


def read_arrivals(path: Path, *, skip: int, count: int, part: int, parts: int) -> list[Arrival]:
    """Every `parts`-th of `count` bodies after the first `skip`, as they come from SQS."""
    with path.open("rb") as file:
        lines: Iterator[tuple[int, bytes]] = islice(
            enumerate(file), skip + part, skip + count, parts
        )
        return [Arrival(line.rstrip(b"\n"), f"bench-{place}") for place, line in lines]


def make_message(rng: Random, product: str, event_time: datetime) -> dict[str, Any]:
    """A message of a market that nobody has seen before."""
    lowest = rng.randint(500, 20_000)
    offers = [
        _offer(rng, lowest + rng.randint(0, 1_500), winner=place == 0)
        for place in range(rng.randint(*OFFERS))
    ]
    if rng.random() < 0.8:  # noqa: PLR2004  own offer among those shown
        rng.choice(offers)["SellerId"] = OWN_SELLER
    rng.shuffle(offers)
    prices = min(offers, key=lambda o: float(o["ListingPrice"]["Amount"]))
    landed = {"LandedPrice": prices["ListingPrice"], "ListingPrice": prices["ListingPrice"]}
    shipping = {"Shipping": _money(0)}
    channels = [(c, f) for c in ("new", "used") for f in ("Amazon", "Merchant")]
    counts = [
        {"Condition": c, "FulfillmentChannel": f, "OfferCount": rng.randint(1, 30)}
        for c, f in channels
    ]
    return {
        "NotificationType": "ANY_OFFER_CHANGED",
        "NotificationVersion": "1.0",
        "PayloadVersion": "1.0",
        "EventTime": iso(event_time),
        "NotificationMetadata": {
            "ApplicationId": "amzn1.sellerapps.app.00000000-0000-0000-0000-000000000000",
            "PublishTime": iso(event_time + timedelta(milliseconds=rng.randint(50, 600))),
            "SubscriptionId": "00000000-0000-4000-8000-000000000000",
            "NotificationId": str(UUID(int=rng.getrandbits(128), version=4)),
        },
        "Payload": {
            "AnyOfferChangedNotification": {
                "OfferChangeTrigger": {
                    "ASIN": product,
                    "ItemCondition": "new",
                    "MarketplaceId": MARKETPLACE,
                    "OfferChangeType": "Internal",
                    "TimeOfOfferChange": iso(event_time - timedelta(milliseconds=380)),
                },
                "Offers": offers,
                "SellerId": OWN_SELLER,
                "Summary": {
                    "BuyBoxPrices": [{"Condition": "New", **landed, **shipping}],
                    "ListPrice": _money(lowest * 2),
                    "LowestPrices": [
                        {"Condition": c, "FulfillmentChannel": f, **landed, **shipping}
                        for c, f in channels
                    ],
                    "NumberOfBuyBoxEligibleOffers": counts,
                    "NumberOfOffers": counts,
                    "SalesRankings": [
                        {"ProductCategoryId": "home_garden_display_on_website", "Rank": 4_711},
                        {"ProductCategoryId": "3734591", "Rank": rng.randint(1, 999)},
                    ],
                },
            }
        },
    }


def _offer(rng: Random, price: int, *, winner: bool) -> dict[str, Any]:
    by_amazon = rng.random() < 0.5  # noqa: PLR2004
    return {
        "IsBuyBoxWinner": winner,
        "IsFeaturedMerchant": True,
        "IsFulfilledByAmazon": by_amazon,
        "ListingPrice": _money(price),
        "PrimeInformation": {"IsOfferNationalPrime": by_amazon, "IsOfferPrime": by_amazon},
        "SellerFeedbackRating": {
            "FeedbackCount": rng.randint(1, 20_000),
            "SellerPositiveFeedbackRating": rng.randint(80, 100),
        },
        "SellerId": _seller(rng),
        "Shipping": _money(0 if by_amazon else rng.choice((0, 399, 457, 599))),
        "ShippingTime": {
            "AvailabilityType": "NOW",
            "AvailableDate": "",
            "MaximumHours": 24,
            "MinimumHours": 0,
        },
        "ShipsDomestically": True,
        "SubCondition": "new",
    }


def _seller(rng: Random) -> str:
    return "A" + "".join(rng.choices("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", k=13))


def _money(cents: int) -> dict[str, Any]:
    return {"Amount": cents / 100, "CurrencyCode": "USD"}


def iso(moment: datetime) -> str:
    """A time as Amazon writes it."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"
