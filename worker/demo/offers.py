"""The values of the simulated market: offers, products and what Amazon tells of them.

All money is in whole minor units. Nothing here knows of messages.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from random import Random
from typing import Literal

from economics.marketplaces import Marketplace

Condition = Literal["new", "used"]
Character = Literal[
    "calm", "war", "crowded", "twins", "suppressed", "unlisted", "lonely", "health-only"
]


def chance(rng: Random, percent: float) -> bool:
    """True in about `percent` of a hundred calls."""
    return rng.random() * 100 < percent


@dataclass(frozen=True, slots=True)
class Offer:
    """One offer. `prime` is what PrimeInformation will say, None where it will be left out."""

    seller_id: str
    listing: int
    shipping: int = 0
    points: int = 0
    fulfilled_by_amazon: bool = False
    prime: bool | None = None
    winner: bool = False
    available_later: bool = False
    sub_condition: str = "new"
    feedback: tuple[int, int] = (100, 98)

    @property
    def landed(self) -> int:
        """What the buyer pays. Only Japan has points, and one point is one yen."""
        return self.listing + self.shipping - self.points

    def at(self, landed: int) -> Offer:
        """The same offer, listed so that its landed price is `landed`."""
        return replace(self, listing=landed - self.shipping + self.points)


@dataclass(frozen=True, slots=True)
class Product:
    """What one own seller sells in one marketplace, and how its market behaves."""

    seller_id: str
    marketplace: Marketplace
    asin: str
    character: Character = "calm"


@dataclass(frozen=True, slots=True)
class OfferChange:
    """What Amazon tells about one condition: all books for the summary, the 20 cheapest `shown`."""

    product: Product
    condition: Condition
    event_time: datetime
    shown: tuple[Offer, ...]
    books: Mapping[Condition, tuple[Offer, ...]]


@dataclass(frozen=True, slots=True)
class HealthAlert:
    """The own offer is not eligible for the Buy Box because of its price."""

    product: Product
    condition: Condition
    event_time: datetime
    own: Offer
    book: tuple[Offer, ...]
    issue: str = "BuyBoxDisqualification"


def buy_box_offer(offers: tuple[Offer, ...]) -> Offer | None:
    """The cheapest flagged offer, whose price Amazon calls the Buy Box price; None: suppressed."""
    return min((o for o in offers if o.winner), key=lambda o: o.landed, default=None)
