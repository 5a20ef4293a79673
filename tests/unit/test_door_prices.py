"""Which currency a message is in, and which rows of its summary concern it, row by row."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tests.factories import (
    NOW,
    OWN_SELLER,
    any_offer_changed,
    arrival,
    b2b_any_offer_changed,
    camel_case,
    money,
    offer,
    price_row,
    pricing_health,
)
from worker.ingest.door import read
from worker.ingest.notification import Notification, Rejection

UNKNOWN_MARKETPLACE = "A38D8NSA03LJTC"


def facts(message):
    result = read(arrival(message), now=NOW)
    assert isinstance(result, Notification), result
    return result.facts


def kind_of_refusal(message):
    result = read(arrival(message), now=NOW)
    assert isinstance(result, Rejection), result
    return result.error_type


def bare(marketplace_id, **summary):
    """A message of nothing but this summary."""
    trigger = {"MarketplaceId": marketplace_id, "ASIN": "B0CXYZ1234", "ItemCondition": "new"}
    content = {"SellerId": OWN_SELLER, "OfferChangeTrigger": trigger, "Summary": summary}
    return any_offer_changed(Payload={"AnyOfferChangedNotification": content})


@pytest.mark.parametrize("rows", ["LowestPrices", "BuyBoxPrices"])
def test_a_summary_alone_in_a_foreign_currency_is_refused(rows):
    foreign = {rows: [price_row(9, "USD")]}
    assert kind_of_refusal(any_offer_changed(offers=[], summary=_only(foreign))) == (
        "currency-mismatch"
    )


def _only(rows):
    return {"LowestPrices": None, "BuyBoxPrices": None} | rows


@pytest.mark.parametrize(
    "summary",
    [
        {"LowestPrices": [price_row(9, "CHF")]},
        {"BuyBoxPrices": [price_row(9, "CHF")]},
        {"ListPrice": money(9, "CHF")},
        {"CompetitivePriceThreshold": money(9, "CHF")},
    ],
    ids=lambda summary: next(iter(summary)),
)
def test_any_price_tells_the_currency_of_an_unknown_marketplace(summary):
    assert facts(bare(UNKNOWN_MARKETPLACE, **summary)).currency == "CHF"


def test_pricing_health_is_in_the_currency_of_the_marketplace_if_one_of_its_prices_is():
    """The foreign one is left out; refused is only what holds none in the marketplace's."""
    own = {"merchant_offer": _price(26, "USD")}
    box = {"summary": {"buyBoxPrices": [camel_case(price_row(19, "USD"))]}}
    found = facts(pricing_health(**own))
    assert (found.your_price, found.buy_box_price) == (None, Decimal("19.99"))
    assert found.flags == ("foreign-currency",)
    found = facts(pricing_health(**box))
    assert (found.your_price, found.buy_box_price) == (Decimal("26.50"), None)
    assert kind_of_refusal(pricing_health(**own, **box)) == "currency-mismatch"


def _price(amount, currency):
    of = camel_case(money(amount, currency))
    return {"landedPrice": of, "listingPrice": of, "shipping": None}


def test_the_buy_box_of_another_condition_is_not_that_of_the_own_offer():
    rows = [camel_case(price_row(5, Condition="Used")), camel_case(price_row(18, Condition="New"))]
    assert facts(pricing_health(summary={"buyBoxPrices": rows})).buy_box_price == 18
    assert facts(pricing_health(summary={"buyBoxPrices": rows[:1]})).buy_box_price is None


def test_pricing_health_counts_the_offers_of_its_condition_only():
    rows = [
        {"condition": condition, "fulfillmentType": "AFN", "offerCount": count}
        for condition, count in (("new", 3), ("New", 2), ("used", 50))
    ]
    assert facts(pricing_health(summary={"numberOfOffers": rows})).offer_count == 5


@pytest.mark.parametrize("amount", [5, 0])
def test_an_amount_without_a_currency_is_kept_and_no_foreign_one(amount):
    rows = [offer(listing=Decimal(7), ListingPrice={"Amount": 7}, Shipping={"Amount": amount})]
    found = facts(any_offer_changed(offers=rows))
    assert [(one.listing, one.shipping) for one in found.offers] == [(7, amount)]
    assert found.flags == ()


@pytest.mark.parametrize(
    "foreign",
    [{"LandedPrice": money(1, "USD")}, {"Shipping": money(1, "USD")}],
    ids=["landed", "shipping"],
)
def test_a_row_of_which_one_part_is_foreign_is_left_out(foreign):
    """Pounds and dollars added up would be a price that nobody asks."""
    rows = [price_row(9), price_row(8) | foreign]
    summary = {"LowestPrices": rows, "BuyBoxPrices": rows}
    found = facts(any_offer_changed(summary=summary))
    assert [row.landed for row in found.lowest_prices] == [9]
    assert found.buy_box_prices == (9,)
    assert found.flags == ("foreign-currency",)


def test_an_offer_whose_shipping_is_foreign_is_left_out():
    found = facts(any_offer_changed(offers=[offer(), offer(Shipping=money(1, "USD"))]))
    assert (len(found.offers), found.flags) == (1, ("foreign-currency",))


def test_a_currency_without_an_amount_is_no_foreign_price():
    found = facts(any_offer_changed(offers=[offer(Shipping={"CurrencyCode": "USD"})]))
    assert ([one.shipping for one in found.offers], found.flags) == ([0], ())


def test_a_row_without_a_price_is_no_sign_that_the_others_are_in_the_marketplace_s_currency():
    nothing = {"ListingPrice": None, "Shipping": None}
    rows = [offer(**nothing), offer(currency="USD")]
    summary = _only({"LowestPrices": [{"Condition": "new"}, price_row(9, "USD")]})
    assert kind_of_refusal(any_offer_changed(offers=rows, summary=summary)) == "currency-mismatch"


def test_a_landed_price_alone_is_a_price():
    row = price_row(9, "USD") | {"ListingPrice": None, "Shipping": None}
    summary = _only({"LowestPrices": [row]})
    assert kind_of_refusal(any_offer_changed(offers=[], summary=summary)) == "currency-mismatch"


def test_a_foreign_reference_price_is_left_out():
    """A minimum advertised price in dollars is no limit to a price in pounds."""
    found = facts(any_offer_changed(summary={"MinimumAdvertisedPrice": money(66, "USD")}))
    assert found.reference.minimum_advertised is None
    assert found.flags == ("foreign-currency",)


@pytest.mark.parametrize("tier", [2, 3, 50])
def test_the_price_of_several_units_is_not_the_price_of_one(tier):
    """Amazon's quantity tiers begin at 2; the price of one unit has tier 1 or none."""
    rows = [
        price_row(18, OfferType="B2B", QuantityTier=1),
        price_row(15, OfferType="B2B", QuantityTier=tier),
    ]
    found = facts(b2b_any_offer_changed(summary={"LowestPrices": rows, "BuyBoxPrices": rows}))
    assert [row.landed for row in found.lowest_prices] == [18]
    assert found.buy_box_prices == (18,)
