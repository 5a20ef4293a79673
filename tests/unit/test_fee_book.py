"""What the book of fees remembers: each product's own schedule, and nobody else's."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from economics.fee_rules import FeeSchedule
from economics.fee_schedule import FeeBook, schedule_for
from tests.economics_strategies import AT, costs, rule, rules, terms

USUAL = rules(referral="0.15", minimum="0.25", fulfilment="2.50", digital="0.02", fee_vat="0.20")


@pytest.mark.parametrize(
    "other",
    [
        {"sale_vat_rate": "0.05"},
        {"size_tier": "small"},
        {"fulfilment_channel": "merchant", "own_postage": "3"},
        {"category": "toys"},
        {"weight_g": 600},
        {"currency": "EUR"},
        {"seller_id": "A9OTHER"},
    ],
    ids=lambda other: next(iter(other)),
)
def test_what_the_book_remembers_of_one_product_is_not_given_for_another(other):
    """They differ in nothing else: a rate or an amount would be the other's."""
    given = [
        *USUAL,
        rule("fulfilment", "small", size_tier="small", amount="1.00"),
        rule("fulfilment", "light", weight_up_to_g=500, amount="2"),
        rule("fulfilment", "heavy", weight_up_to_g=1000, amount="3"),
        rule("referral", "toys", category="toys", rate="0.11"),
        rule("closing", "toys-closing", category="toys"),
    ]
    book, one = FeeBook(given, [terms()]), costs(weight_g=300)
    first = book.schedule_for(one, AT)
    another = costs(**{"weight_g": 300} | other)
    assert book.schedule_for(another, AT) == schedule_for(given, [terms()], another, AT)
    assert book.schedule_for(another, AT) != first


def test_the_book_keeps_the_marketplaces_and_the_sellers_apart():
    """Two of them trade in euros, and differ in nothing else that a product says."""
    places = [
        {"marketplace_id": "A1PA6795UKMFR9", "currency": "EUR"},
        {"marketplace_id": "A13V1IB3VIYZZH", "currency": "EUR"},
    ]
    everywhere = [
        *USUAL,
        *(replace(one, rule_id=f"{n}-{one.rule_id}", **place)
          for n, place in enumerate(places) for one in USUAL),
    ]  # fmt: skip
    other = terms(seller_id="A9OTHER", fee_vat_recoverable=Decimal(0))
    agreed = [terms(), other, *(terms(marketplace_id=p["marketplace_id"]) for p in places)]
    book = FeeBook(everywhere, agreed)
    products = [costs(), *(costs(**place) for place in places), costs(seller_id="A9OTHER")]
    for product in products:
        found = book.schedule_for(product, AT)
        assert found == schedule_for(everywhere, agreed, product, AT)
        assert isinstance(found, FeeSchedule)
    assert book.schedule_for(products[-1], AT).fee_vat_recoverable == 0
