"""Who holds the Buy Box, whether anybody does, and whether Amazon has told at all."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from economics.facts import MarketFacts, Offer
from economics.market import Snapshot, take_snapshot
from tests.factories import (
    GB,
    NOW,
    OWN_SELLER,
    RIVALS,
    any_offer_changed,
    arrival,
    b2b_any_offer_changed,
    body,
    price_row,
)
from tests.factories import offer as sent_offer
from worker.ingest.door import read

OWN = OWN_SELLER
ANN, BEN, CAL = RIVALS


def offer(seller, listing, *, winner=False):
    return Offer(seller_id=seller, listing=Decimal(listing), winner=winner)


def snapshot(*offers, box=None):
    """`box` is the landed prices of Summary.BuyBoxPrices; None: no summary was sent."""
    prices = None if box is None else tuple(map(Decimal, box))
    told = MarketFacts(currency="GBP", offers=offers, buy_box_prices=prices)
    return take_snapshot(told, seller_id=OWN, marketplace_id=GB)


def through_the_door(message, now=NOW):
    found = read(arrival(message), now=now)
    return take_snapshot(
        found.facts, seller_id=found.seller_id, marketplace_id=found.marketplace_id
    )


def test_the_buy_box_is_yours_when_your_offer_is_flagged():
    seen = snapshot(offer(OWN, 10, winner=True), offer(ANN, 9), box=[10])
    assert (seen.buy_box_winner, seen.has_buy_box, seen.buy_box_price) == (True, True, 10)


@pytest.mark.parametrize("winning", [0, 1])
def test_any_winning_own_offer_means_winning_the_dearer_one_too(winning):
    own = [offer(OWN, price, winner=i == winning) for i, price in enumerate((10, 12))]
    assert snapshot(*own, offer(ANN, 9)).buy_box_winner is True
    assert snapshot(*own, offer(ANN, 9)).your_price == 10


def test_somebody_else_s_buy_box_is_there_and_not_yours():
    seen = snapshot(offer(OWN, 10), offer(ANN, 9, winner=True), box=[9])
    assert (seen.has_buy_box, seen.buy_box_winner) == (True, False)
    assert (seen.buy_box_price, seen.buy_box_sellers) == (9, (ANN,))
    assert seen.flags == ()


def test_a_suppressed_buy_box_is_no_buy_box_and_nobody_s():
    """Summary.BuyBoxPrices came without the condition: nobody wins, and there is no price."""
    seen = snapshot(offer(OWN, 10), offer(ANN, 9), box=[])
    assert (seen.has_buy_box, seen.buy_box_winner, seen.buy_box_price) == (False, False, None)
    assert seen.flags == ("buy-box-suppressed",)


def test_a_suppressed_buy_box_is_not_yours_even_where_the_flags_are_left_out():
    seen = snapshot(offer(OWN, 10, winner=None), offer(ANN, 9, winner=None), box=[])
    assert (seen.has_buy_box, seen.buy_box_winner) == (False, False)
    assert seen.flags == ("buy-box-suppressed",)


def test_without_a_summary_and_flags_it_is_not_told_whether_there_is_a_buy_box():
    seen = snapshot(offer(OWN, 10, winner=None), offer(ANN, 9, winner=None))
    assert (seen.has_buy_box, seen.buy_box_winner, seen.buy_box_price) == (None, None, None)
    assert seen.flags == ("winner-not-told",)


def test_a_buy_box_without_any_flags_is_somebody_s_and_not_told_to_be_yours():
    seen = snapshot(offer(OWN, 10, winner=None), offer(ANN, 9), box=[9])
    assert (seen.has_buy_box, seen.buy_box_winner) == (True, None)
    assert seen.flags == ("winner-not-told",)


def test_one_own_offer_without_a_flag_leaves_the_win_unknown():
    seen = snapshot(offer(OWN, 10, winner=None), offer(OWN, 11), box=[9])
    assert seen.buy_box_winner is None


def test_flags_that_are_all_false_say_that_it_is_not_yours():
    assert snapshot(offer(OWN, 10), offer(ANN, 9)).buy_box_winner is False
    assert snapshot(offer(OWN, 10), offer(ANN, 9), box=[9]).buy_box_winner is False


def test_a_flagged_rival_settles_an_own_offer_without_a_flag():
    """Amazon may leave the key out where it is false."""
    seen = snapshot(offer(OWN, 10, winner=None), offer(ANN, 9, winner=True))
    assert (seen.buy_box_winner, seen.flags) == (False, ())


@pytest.mark.parametrize("box", [None, [], [9]])
@pytest.mark.parametrize("rival_wins", [True, False, None])
def test_an_own_offer_that_was_not_sent_is_not_known_to_lose(box, rival_wins):
    seen = snapshot(offer(ANN, 9, winner=rival_wins), box=box)
    assert seen.buy_box_winner is None
    assert "winner-not-told" not in seen.flags


def test_the_buy_box_price_does_not_need_an_own_offer_nor_any_offer():
    assert snapshot(offer(ANN, 9), box=["9.49", "9.29"]).buy_box_price == Decimal("9.29")
    assert snapshot(box=["9.49"]).buy_box_price == Decimal("9.49")
    assert snapshot(box=["9.49"]).has_buy_box is True


def test_a_flagged_offer_is_a_buy_box_even_if_the_summary_has_none():
    for box in (None, []):
        seen = snapshot(offer(OWN, 10), offer(ANN, 9, winner=True), box=box)
        assert (seen.has_buy_box, seen.buy_box_price) == (True, 9)
        assert seen.flags == ()


def test_where_the_two_differ_the_summary_names_the_buy_box_price():
    assert snapshot(offer(ANN, 9, winner=True), box=["9.99"]).buy_box_price == Decimal("9.99")


def test_winners_are_a_set():
    """One to three are flagged in real messages; each seller is named once, in a fixed order."""
    seen = snapshot(
        offer(CAL, 9, winner=True),
        offer(ANN, 8, winner=True),
        offer(CAL, 7, winner=True),
        offer(OWN, 6),
    )
    assert seen.buy_box_sellers == (ANN, CAL)
    assert (seen.buy_box_price, seen.buy_box_winner) == (7, False)
    shared = snapshot(offer(OWN, 10, winner=True), offer(ANN, 9, winner=True))
    assert (shared.buy_box_winner, shared.buy_box_sellers) == (True, (ANN, OWN))


def test_a_real_message_with_two_own_offers(data_dir):
    """The dearer own offer at 79.35 and a rival that ships later change nothing."""
    real = data_dir / "spapi" / "any_offer_changed.peddler-real-fixture.json"
    assert through_the_door(real.read_bytes(), datetime(2024, 12, 12, 12, tzinfo=UTC)) == Snapshot(
        currency="USD",
        your_price=Decimal("55.21"),
        market_low=Decimal("54.52"),
        competitor_low=Decimal("54.52"),
        prime_low=Decimal("55.21"),
        your_position=2,
        total_offers=7,
        buy_box_winner=True,
        has_buy_box=True,
        buy_box_price=Decimal("55.21"),
        buy_box_sellers=("ASELLER0000002",),
    )


def test_the_used_market_of_a_message_is_not_its_new_market():
    """The summary has both conditions; the message is about one."""
    used = through_the_door(body(any_offer_changed(item_condition="used")))
    assert (used.total_offers, used.buy_box_price) == (5, Decimal("5.72"))
    bare = through_the_door(body(any_offer_changed(item_condition="used", offers=[])))
    assert (bare.market_low, bare.own_price_unknown) == (Decimal("6.52"), "no-offers-sent")


def test_a_buy_box_of_another_condition_only_is_none_for_this_one():
    rows = [price_row(Decimal("5.72"), Condition="Used")]
    offers = [sent_offer(OWN, winner=None), sent_offer(ANN, winner=None)]
    seen = through_the_door(any_offer_changed(summary={"BuyBoxPrices": rows}, offers=offers))
    assert (seen.has_buy_box, seen.buy_box_winner, seen.buy_box_price) == (False, False, None)


def test_an_offer_in_another_currency_is_no_competitor():
    offers = [sent_offer(OWN, Decimal(20)), sent_offer(ANN, Decimal(1), currency="USD")]
    seen = through_the_door(any_offer_changed(offers=offers))
    assert (seen.your_position, seen.competitor_low) == (1, None)
    assert "foreign-currency" in seen.flags


def test_a_zero_in_the_summary_of_a_message_without_offers_is_no_market_low():
    rows = [price_row(0, FulfillmentChannel="Merchant")]
    seen = through_the_door(any_offer_changed(offers=[], summary={"LowestPrices": rows}))
    assert not seen.believable


def test_quantity_prices_for_businesses_are_not_the_price_of_one():
    seen = through_the_door(b2b_any_offer_changed(offers=[]))
    assert (seen.market_low, seen.buy_box_price) == (Decimal("18.99"), Decimal("18.99"))


@pytest.mark.parametrize(
    "told",
    [{"OfferType": "B2C", "QuantityTier": 1}, {"OfferType": "B2B", "QuantityTier": 20}],
    ids=["the consumers' price", "a price for many"],
)
def test_a_business_buy_box_without_a_business_price_of_one_is_not_suppressed(told):
    """Where no featured offer has a business price Amazon names the consumers' as its price."""
    boxes = [price_row(Decimal("18.99"), **told)]
    offers = [sent_offer(OWN, winner=False), sent_offer(ANN, winner=False)]
    seen = through_the_door(b2b_any_offer_changed(summary={"BuyBoxPrices": boxes}, offers=offers))
    assert (seen.has_buy_box, seen.buy_box_price) == (None, None)
    assert "buy-box-suppressed" not in seen.flags
