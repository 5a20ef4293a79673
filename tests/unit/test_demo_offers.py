"""The demo's offers: every case of real traffic comes up, in shapes as Amazon sends them."""

from __future__ import annotations

import json
from collections import Counter
from datetime import datetime
from decimal import Decimal
from itertools import pairwise

import pytest

from economics.marketplaces import find_marketplace
from tests.traffic import (
    condition_of,
    envelope,
    event_time,
    inner,
    landed,
    moneys,
    own_offers,
    total,
)
from worker.demo.book import AMAZON_RETAIL
from worker.demo.market import OWN_SELLERS

# --- the offers


def test_messages_with_many_offers_weigh_as_much_as_real_ones(run):
    direct = [s.body for s in run.sent if s.kind == "market" and b'"TopicArn"' not in s.body]
    sizes = [len(b) for b in direct if len(inner(json.loads(b))["Offers"]) >= 5]
    assert min(sizes) >= 3_000
    assert max(sizes) <= 12.5 * 1024
    assert max(sizes) > 11_000


def test_at_most_twenty_offers_are_sent_and_the_count_tells_the_rest(offers):
    for message in offers:
        notification = inner(message)
        assert len(notification["Offers"]) == min(total(notification), 20)
    assert {total(inner(m)) for m in offers} >= {1, 2, 20, 22} - {20}
    assert max(total(inner(m)) for m in offers) <= 25


def test_every_marketplace_is_there_with_its_own_currency_and_no_other(run, offers):
    seen = set()
    for sent in run.sent:
        message = envelope(sent.body) if sent.kind in {"market", "health"} else {}
        for key, notification in message.get("Payload", message.get("payload", {})).items():
            if key == "AnyOfferChangedNotification":
                marketplace_id = notification["OfferChangeTrigger"]["MarketplaceId"]
            elif key == "offerChangeTrigger":
                marketplace_id = notification["marketplaceId"]
            else:
                continue
            marketplace = find_marketplace(marketplace_id)
            seen.add(marketplace.country_code)
            assert {currency for _, currency in moneys(message)} == {marketplace.currency}
    assert seen == {"GB", "DE", "FR", "IT", "ES", "US", "JP"}
    assert {inner(m)["SellerId"] for m in offers} == set(OWN_SELLERS)


def test_yen_have_no_decimals_and_no_price_is_zero(offers):
    yen = 0
    for message in offers:
        for amount, currency in moneys(message):
            if currency == "JPY":
                yen += 1
                assert "." not in str(amount)
            assert Decimal(amount).as_tuple().exponent >= -2
        assert all(Decimal(o["ListingPrice"]["Amount"]) > 0 for o in inner(message)["Offers"])
        assert all(landed(o) > 0 for o in inner(message)["Offers"])
    assert yen > 100
    assert any("Points" in o for m in offers for o in inner(m)["Offers"])


