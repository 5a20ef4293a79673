"""Amazon's pricing notifications as far as we keep them, in either spelling of the keys.

ANY_OFFER_CHANGED comes in PascalCase, PRICING_HEALTH in camelCase, B2B_ANY_OFFER_CHANGED in one in
the schema and the other in the guide. Every field is optional here and null counts as absent:
Amazon's schemas demand what real messages lack, so what a notification cannot do without is
decided at the door. A field that nothing keeps (sales ranks, feedback, eligible offers) is not
modelled at all, so that it can never be the reason to refuse a message.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any, TypeVar

from pydantic import (
    AliasChoices,
    AliasGenerator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainValidator,
    ValidationError,
)
from pydantic.alias_generators import to_camel, to_pascal

from worker.ingest import fields

Identifier = Annotated[str | None, PlainValidator(fields.identifier)]
KeyPart = Annotated[str | None, PlainValidator(fields.key_part)]
Condition = Annotated[str | None, PlainValidator(fields.condition)]
SubCondition = Annotated[str | None, PlainValidator(fields.sub_condition)]
Currency = Annotated[str | None, PlainValidator(fields.currency)]
Amount = Annotated[Decimal | None, PlainValidator(fields.amount)]
Count = Annotated[int | None, PlainValidator(fields.count)]
Flag = Annotated[bool | None, PlainValidator(fields.flag)]
Word = Annotated[str, PlainValidator(fields.word)]

T = TypeVar("T")


def _without_nulls(rows: object) -> object:
    return [row for row in rows if row is not None] if isinstance(rows, list) else rows


Rows = Annotated[list[T] | None, BeforeValidator(_without_nulls)]


def _either_case(name: str) -> AliasChoices:
    return AliasChoices(to_pascal(name), to_camel(name))


def _keys(*names: str, default: str | None = None) -> Any:
    """A field that Amazon calls by several names, each in PascalCase and camelCase."""
    camel = (name[0].lower() + name[1:] for name in names)
    return Field(default, validation_alias=AliasChoices(*names, *camel))


class _Part(BaseModel):
    model_config = ConfigDict(alias_generator=AliasGenerator(validation_alias=_either_case))


class Money(_Part):
    """An amount and its currency."""

    amount: Amount = None
    currency_code: Currency = None


class Points(_Part):
    """Amazon points, Japan only."""

    points_number: Count = None


class PriceParts(_Part):
    """What a price is made of. Offers have no LandedPrice, rows of the Summary do."""

    landed_price: Money | None = None
    listing_price: Money | None = None
    shipping: Money | None = None
    points: Points | None = None


class PrimeInformation(_Part):
    """Whether Prime customers get the offer as Prime. The guide and B2B leave "Offer" out."""

    is_prime: Flag = _keys("IsOfferPrime", "IsPrime")
    is_national_prime: Flag = _keys("IsOfferNationalPrime", "IsNationalPrime")


class ShippingTime(_Part):
    """When an offer ships: NOW, FUTURE_WITH_DATE or FUTURE_WITHOUT_DATE."""

    availability_type: Word = ""


class OfferRow(PriceParts):
    """One of at most 20 offers."""

    seller_id: Identifier = None
    sub_condition: SubCondition = None
    shipping_time: ShippingTime | None = None
    is_fulfilled_by_amazon: Flag = None
    is_buy_box_winner: Flag = None
    prime_information: PrimeInformation | None = None


class SummaryPrice(PriceParts):
    """A row of LowestPrices or BuyBoxPrices; only B2B has offer types and quantity tiers."""

    condition: Word = ""
    channel: Word = _keys("FulfillmentChannel", "FulfillmentType", default="")
    offer_type: Word = ""
    quantity_tier: Count = None


class OfferCount(_Part):
    """A row of NumberOfOffers."""

    condition: Word = ""
    offer_count: Count = None


class HealthReference(_Part):
    """PRICING_HEALTH's summary.referencePrice."""

    average_selling_price: Money | None = None
    competitive_price_threshold: Money | None = None
    retail_offer_price: Money | None = None
    msrp_price: Money | None = None


class Summary(_Part):
    """The Summary, which covers every condition of the product."""

    number_of_offers: Rows[OfferCount] = None
    lowest_prices: Rows[SummaryPrice] = None
    buy_box_prices: Rows[SummaryPrice] = None
    list_price: Money | None = None
    minimum_advertised_price: Money | None = None
    suggested_lower_price_plus_shipping: Money | None = None
    competitive_price_threshold: Money | None = None
    reference_price: HealthReference | None = None


class Trigger(_Part):
    """What changed. The time is read later, and only where the envelope has none."""

    marketplace_id: KeyPart = None
    asin: KeyPart = _keys("Asin", "ASIN")
    item_condition: Condition = None
    time_of_offer_change: Any = None


class PriceEvent(_Part):
    """What the three types have in common."""

    seller_id: Identifier = None
    offer_change_trigger: Trigger | None = None
    summary: Summary | None = None


class OfferChange(PriceEvent):
    """ANY_OFFER_CHANGED or B2B_ANY_OFFER_CHANGED."""

    offers: Rows[OfferRow] = None


class PricingHealth(PriceEvent):
    """PRICING_HEALTH."""

    issue_type: Identifier = None
    merchant_offer: PriceParts | None = None


EventT = TypeVar("EventT", bound=PriceEvent)

_REASONS = {
    "model_type": "must be an object",
    "list_type": "must be a list",
}


def read_event(model: type[EventT], document: object, path: str) -> EventT:
    """The document as a model. Raises InvalidFieldError that names the first bad field's path."""
    try:
        return model.model_validate(document)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        reason = first.get("ctx", {}).get("error") or _REASONS.get(first["type"]) or first["msg"]
        raise fields.invalid(path + "".join(map(_step, first["loc"])), str(reason)) from None


def _step(key: int | str) -> str:
    return f"[{key}]" if isinstance(key, int) else f".{key}"
