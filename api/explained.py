"""The bodies of an explanation: the sum of a product's price line by line, with rules and dates."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

_RULE: dict[str, JsonValue] = {
    "rule_id": "uk-referral-home",
    "seller_id": None,
    "kind": "referral",
    "fee": "referral fee",
    "shape": "whole-price",
    "price_up_to": None,
    "rate": "0.15",
    "amount": None,
    "minimum": "0.25",
    "applies_to": [],
    "says": "15 %, at least 0.25",
    "in_force": "from 2025-02-01",
    "valid_from": "2025-02-01",
    "valid_to": None,
    "source": "Selling on Amazon fee schedule",
    "source_date": "2025-06-01",
    "note": "",
    "used_at": ["own price"],
}
_EXPLANATION: dict[str, JsonValue] = {
    "state_key": "A1F83G8C2ARO7P|B0CXYZ1234|new|consumer|A2OWNSELLER001",
    "sku": "MUG-1",
    "fulfilment_channel": "amazon",
    "currency": "GBP",
    "event_time": "2026-03-04T10:15:30Z",
    "doubt_since": None,
    "fees_on": "2026-03-04",
    "sums": [
        {
            "at": "own price",
            "price": "20.49",
            "lines": [
                {"name": "price", "label": "price", "amount": "20.49", "rules": []},
                {
                    "name": "VAT of the sale",
                    "label": "VAT of the sale (20 %)",
                    "amount": "-3.42",
                    "rules": [],
                },
                {
                    "name": "referral fee",
                    "label": "referral fee",
                    "amount": "-3.07",
                    "rules": ["uk-referral-home"],
                },
                {"name": "unit cost", "label": "unit cost", "amount": "-4.00", "rules": []},
            ],
            "profit": "10.00",
            "margin_pct": "58.56",
            "roi_pct": "250.00",
            "loses_money": False,
            "rules": ["uk-referral-home"],
        }
    ],
    "rules": [_RULE],
    "sale_vat_rate": "0.20",
    "fee_vat_recoverable": "1",
    "wanted_margin": "0.10",
    "min_viable_price": {"price": "5.86", "none_because": None},
    "min_price_for_margin": {"price": "6.67", "none_because": None},
    "dead_zones": [],
    "recommendation": {
        "price": "19.48",
        "code": "beat-rival",
        "reason": "Just under 19.49, the lowest rival that can be followed.",
    },
    "risk_flags": [],
    "unfollowable": [],
    "profit_at_stake_per_day": None,
    "unknown": [
        {
            "what": "Prime low",
            "why": "the newest message shows no Prime offer",
            "remedy": None,
        }
    ],
}


class ExplainedLine(BaseModel):
    """What a line adds to the profit: costs and fees are negative. `rules` are rule ids.

    `label` is the name, with the rate where that is the seller's or the product's own.
    """

    name: str
    label: str
    amount: Decimal
    rules: list[str]


class ExplainedPrice(BaseModel):
    """The sum at one price; its lines add up to the profit exactly.

    No lines mean that it cannot be made: the price, the costs or the fees are not known.
    """

    at: str = Field(examples=["own price", "market low", "Prime low", "recommended"])
    price: Decimal | None
    lines: list[ExplainedLine]
    profit: Decimal | None
    margin_pct: Decimal | None
    roi_pct: Decimal | None
    loses_money: bool | None
    rules: list[str]


class ExplainedRule(BaseModel):
    """A fee rule and the names of the prices it is used at. `says` and `in_force` are for people.

    In force from `valid_from` up to, not including, `valid_to`; for one seller, or (null) for all.
    """

    rule_id: str
    seller_id: str | None
    kind: str
    fee: str
    shape: str | None
    price_up_to: Decimal | None
    rate: Decimal | None
    amount: Decimal | None
    minimum: Decimal | None
    applies_to: list[str]
    says: str
    in_force: str
    valid_from: date
    valid_to: date | None
    source: str
    source_date: date
    note: str
    used_at: list[str]


class LowestPrice(BaseModel):
    """A price, or why there is none; both null if neither is known."""

    price: Decimal | None
    none_because: str | None


class DeadZone(BaseModel):
    """Every price above `after` up to `until` (null: without end) earns less than `after`."""

    after: Decimal
    until: Decimal | None


class Recommendation(BaseModel):
    """A price to ask, or null, with a code and a sentence why."""

    price: Decimal | None
    code: str
    reason: str


class Rival(BaseModel):
    """A seller whose landed price cannot be followed."""

    seller_id: str
    price: Decimal


class Gap(BaseModel):
    """Something that is not known, why, and what to do about it."""

    what: str
    why: str
    remedy: str | None


class Explanation(BaseModel):
    """Why the prices of one state are worth what they are, with the fees of `fees_on`.

    That is the day of its newest message, by the marketplace's calendar. `sku` and
    `fulfilment_channel` are those of the product whose costs are used.
    """

    model_config = ConfigDict(json_schema_extra={"examples": [_EXPLANATION]})

    state_key: str
    sku: str | None
    fulfilment_channel: str | None
    currency: str | None
    event_time: datetime | None
    doubt_since: datetime | None
    fees_on: date
    sums: list[ExplainedPrice]
    rules: list[ExplainedRule]
    sale_vat_rate: Decimal | None
    fee_vat_recoverable: Decimal | None
    wanted_margin: Decimal | None
    min_viable_price: LowestPrice
    min_price_for_margin: LowestPrice
    dead_zones: list[DeadZone]
    recommendation: Recommendation
    risk_flags: list[str]
    unfollowable: list[Rival]
    profit_at_stake_per_day: Decimal | None
    unknown: list[Gap]


class ProductExplanation(BaseModel):
    """An explanation for each state of a product: seller, condition and audience."""

    product_key: str = Field(examples=["A1F83G8C2ARO7P:B0CXYZ1234"])
    explanations: list[Explanation]
