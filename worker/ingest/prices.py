"""From a pricing notification to facts: one condition, one currency, landed prices.

Landed = listing + shipping, less Amazon points in Japan (one point is one yen). What is left out
on the way is flagged, because an absent row must not read as an absent competitor.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import TypeVar

from economics.facts import (
    Audience,
    HealthFacts,
    LowestPrice,
    MarketFacts,
    Offer,
    ReferencePrices,
)
from economics.marketplaces import JAPAN, find_marketplace
from worker.errors import CurrencyMismatchError
from worker.ingest import models, usual
from worker.ingest.fields import missing

FOREIGN_CURRENCY = "foreign-currency"
INVALID_PRICE = "invalid-price"
OFFER_WITHOUT_PRICE = "offer-without-price"
OFFER_WITHOUT_SELLER = "offer-without-seller"

_BY_AMAZON = {"amazon": True, "afn": True, "merchant": False, "mfn": False}
_OFFER_TYPES: dict[Audience, tuple[str, str]] = {"consumer": ("", "b2c"), "business": ("", "b2b")}
"""What a row's OfferType is when its price is for this audience; mostly it is not given."""

_SHIPS_LATER = frozenset({"future_with_date", "future_without_date"})
_FREE = Decimal(0)

# What either reader hands over: the attributes are the same.
_Money = models.Money | usual.Money
_OfferRow = models.OfferRow | usual.OfferRow
_SummaryPrice = models.SummaryPrice | usual.SummaryPrice
_OfferCount = models.OfferCount | usual.OfferCount
_Priced = models.PriceParts | usual.OfferRow | usual.SummaryPrice
_Moneys = Sequence[_Money | None]
RowT = TypeVar("RowT", _SummaryPrice, _OfferCount)


def market_facts(
    change: models.OfferChange | usual.OfferChange,
    *,
    marketplace_id: str,
    item_condition: str,
    audience: Audience,
) -> MarketFacts:
    """The facts of ANY_OFFER_CHANGED, or with audience `business` of B2B_ANY_OFFER_CHANGED."""
    summary = change.summary or models.Summary()
    offers = change.offers or []
    lowest = _single_unit_rows(summary.lowest_prices, item_condition, audience)
    buy_box = _single_unit_rows(summary.buy_box_prices, item_condition, audience)
    has_boxes = any(row.condition == item_condition for row in summary.buy_box_prices or ())
    references = (
        summary.list_price,
        summary.minimum_advertised_price,
        summary.suggested_lower_price_plus_shipping,
        summary.competitive_price_threshold,
    )
    currency = _decide_currency(marketplace_id, [*offers, *lowest, *buy_box], references)
    has_points = marketplace_id == JAPAN and audience == "consumer"
    till = _Till(currency, has_points=has_points)
    list_price, minimum_advertised, suggested_lower, threshold = map(till.amount, references)
    return MarketFacts(
        currency=currency,
        offers=tuple(filter(None, map(till.offer, offers))),
        offer_count=_market_count(summary.number_of_offers or [], item_condition, offers),
        lowest_prices=tuple(filter(None, map(till.lowest_price, lowest))),
        buy_box_prices=till.buy_box_prices(buy_box, told=has_boxes) if change.summary else None,
        reference=ReferencePrices(
            list_price=list_price,
            minimum_advertised=minimum_advertised,
            suggested_lower=suggested_lower,
            competitive_threshold=threshold,
        ),
        flags=till.flags,
    )


def health_facts(
    health: models.PricingHealth, *, marketplace_id: str, item_condition: str
) -> HealthFacts:
    """The facts of PRICING_HEALTH, which has no offers but your own."""
    if health.issue_type is None:
        raise missing("payload.issueType")
    summary = health.summary or models.Summary()
    own = health.merchant_offer or models.PriceParts()
    buy_box = _single_unit_rows(summary.buy_box_prices, item_condition, "consumer")
    given = summary.reference_price or models.HealthReference()
    references = (
        given.average_selling_price,
        given.competitive_price_threshold,
        given.retail_offer_price,
        given.msrp_price,
    )
    currency = _decide_currency(marketplace_id, [own, *buy_box], references)
    till = _Till(currency, has_points=marketplace_id == JAPAN)
    average_selling, threshold, retail_offer, msrp = map(till.amount, references)
    return HealthFacts(
        currency=currency,
        issue_type=health.issue_type,
        your_price=till.valid_price(own),
        buy_box_price=min(filter(None, map(till.valid_price, buy_box)), default=None),
        offer_count=_count(_of_condition(summary.number_of_offers or [], item_condition)),
        reference=ReferencePrices(
            average_selling=average_selling,
            competitive_threshold=threshold,
            retail_offer=retail_offer,
            msrp=msrp,
        ),
        flags=till.flags,
    )


