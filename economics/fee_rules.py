"""What Amazon takes and what a product costs, as values, and which rules are in force when. Pure.

Rules are dated by day in the marketplace's own calendar, so an event's fees are those of its local
day. Nothing is assumed: a rule, a cost or a term that is missing makes the answer `Unknown`, with
a sentence saying what to add.

Source of the shapes: issue "Costs, fees and margins", part 2.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Context, Decimal
from functools import lru_cache
from typing import Literal
from zoneinfo import ZoneInfo

from economics.marketplaces import find_marketplace

FeeKind = Literal["referral", "fulfilment", "closing", "digital-services", "vat-on-fees"]
Shape = Literal["flat", "whole-price", "marginal"]
Channel = Literal["amazon", "merchant"]

ZERO = Decimal(0)
_SUM = Context(prec=60)

_ZONES = {
    "AE": "Asia/Dubai",
    "AU": "Australia/Sydney",
    "BE": "Europe/Brussels",
    "BR": "America/Sao_Paulo",
    "CA": "America/Los_Angeles",
    "DE": "Europe/Berlin",
    "EG": "Africa/Cairo",
    "ES": "Europe/Madrid",
    "FR": "Europe/Paris",
    "GB": "Europe/London",
    "IE": "Europe/Dublin",
    "IN": "Asia/Kolkata",
    "IT": "Europe/Rome",
    "JP": "Asia/Tokyo",
    "MX": "America/Los_Angeles",
    "NL": "Europe/Amsterdam",
    "PL": "Europe/Warsaw",
    "SA": "Asia/Riyadh",
    "SE": "Europe/Stockholm",
    "SG": "Asia/Singapore",
    "TR": "Europe/Istanbul",
    "US": "America/Los_Angeles",
    "ZA": "Africa/Johannesburg",
}
"""The clock by which a marketplace counts its days. Amazon's three North American shops share
Seattle's; in a country with one zone it is that one."""


@dataclass(frozen=True, slots=True)
class FeeRule:
    """One row of a fee schedule, in force from `valid_from` up to, not including, `valid_to`.

    `seller_id` None is everybody. `price_up_to` is the inclusive upper end of a tier or band of
    the total the buyer pays, None for no upper end; a tier begins where the next lower one ends.
    `rate` is a fraction (0.15), `amount` and `minimum` are money in `currency`. `shape` belongs to
    referral rules, `applies_to` (which fees are multiplied) to digital services, `weight_up_to_g`
    (inclusive grams) and `size_tier` to fulfilment. `source` and `source_date` say who published
    the number and when.
    """

    rule_id: str
    marketplace_id: str
    seller_id: str | None
    kind: FeeKind
    category: str | None
    size_tier: str | None
    weight_up_to_g: int | None
    fulfilment_channel: Channel | None
    shape: Shape | None
    price_up_to: Decimal | None
    rate: Decimal | None
    amount: Decimal | None
    minimum: Decimal | None
    applies_to: tuple[str, ...]
    currency: str
    valid_from: date
    valid_to: date | None
    source: str
    source_date: date
    note: str = ""

    def in_force(self, on: date) -> bool:
        """Whether the rule holds on this day of its marketplace's calendar."""
        return self.valid_from <= on and (self.valid_to is None or on < self.valid_to)


@dataclass(frozen=True, slots=True)
class SellerTerms:
    """What is particular to a seller in a marketplace, dated like a rule.

    A seller who is not VAT registered charges no VAT, so the sale's rate counts as 0 for them.
    `fee_vat_recoverable` is the share (0 to 1) of the VAT on Amazon's fees that comes back.
    `wanted_margin` is a fraction of net revenue.
    """

    seller_id: str
    marketplace_id: str
    valid_from: date
    valid_to: date | None
    vat_registered: bool
    fee_vat_recoverable: Decimal
    wanted_margin: Decimal = ZERO

    def in_force(self, on: date) -> bool:
        """Whether the terms hold on this day of their marketplace's calendar."""
        return self.valid_from <= on and (self.valid_to is None or on < self.valid_to)


@dataclass(frozen=True, slots=True)
class ProductCosts:
    """What one seller's product costs, net of VAT that comes back; money in `currency`.

    None is unknown. `inbound_postage` (to Amazon's warehouse) concerns channel amazon only,
    `own_postage` (to the buyer) channel merchant only. `sale_vat_rate` is a fraction.
    `estimated_daily_sales` is in units a day.
    """

    seller_id: str
    marketplace_id: str
    asin: str
    item_condition: str
    fulfilment_channel: Channel
    currency: str
    sku: str = ""
    unit_cost: Decimal | None = None
    inbound_postage: Decimal | None = None
    own_postage: Decimal | None = None
    prep: Decimal | None = None
    category: str | None = None
    weight_g: int | None = None
    size_tier: str | None = None
    sale_vat_rate: Decimal | None = None
    min_price: Decimal | None = None
    max_price: Decimal | None = None
    estimated_daily_sales: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Unknown:
    """Why something can't be worked out: a sentence without its full stop, for people."""

    reason: str


@dataclass(frozen=True, slots=True)
class FeeSchedule:
    """Everything that turns a price into fees for one kind of product of one seller on one day.

    `referral` and `fulfilment` are sorted by price, the last with no upper end; `fulfilment` is
    empty if the merchant sends. `tick` is the currency's smallest step. `sale_vat_rate` is 0 for a
    seller who is not VAT registered. Two schedules of equal content are equal.
    """

    currency: str
    tick: Decimal
    referral: tuple[FeeRule, ...]
    fulfilment: tuple[FeeRule, ...]
    closing: FeeRule
    digital_services: FeeRule
    vat_on_fees: FeeRule
    sale_vat_rate: Decimal
    fee_vat_recoverable: Decimal
    wanted_margin: Decimal
    _hash: int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        # A schedule is a cache key for every message, and hashing some ten rules is slow.
        everything = (
            *self.referral,
            *self.fulfilment,
            self.closing,
            self.digital_services,
            self.vat_on_fees,
            self.sale_vat_rate,
            self.fee_vat_recoverable,
            self.wanted_margin,
        )
        object.__setattr__(self, "_hash", hash(everything))

    def __hash__(self) -> int:
        return self._hash


def local_day(marketplace_id: str, at: datetime) -> date | None:
    """The day it is in the marketplace at this instant; None if its clock is not known."""
    zone = _zone(marketplace_id)
    return None if zone is None else at.astimezone(zone).date()


@lru_cache(maxsize=256)
def _zone(marketplace_id: str) -> ZoneInfo | None:
    marketplace = find_marketplace(marketplace_id)
    name = None if marketplace is None else _ZONES.get(marketplace.country_code)
    return None if name is None else ZoneInfo(name)


def total_cost(costs: ProductCosts) -> Decimal | Unknown:
    """What one unit costs before Amazon takes anything; Unknown names the cost that is missing."""
    total = ZERO
    for name, amount in cost_lines(costs):
        if amount is None:
            return Unknown(f"the {name} of the product is not known")
        if amount < 0:
            return Unknown(f"the {name} of the product is negative")
        total = _SUM.add(total, amount)
    return total


def cost_lines(costs: ProductCosts) -> Iterable[tuple[str, Decimal | None]]:
    """The costs that concern the product's channel, by name, in the order they are shown."""
    yield "unit cost", costs.unit_cost
    if costs.fulfilment_channel == "amazon":
        yield "inbound postage", costs.inbound_postage
    else:
        yield "own postage", costs.own_postage
    yield "prep cost", costs.prep
