"""What one notification says about one product, read once at the door and handed on as values.

The door writes these as JSON beside the raw body; analysis reads them back. Amounts are Decimal
in the marketplace's currency and travel as text, so that no float ever touches money. `None`
always means "not told", never zero.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any, ClassVar, Literal, TypeAlias

import msgspec

Audience = Literal["consumer", "business"]


class _Fact(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    omit_defaults=True,
    gc=False,  # values without cycles: the collector need not look at a thousand offers a batch
):
    """A value that becomes JSON. Types are checked when it is read back, not when it is made."""


class Offer(_Fact, frozen=True, kw_only=True):
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


class LowestPrice(_Fact, frozen=True, kw_only=True):
    """A row of Summary.LowestPrices for the message's condition: the lowest of one channel."""

    fulfilled_by_amazon: bool | None = None
    landed: Decimal


class ReferencePrices(_Fact, frozen=True, kw_only=True):
    """Prices Amazon compares with; every one optional."""

    list_price: Decimal | None = None
    minimum_advertised: Decimal | None = None
    suggested_lower: Decimal | None = None
    competitive_threshold: Decimal | None = None
    average_selling: Decimal | None = None
    retail_offer: Decimal | None = None
    msrp: Decimal | None = None


class MarketFacts(_Fact, frozen=True, kw_only=True, tag_field="kind", tag="market"):
    """ANY_OFFER_CHANGED or B2B_ANY_OFFER_CHANGED, cut down to the message's own condition.

    `offers` has at most 20 and is empty when Amazon sent none. `offer_count` is
    Summary.NumberOfOffers over both channels, None where that is absent. `buy_box_prices` are the
    landed prices of Summary.BuyBoxPrices for the condition: empty means that Amazon sent a summary
    without a Buy Box for it (suppressed), None that no summary was sent at all, or that none of its
    prices for the condition is usable.
    `flags` are remarks of the door, such as `foreign-currency` (rows left out).
    """

    kind: ClassVar[Literal["market"]] = "market"
    currency: str
    offers: tuple[Offer, ...] = ()
    offer_count: int | None = None
    lowest_prices: tuple[LowestPrice, ...] = ()
    buy_box_prices: tuple[Decimal, ...] | None = None
    reference: ReferencePrices = ReferencePrices()
    flags: tuple[str, ...] = ()


class HealthFacts(_Fact, frozen=True, kw_only=True, tag_field="kind", tag="health"):
    """PRICING_HEALTH: the own offer lost its eligibility for the Buy Box because of its price."""

    kind: ClassVar[Literal["health"]] = "health"
    currency: str
    issue_type: str
    your_price: Decimal | None = None
    buy_box_price: Decimal | None = None
    offer_count: int | None = None
    reference: ReferencePrices = ReferencePrices()
    flags: tuple[str, ...] = ()


Facts: TypeAlias = MarketFacts | HealthFacts

_TO_JSON = msgspec.json.Encoder(decimal_format="string")
_FROM_JSON = msgspec.json.Decoder(Facts)


def facts_to_json(facts: Facts) -> str:
    """The facts as compact JSON text: what is at its default is left out, amounts are strings."""
    return _TO_JSON.encode(facts).decode()


def facts_from_json(text: str | bytes) -> Facts:
    """Read back what `facts_to_json` wrote. Raises msgspec.DecodeError."""
    return _finite(_FROM_JSON.decode(text))


def facts_to_dict(facts: Facts) -> dict[str, Any]:
    """The same as plain JSON values, for a column of the state."""
    found: dict[str, Any] = msgspec.to_builtins(facts, builtin_types=())
    return found


def facts_from_dict(values: dict[str, Any]) -> Facts:
    """Read back what `facts_to_dict` gave. Raises msgspec.ValidationError."""
    return _finite(msgspec.convert(values, Facts))


def _finite(facts: Facts) -> Facts:
    """Decimal knows "NaN" and "Infinity"; amounts do not."""
    if not all(map(Decimal.is_finite, _amounts(facts))):
        raise msgspec.ValidationError("an amount is not a number")
    return facts


def _amounts(facts: Facts) -> Iterable[Decimal]:
    """Every amount that becomes part of a state."""
    if isinstance(facts, HealthFacts):
        return filter(None, (facts.your_price, facts.buy_box_price))
    amounts = [offer.listing for offer in facts.offers]
    amounts += [offer.shipping for offer in facts.offers]
    amounts += [row.landed for row in facts.lowest_prices]
    amounts += facts.buy_box_prices or ()
    return amounts