class _Till:
    """Takes prices in one currency and remembers why it refused any."""

    def __init__(self, currency: str, *, has_points: bool) -> None:
        self._currency = currency
        self._has_points = has_points
        self._flags: set[str] = set()

    @property
    def flags(self) -> tuple[str, ...]:
        """Every remark once, in alphabetical order."""
        return tuple(sorted(self._flags))

    def offer(self, row: _OfferRow) -> Offer | None:
        """The offer, whatever its price is; None where it cannot be compared at all."""
        if (listing := _amount(row.listing_price)) is None:
            self._refuse(OFFER_WITHOUT_PRICE)
            return None
        if row.seller_id is None:
            self._refuse(OFFER_WITHOUT_SELLER)
            return None
        if not self._takes(_moneys(row)):
            return None
        availability = row.shipping_time.availability_type if row.shipping_time else ""
        return Offer(
            seller_id=row.seller_id,
            listing=listing,
            shipping=_amount(row.shipping) or _FREE,
            points=self._points(row),
            prime=_prime(row.prime_information),
            fulfilled_by_amazon=row.is_fulfilled_by_amazon,
            winner=row.is_buy_box_winner,
            shippable_now=availability not in _SHIPS_LATER,
            sub_condition=row.sub_condition,
        )

    def lowest_price(self, row: _SummaryPrice) -> LowestPrice | None:
        """The row of LowestPrices, or None."""
        landed = self.landed(row)
        if landed is None:
            return None
        return LowestPrice(fulfilled_by_amazon=_BY_AMAZON.get(row.channel), landed=landed)

    def buy_box_prices(
        self, rows: Sequence[_SummaryPrice], *, told: bool
    ) -> tuple[Decimal, ...] | None:
        """Their landed prices.

        `told`: the message has rows of the condition. If none of them is for a single unit and this
        audience, or none can be read, a missing price is no proof of suppression.
        """
        prices = tuple(price for row in rows if (price := self.landed(row)) is not None)
        return None if told and not prices else prices

    def valid_price(self, row: _Priced) -> Decimal | None:
        """The landed price if it can be one that somebody pays: more than zero."""
        landed = self.landed(row)
        if landed is not None and landed <= 0:
            self._refuse(INVALID_PRICE)
            return None
        return landed

    def landed(self, row: _Priced) -> Decimal | None:
        """LandedPrice where Amazon gives it, else the sum of the parts."""
        if not self._takes(_moneys(row)):
            return None
        landed, listing = _amount(row.landed_price), _amount(row.listing_price)
        if landed is not None or listing is None:
            return landed
        return listing + (_amount(row.shipping) or _FREE) - self._points(row)

    def amount(self, money: _Money | None) -> Decimal | None:
        """A single amount."""
        return _amount(money) if self._takes((money,)) else None

    def _takes(self, moneys: _Moneys) -> bool:
        for money in moneys:
            if money is not None and money.currency_code != self._currency and _currencies([money]):
                self._refuse(FOREIGN_CURRENCY)
                return False
        return True

    def _points(self, row: _Priced) -> int:
        if row.points is None or not self._has_points:
            return 0
        return row.points.points_number or 0

    def _refuse(self, flag: str) -> None:
        self._flags.add(flag)


def _decide_currency(marketplace_id: str, rows: Sequence[_Priced], references: _Moneys) -> str:
    """The marketplace's currency; for one we do not know, the only currency of the message."""
    marketplace = find_marketplace(marketplace_id)
    if marketplace is not None:
        is_elsewhere = False
        for row in filter(_is_priced, rows):
            if _currencies(_moneys(row)) <= {marketplace.currency}:
                return marketplace.currency
            is_elsewhere = True
        if is_elsewhere:
            raise CurrencyMismatchError(
                f"CurrencyCode is nowhere {marketplace.currency}, the currency of marketplace "
                f"{marketplace_id}; check which marketplace the prices belong to."
            )
        return marketplace.currency
    named = _currencies([*references, *(money for row in rows for money in _moneys(row))])
    if len(named) > 1:
        raise CurrencyMismatchError(
            f"CurrencyCode has {len(named)} values, and marketplace {marketplace_id} is not in the "
            "list of marketplaces; add it there, then replay the message."
        )
    if not named:
        raise missing(
            "CurrencyCode",
            f"and marketplace {marketplace_id} is not in the list of marketplaces: add it there",
        )
    return named.pop()


def _moneys(row: _Priced) -> _Moneys:
    return (row.landed_price, row.listing_price, row.shipping)


def _is_priced(row: _Priced) -> bool:
    return _amount(row.landed_price) is not None or _amount(row.listing_price) is not None


def _currencies(moneys: Iterable[_Money | None]) -> set[str]:
    """The currencies named. An amount that names none is in the marketplace's."""
    return {
        money.currency_code
        for money in moneys
        if money is not None and money.currency_code and money.amount is not None
    }


def _amount(money: _Money | None) -> Decimal | None:
    return None if money is None else money.amount


def _single_unit_rows(
    rows: Sequence[_SummaryPrice] | None, item_condition: str, audience: Audience
) -> list[_SummaryPrice]:
    """The rows of the condition that say what a single unit costs this audience."""
    offer_types = _OFFER_TYPES[audience]
    return [
        row
        for row in _of_condition(rows or [], item_condition)
        if row.quantity_tier in {None, 1} and row.offer_type in offer_types
    ]


def _of_condition(rows: Sequence[RowT], item_condition: str) -> list[RowT]:
    return [row for row in rows if row.condition == item_condition]


def _count(rows: Sequence[_OfferCount]) -> int | None:
    counts = [row.offer_count for row in rows if row.offer_count is not None]
    return sum(counts) if counts else None


def _market_count(
    rows: Sequence[_OfferCount], item_condition: str, offers: Sequence[_OfferRow]
) -> int | None:
    """Offers over all channels; zero where Amazon counts other conditions and sends no offer."""
    matching = _of_condition(rows, item_condition)
    if rows and not matching and not offers:
        return 0
    return _count(matching)


def _prime(
    information: models.PrimeInformation | usual.PrimeInformation | None,
) -> bool | None:
    """Where Prime itself is not given, national Prime counts: it includes Prime."""
    if information is None:
        return None
    return information.is_national_prime if information.is_prime is None else information.is_prime
