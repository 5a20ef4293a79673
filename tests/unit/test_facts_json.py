"""Facts as JSON: nothing lost on the way, amounts digit for digit, and no more text than needed."""

from __future__ import annotations

import json
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from economics.facts import (
    HealthFacts,
    LowestPrice,
    MarketFacts,
    Offer,
    ReferencePrices,
    facts_from_json,
    facts_to_json,
)
from tests.strategies import any_health_facts, any_market_facts


@given(any_market_facts | any_health_facts)
def test_facts_come_back_as_they_went(facts):
    assert facts_from_json(facts_to_json(facts)) == facts
    assert facts_from_json(facts_to_json(facts).encode()) == facts


@given(any_market_facts)
def test_amounts_come_back_digit_for_digit(facts):
    """Equal is not enough for a history of prices: 10.50 stays 10.50."""
    back = facts_from_json(facts_to_json(facts))
    for field in ("lowest_prices", "offers"):
        for sent, found in zip(getattr(facts, field), getattr(back, field), strict=True):
            name = "landed" if field == "lowest_prices" else "listing"
            assert str(getattr(found, name)) == str(getattr(sent, name))
    assert list(map(str, back.buy_box_prices or ())) == list(map(str, facts.buy_box_prices or ()))


@given(any_market_facts | any_health_facts)
def test_amounts_travel_as_text_so_that_no_float_touches_them(facts):
    def refuse(text):
        raise AssertionError(f"a float on the way: {text}")

    json.loads(facts_to_json(facts), parse_float=refuse)


@pytest.mark.parametrize("text", ["0.1", "1980", "36.67", "1E+3", "999999999999.99999999", "-0.01"])
def test_an_amount_keeps_its_digits(text):
    facts = HealthFacts(currency="GBP", issue_type="x", your_price=Decimal(text))
    assert str(facts_from_json(facts_to_json(facts)).your_price) == text


def test_what_is_at_its_default_is_left_out():
    facts = MarketFacts(
        currency="GBP", offers=(Offer(seller_id="A", listing=Decimal("19.99"), winner=False),)
    )
    assert facts_to_json(facts) == (
        '{"kind":"market","currency":"GBP",'
        '"offers":[{"seller_id":"A","listing":"19.99","winner":false}]}'
    )
    assert facts_to_json(HealthFacts(currency="JPY", issue_type="x")) == (
        '{"kind":"health","currency":"JPY","issue_type":"x"}'
    )


def test_everything_else_is_kept():
    facts = MarketFacts(
        currency="GBP",
        offers=(
            Offer(
                seller_id="A",
                listing=Decimal("19.99"),
                shipping=Decimal("2.50"),
                points=3,
                prime=False,
                fulfilled_by_amazon=True,
                winner=True,
                shippable_now=False,
                sub_condition="very_good",
            ),
        ),
        offer_count=0,
        lowest_prices=(LowestPrice(landed=Decimal(1), fulfilled_by_amazon=False),),
        buy_box_prices=(),
        reference=ReferencePrices(**dict.fromkeys(ReferencePrices.__struct_fields__, Decimal(5))),
        flags=("foreign-currency",),
    )
    text = facts_to_json(facts)
    assert facts_from_json(text) == facts
    for model in (MarketFacts, Offer, LowestPrice, ReferencePrices):
        for name in model.__struct_fields__:
            assert f'"{name}":' in text, name


def test_an_empty_list_of_buy_box_prices_is_not_an_absent_one():
    """Suppressed is told, absent is not."""
    for prices in ((), None):
        facts = MarketFacts(currency="GBP", buy_box_prices=prices)
        assert facts_from_json(facts_to_json(facts)).buy_box_prices == prices


@given(st.sampled_from([True, False, None]))
def test_no_is_not_the_same_as_not_told(flag):
    offer = Offer(seller_id="A", listing=Decimal(1), winner=flag, prime=flag)
    [back] = facts_from_json(facts_to_json(MarketFacts(currency="GBP", offers=(offer,)))).offers
    assert (back.winner, back.prime) == (flag, flag)


def test_a_message_of_twenty_offers_stays_small():
    """A quarter of the body it comes from (12.5 KB)."""
    offers = tuple(
        Offer(
            seller_id=f"A1SELLER{n:06}",
            listing=Decimal("19.99"),
            prime=False,
            fulfilled_by_amazon=False,
            winner=False,
            sub_condition="new",
        )
        for n in range(20)
    )
    assert len(facts_to_json(MarketFacts(currency="GBP", offers=offers))) < 3000


@pytest.mark.parametrize(
    "told", [MarketFacts(currency="GBP"), HealthFacts(currency="GBP", issue_type="x")]
)
def test_facts_cannot_be_changed(told):
    with pytest.raises(AttributeError):
        told.currency = "USD"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        '{"currency":"GBP"}',
        '{"kind":"market"}',
        '{"kind":"health","currency":"GBP"}',
        '{"kind":"market","currency":"GBP","more":1}',
        '{"kind":"market","currency":"GBP","buy_box_prices":["NaN"]}',
        '{"kind":"market","currency":"GBP","buy_box_prices":["Infinity"]}',
    ],
)
def test_what_is_no_facts_is_refused(text):
    with pytest.raises(msgspec.DecodeError):
        facts_from_json(text)
