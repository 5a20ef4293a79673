"""The small shapes that messages are made of: money, rows of offers, spellings of keys."""

from __future__ import annotations

from datetime import datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

from worker.demo.offers import Offer, OfferChange, Product

Json = dict[str, Any]


class Money:
    """How one message writes its amounts: in which currency, as numbers or as text."""

    def __init__(self, product: Product, currency: str | None = None, *, as_text: bool) -> None:
        self._currency = currency or product.marketplace.currency
        self._minor_units = product.marketplace.minor_units
        self._as_text = as_text

    def __call__(self, amount: int) -> Json:
        """One amount with its currency."""
        if self._minor_units == 0:
            value: float | str = str(amount) if self._as_text else amount
        else:
            scale = 10**self._minor_units
            text = f"{amount // scale}.{amount % scale:0{self._minor_units}d}"
            # The nearest float prints as the same digits again, so nothing is lost here.
            value = text if self._as_text else float(text)
        return {"Amount": value, "CurrencyCode": self._currency}

    def parts(self, offer: Offer) -> Json:
        """An offer's price as the list of offers has it: never the landed price."""
        prices: Json = {"ListingPrice": self(offer.listing), "Shipping": self(offer.shipping)}
        return prices | ({"Points": {"PointsNumber": offer.points}} if offer.points else {})

    def prices(self, offer: Offer) -> Json:
        """An offer's price as summaries have it."""
        return {"LandedPrice": self(offer.landed), **self.parts(offer)}


def offer_row(offer: Offer, change: OfferChange, money: Money, prime: tuple[str, str]) -> Json:
    """One row of Offers."""
    later = offer.available_later
    hours = 0 if offer.fulfilled_by_amazon else 24
    row: Json = {
        "SellerId": offer.seller_id,
        "SubCondition": offer.sub_condition,
        **money.parts(offer),
        "IsFulfilledByAmazon": offer.fulfilled_by_amazon,
        "IsBuyBoxWinner": offer.winner,
        "IsFeaturedMerchant": True,
        "SellerFeedbackRating": {
            "FeedbackCount": offer.feedback[0],
            "SellerPositiveFeedbackRating": offer.feedback[1],
        },
        "ShippingTime": {
            "MinimumHours": hours,
            "MaximumHours": hours,
            "AvailabilityType": "FUTURE_WITH_DATE" if later else "NOW",
            "AvailableDate": iso(change.event_time + timedelta(days=9)) if later else "",
        },
        "ShipsDomestically": True,
    }
    if offer.prime is not None:
        row["PrimeInformation"] = dict.fromkeys(prime, offer.prime)
    if not offer.fulfilled_by_amazon:
        row["ShipsFrom"] = {"Country": change.product.marketplace.country_code}
    return row


def camel(value: Any) -> Any:
    """The same with camelCase keys, as the newer types have them."""
    if isinstance(value, dict):
        return {
            key.lower() if key.isupper() else key[0].lower() + key[1:]: camel(inner)
            for key, inner in value.items()
        }
    return [camel(inner) for inner in value] if isinstance(value, list) else value


def shuffled(rng: Random, value: Any) -> Any:
    """The same with the keys of every object in another order."""
    if isinstance(value, dict):
        return {key: shuffled(rng, value[key]) for key in rng.sample(list(value), len(value))}
    return [shuffled(rng, inner) for inner in value] if isinstance(value, list) else value


def make_uuid(rng: Random) -> str:
    """A random id that the same seed makes again."""
    return str(UUID(int=rng.getrandbits(128), version=4))


def iso(moment: datetime) -> str:
    """A time as Amazon writes it: UTC, with milliseconds."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"
