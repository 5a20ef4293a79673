"""What one notification says about one product, read once at the door and handed on as values.

The door writes these as JSON beside the raw body; analysis reads them back. Amounts are Decimal
in the marketplace's currency and travel as text, so that no float ever touches money. `None`
always means "not told", never zero.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

Audience = Literal["consumer", "business"]


class _Fact(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Offer(_Fact):
    """One offer of the message's item condition, as sent.

    `points` is the number of Amazon points (Japan only: one point is one yen off the price).
    `prime` is what PrimeInformation says, None where it is absent. `winner` is IsBuyBoxWinner,
    None where the key is absent. `shippable_now` is False for FUTURE_WITH_DATE and
    FUTURE_WITHOUT_DATE.
    """

    seller_id: str
    listing: Decimal
    shipping: Decimal = Decimal(0)
    points: int = 0
    prime: bool | None = None
    fulfilled_by_amazon: bool | None = None
    winner: bool | None = None
    shippable_now: bool = True
    sub_condition: str | None = None


class LowestPrice(_Fact):
    """A row of Summary.LowestPrices for the message's condition: the lowest of one channel."""

    fulfilled_by_amazon: bool | None = None
    landed: Decimal


class ReferencePrices(_Fact):
    """Prices Amazon compares with; every one optional."""

    list_price: Decimal | None = None
    minimum_advertised: Decimal | None = None
    suggested_lower: Decimal | None = None
    competitive_threshold: Decimal | None = None
    average_selling: Decimal | None = None
    retail_offer: Decimal | None = None
    msrp: Decimal | None = None


class MarketFacts(_Fact):
    """ANY_OFFER_CHANGED or B2B_ANY_OFFER_CHANGED, cut down to the message's own condition.

    `offers` has at most 20 and is empty when Amazon sent none. `offer_count` is
    Summary.NumberOfOffers over both channels, None where that is absent. `buy_box_prices` are the
    landed prices of Summary.BuyBoxPrices for the condition: empty means that Amazon sent a summary
    without a Buy Box for it (suppressed), None that no summary was sent at all.
    `flags` are remarks of the door, such as `foreign-currency` (rows left out).
    """

    kind: Literal["market"] = "market"
    currency: str
    offers: tuple[Offer, ...] = ()
    offer_count: int | None = None
    lowest_prices: tuple[LowestPrice, ...] = ()
    buy_box_prices: tuple[Decimal, ...] | None = None
    reference: ReferencePrices = ReferencePrices()
    flags: tuple[str, ...] = ()


class HealthFacts(_Fact):
    """PRICING_HEALTH: the own offer lost its eligibility for the Buy Box because of its price."""

    kind: Literal["health"] = "health"
    currency: str
    issue_type: str
    your_price: Decimal | None = None
    buy_box_price: Decimal | None = None
    offer_count: int | None = None
    reference: ReferencePrices = ReferencePrices()
    flags: tuple[str, ...] = ()


Facts = Annotated[MarketFacts | HealthFacts, Field(discriminator="kind")]

_FACTS: TypeAdapter[MarketFacts | HealthFacts] = TypeAdapter(Facts)


def facts_to_json(facts: MarketFacts | HealthFacts) -> str:
    """The facts as compact JSON text: what is at its default is left out, amounts are strings."""
    return facts.model_dump_json(exclude_defaults=True)[:-1] + f',"kind":"{facts.kind}"}}'


def facts_from_json(text: str | bytes) -> MarketFacts | HealthFacts:
    """Read back what `facts_to_json` wrote. Raises pydantic.ValidationError."""
    return _FACTS.validate_json(text)