CASES = {
    "own offer missing among more than 20": lambda n: not own_offers(n) and total(n) > 20,
    "own offer not listed": lambda n: not own_offers(n) and total(n) <= 20,
    "several own offers": lambda n: len(own_offers(n)) > 1,
    "own offer wins": lambda n: any(o["IsBuyBoxWinner"] for o in own_offers(n)),
    "own offer only": lambda n: len(own_offers(n)) == len(n["Offers"]),
    "two winners": lambda n: sum(o["IsBuyBoxWinner"] for o in n["Offers"]) == 2,
    "three winners": lambda n: sum(o["IsBuyBoxWinner"] for o in n["Offers"]) == 3,
    "suppressed, key absent": lambda n: "BuyBoxPrices" not in n["Summary"],
    "suppressed, list empty": lambda n: n["Summary"].get("BuyBoxPrices") == [],
    "used": lambda n: condition_of(n) == "used",
    "capital condition": lambda n: n["OfferChangeTrigger"]["ItemCondition"] in {"New", "Used"},
    "two conditions counted": lambda n: (
        len({r["Condition"] for r in n["Summary"]["NumberOfOffers"]}) == 2
    ),
    "string amounts": lambda n: isinstance(n["Offers"][0]["ListingPrice"]["Amount"], str),
    "IsOfferPrime": lambda n: any(
        "IsOfferPrime" in o.get("PrimeInformation", ()) for o in n["Offers"]
    ),
    "IsPrime": lambda n: any("IsPrime" in o.get("PrimeInformation", ()) for o in n["Offers"]),
    "Prime absent": lambda n: any("PrimeInformation" not in o for o in n["Offers"]),
    "seller-fulfilled Prime": lambda n: any(
        not o["IsFulfilledByAmazon"] and True in o.get("PrimeInformation", {}).values()
        for o in n["Offers"]
    ),
    "FBA without Prime": lambda n: any(
        o["IsFulfilledByAmazon"] and False in o.get("PrimeInformation", {}).values()
        for o in n["Offers"]
    ),
    "shipping costs": lambda n: any(Decimal(o["Shipping"]["Amount"]) > 0 for o in n["Offers"]),
    "not sorted": lambda n: any(landed(a) > landed(b) for a, b in pairwise(n["Offers"])),
    "equal prices": lambda n: len({landed(o) for o in n["Offers"]}) < len(n["Offers"]),
    "not shippable now": lambda n: any(
        o["ShippingTime"]["AvailabilityType"] == "FUTURE_WITH_DATE" for o in n["Offers"]
    ),
    "Amazon Retail": lambda n: any(o["SellerId"] in AMAZON_RETAIL.values() for o in n["Offers"]),
    "ISBN": lambda n: not n["OfferChangeTrigger"]["ASIN"].startswith("B0"),
}


@pytest.mark.parametrize("case", CASES)
def test_every_case_of_real_traffic_comes_up(offers, case):
    cases = [m for m in offers if CASES[case](inner(m))]
    assert cases
    assert len(cases) < len(offers)


def test_suppressed_means_no_price_for_the_condition_and_nobody_flagged(offers):
    for message in offers:
        notification = inner(message)
        rows = notification["Summary"].get("BuyBoxPrices", [])
        prices = [
            Decimal(r["LandedPrice"]["Amount"])
            for r in rows
            if r["Condition"].lower() == condition_of(notification)
        ]
        flagged = [landed(o) for o in notification["Offers"] if o["IsBuyBoxWinner"]]
        assert prices == ([min(flagged)] if flagged else [])
        assert all(r["Condition"] in {"New", "Used"} for r in rows)


def test_asins_have_ten_characters_and_some_are_sold_in_several_places(run):
    asins = {key[2] for key in run.truth.states}
    assert all(len(asin) == 10 and asin.isalnum() and asin.isascii() for asin in asins)
    subjects = {key[:3] for key in run.truth.states}
    assert max(Counter(asin for _, _, asin in subjects).values()) >= 2
    assert max(Counter(subject[1:] for subject in subjects).values()) == 2


def test_a_few_products_are_hot(offers):
    heard = Counter(inner(m)["OfferChangeTrigger"]["ASIN"] for m in offers).most_common()
    assert sum(number for _, number in heard[:6]) > len(offers) / 3


def test_price_wars_go_down_penny_by_penny(offers):
    lows: dict[tuple[str, ...], list[tuple[datetime, Decimal]]] = {}
    for message in offers:
        notification = inner(message)
        trigger = notification["OfferChangeTrigger"]
        key = (
            notification["SellerId"],
            trigger["MarketplaceId"],
            trigger["ASIN"],
            condition_of(notification),
        )
        low = min(landed(o) for o in notification["Offers"])
        lows.setdefault(key, []).append((event_time(message), low))
    steps = [b - a for series in lows.values() for (_, a), (_, b) in pairwise(sorted(series))]
    assert steps.count(Decimal("-0.01")) > 50


def test_key_order_varies(offers):
    assert len({tuple(m) for m in offers}) > 3
    assert len({tuple(inner(m)) for m in offers}) > 3
