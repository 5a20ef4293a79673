"""Markets of real size, and what Amazon tells of them: a message whenever one thing changed.

Amazon sends ANY_OFFER_CHANGED for a change among the twenty cheapest offers or of the Buy Box, so a
message differs from the previous one of the same product by one offer. A market that is `fresh` in
every message is the hardest case instead: nothing learned of it is of any use.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

MARKETPLACE = "ATVPDKIKX0DER"
OWN_SELLER = "AOWNSELLER0001"
OFFERS = (1, 18)
"""Fewest and most offers of a message: 3 to 12.5 KB, as Amazon's are."""

OWN_IS_SHOWN = 0.8
CHANGES = {"rival price": 70, "own price": 10, "buy box": 10, "comes": 5, "goes": 5}
"""What happens, out of a hundred times."""

PRICE_STEP = 0.025
"""A price moves by up to this part of itself, up or down."""

Offer = dict[str, Any]


@dataclass(slots=True)
class Market:
    """One product's offers, as Amazon writes them, and what else it says of the product."""

    lowest: int
    offers: list[Offer]
    counts: list[dict[str, Any]]


class Markets:
    """The markets of many products. `own_always`: each has an own offer, sent by Amazon."""

    def __init__(self, rng: Random, *, fresh: bool = False, own_always: bool = False) -> None:
        self._rng, self._fresh, self._own_always = rng, fresh, own_always
        self._known: dict[str, Market] = {}

    def message(self, product: str, at: datetime) -> dict[str, Any]:
        """What Amazon tells of a product (its ASIN) next."""
        market = None if self._fresh else self._known.get(product)
        if market is None:
            market = self._known[product] = self._new()
        else:
            self._change(market)
        return _told(self._rng, market, product, at)

    def _new(self) -> Market:
        rng = self._rng
        lowest = rng.randint(500, 20_000)
        offers = [_offer(rng, lowest + rng.randint(0, 1_500)) for _ in range(rng.randint(*OFFERS))]
        offers[0]["IsBuyBoxWinner"] = True
        if self._own_always or rng.random() < OWN_IS_SHOWN:
            rng.choice(offers)["SellerId"] = OWN_SELLER
        if self._own_always:
            next(filter(_is_own, offers))["IsFulfilledByAmazon"] = True
        rng.shuffle(offers)
        counts = [
            {"Condition": c, "FulfillmentChannel": f, "OfferCount": rng.randint(1, 30)}
            for c, f in _CHANNELS
        ]
        return Market(lowest, offers, counts)

    def _change(self, market: Market) -> None:
        rng, offers = self._rng, market.offers
        what = rng.choices(list(CHANGES), weights=list(CHANGES.values()))[0]
        own = [offer for offer in offers if _is_own(offer)]
        rivals = [offer for offer in offers if not _is_own(offer)]
        if what == "comes" and len(offers) < OFFERS[1]:
            offers.append(_offer(rng, market.lowest + rng.randint(0, 1_500)))
        elif what == "goes" and len(rivals) > 1:
            offers.remove(rng.choice(rivals))
            _hold_buy_box(offers, min(offers, key=_price))
        elif what == "buy box":
            _hold_buy_box(offers, rng.choice(sorted(offers, key=_price)[:3]), taken=True)
        else:
            moving = rng.choice((own if what == "own price" else rivals) or offers)
            step = 1 + rng.uniform(-PRICE_STEP, PRICE_STEP)
            moving["ListingPrice"] = _money(max(100, round(_price(moving) * step * 100)))


def _iso(moment: datetime) -> str:
    """A time as Amazon writes it."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


_CHANNELS = [(c, f) for c in ("new", "used") for f in ("Amazon", "Merchant")]


def _landed(offer: Offer) -> dict[str, Any]:
    price = offer["ListingPrice"]
    return {"LandedPrice": price, "ListingPrice": price, "Shipping": _money(0)}


def _is_own(offer: Offer) -> bool:
    return bool(offer["SellerId"] == OWN_SELLER)


def _price(offer: Offer) -> float:
    return float(offer["ListingPrice"]["Amount"])


def _hold_buy_box(offers: list[Offer], winner: Offer, *, taken: bool = False) -> None:
    """Let one offer hold the Buy Box, if it was `taken` or nobody holds it any more."""
    if taken or not any(offer["IsBuyBoxWinner"] for offer in offers):
        for offer in offers:
            offer["IsBuyBoxWinner"] = offer is winner


def _told(rng: Random, market: Market, product: str, event_time: datetime) -> dict[str, Any]:
    landed = _landed(min(market.offers, key=_price))
    holder = next(offer for offer in market.offers if offer["IsBuyBoxWinner"])
    return {
        "NotificationType": "ANY_OFFER_CHANGED",
        "NotificationVersion": "1.0",
        "PayloadVersion": "1.0",
        "EventTime": _iso(event_time),
        "NotificationMetadata": {
            "ApplicationId": "amzn1.sellerapps.app.00000000-0000-0000-0000-000000000000",
            "PublishTime": _iso(event_time + timedelta(milliseconds=rng.randint(50, 600))),
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
                    "TimeOfOfferChange": _iso(event_time - timedelta(milliseconds=380)),
                },
                "Offers": market.offers,
                "SellerId": OWN_SELLER,
                "Summary": {
                    "BuyBoxPrices": [{"Condition": "New", **_landed(holder)}],
                    "ListPrice": _money(market.lowest * 2),
                    "LowestPrices": [
                        {"Condition": c, "FulfillmentChannel": f, **landed} for c, f in _CHANNELS
                    ],
                    "NumberOfBuyBoxEligibleOffers": market.counts,
                    "NumberOfOffers": market.counts,
                    "SalesRankings": [
                        {"ProductCategoryId": "home_garden_display_on_website", "Rank": 4_711},
                        {"ProductCategoryId": "3734591", "Rank": rng.randint(1, 999)},
                    ],
                },
            }
        },
    }


def _offer(rng: Random, price: int) -> Offer:
    by_amazon = rng.random() < 0.5  # noqa: PLR2004
    return {
        "IsBuyBoxWinner": False,
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
