"""The market as one message shows it: prices, positions and counts. One test a rule."""

from __future__ import annotations

from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from economics.facts import LowestPrice, MarketFacts, Offer
from economics.market import take_snapshot
from tests.factories import GB, JP, OWN_SELLER, RIVALS
from tests.strategies import any_market_facts, market_facts

OWN = OWN_SELLER
ANN, BEN, CAL = RIVALS


def offer(seller, listing, shipping="0", **more):
    return Offer(seller_id=seller, listing=Decimal(listing), shipping=Decimal(shipping), **more)


def low(landed, *, by_amazon=None):
    return LowestPrice(landed=Decimal(landed), fulfilled_by_amazon=by_amazon)


def snapshot(*offers, marketplace_id=GB, **facts):
    told = MarketFacts(currency="GBP", offers=offers, **facts)
    return take_snapshot(told, seller_id=OWN, marketplace_id=marketplace_id)


def test_a_price_is_listing_plus_shipping():
    seen = snapshot(offer(OWN, "10.00", "2.50"), offer(ANN, "9.00", "1.99"))
    assert (seen.your_price, seen.market_low) == (Decimal("12.50"), Decimal("10.99"))


def test_shipping_decides_the_position_not_the_listing_price():
    seen = snapshot(offer(OWN, "10.00", "5.00"), offer(ANN, "12.00"), offer(BEN, "14.99"))
    assert seen.your_position == 3


def test_points_come_off_the_price_in_japan():
    seen = snapshot(
        offer(OWN, "1000", "300", points=130), offer(ANN, "1200", points=29), marketplace_id=JP
    )
    assert (seen.your_price, seen.competitor_low) == (Decimal(1170), Decimal(1171))
    assert seen.your_position == 1


def test_points_mean_nothing_elsewhere():
    assert snapshot(offer(OWN, "10.00", points=3)).your_price == Decimal("10.00")


def test_of_several_own_offers_the_best_landed_one_is_your_price_and_your_position():
    seen = snapshot(
        offer(OWN, "18.00", "4.00"), offer(OWN, "20.00"), offer(ANN, "19.00"), offer(BEN, "21.00")
    )
    assert (seen.your_price, seen.your_position) == (Decimal("20.00"), 2)


def test_your_own_offers_do_not_push_each_other_back():
    """Three own offers in front are one position: the rival behind them is second."""
    own = [offer(OWN, price) for price in ("10.00", "11.00", "12.00")]
    assert snapshot(*own, offer(ANN, "10.50")).your_position == 1
    assert snapshot(*own, offer(ANN, "9.00")).your_position == 2


@pytest.mark.parametrize(
    ("yours", "position"), [("9.99", 1), ("10.00", 1), ("10.01", 3), ("12.00", 3), ("12.01", 4)]
)
def test_equal_prices_share_a_rank_and_the_next_rank_is_left_out(yours, position):
    rivals = [offer(ANN, "10.00"), offer(BEN, "10.00"), offer(CAL, "12.00")]
    assert snapshot(*rivals, offer(OWN, yours)).your_position == position


def test_equal_amounts_written_differently_are_ties():
    assert snapshot(offer(ANN, "10"), offer(OWN, "10.00")).your_position == 1


def test_two_offers_of_one_rival_are_two_places():
    assert snapshot(offer(ANN, "9"), offer(ANN, "8"), offer(OWN, "10")).your_position == 3


def test_a_rank_is_never_a_place_in_the_list():
    dear_first = [offer(CAL, "30"), offer(OWN, "20"), offer(ANN, "10")]
    assert snapshot(*dear_first).your_position == 2
    assert snapshot(*dear_first).market_low == 10


@given(
    market_facts.flatmap(lambda f: st.tuples(st.just(f), st.permutations(f.offers))),
    st.sampled_from([GB, JP]),
)
def test_the_order_of_the_list_never_matters(told, marketplace_id):
    facts, shuffled = told
    other = msgspec.structs.replace(facts, offers=tuple(shuffled))
    first, second = (
        take_snapshot(f, seller_id=OWN, marketplace_id=marketplace_id) for f in (facts, other)
    )
    assert first == second


def test_the_market_low_counts_your_own_offers_and_the_competitor_low_does_not():
    seen = snapshot(offer(OWN, "10.00"), offer(OWN, "9.00"), offer(ANN, "11.00"))
    assert (seen.market_low, seen.competitor_low) == (Decimal("9.00"), Decimal("11.00"))


def test_without_rivals_there_is_no_competitor_low():
    seen = snapshot(offer(OWN, "10.00"))
    assert (seen.market_low, seen.competitor_low) == (Decimal("10.00"), None)


def test_without_an_own_offer_the_competitor_low_is_the_market_low():
    seen = snapshot(offer(ANN, "10.00"), offer(BEN, "11.00"))
    assert (seen.market_low, seen.competitor_low) == (Decimal("10.00"), Decimal("10.00"))


@pytest.mark.parametrize(
    ("prime", "by_amazon", "counts"),
    [
        (True, False, True),
        (True, None, True),
        (False, True, False),
        (False, None, False),
        (None, True, True),
        (None, False, False),
        (None, None, False),
    ],
)
def test_prime_is_what_prime_information_says_and_fulfilment_only_where_it_is_absent(
    prime, by_amazon, counts
):
    seen = snapshot(
        offer(ANN, "10.00", prime=prime, fulfilled_by_amazon=by_amazon),
        offer(BEN, "15.00", prime=True),
    )
    assert seen.prime_low == Decimal("10.00" if counts else "15.00")


def test_the_prime_low_is_landed_and_may_be_your_own():
    seen = snapshot(offer(OWN, "8.00", "3.00", prime=True), offer(ANN, "11.50", prime=True))
    assert seen.prime_low == Decimal("11.00")


def test_without_prime_offers_there_is_no_prime_low():
    assert snapshot(offer(ANN, "10.00", prime=False)).prime_low is None


def test_the_summary_gives_the_lows_when_no_offers_were_sent():
    """Whose they are is not told, so there is no competitor low; what Amazon ships is Prime."""
    rows = (low("19.99", by_amazon=True), low("19.49", by_amazon=False), low("25", by_amazon=True))
    seen = snapshot(lowest_prices=rows, offer_count=3)
    assert (seen.market_low, seen.prime_low) == (Decimal("19.49"), Decimal("19.99"))
    assert (seen.competitor_low, seen.your_position, seen.your_price) == (None, None, None)
    assert seen.total_offers == 3


def test_a_low_of_unknown_channel_is_a_market_low_and_no_prime_low():
    seen = snapshot(lowest_prices=(low("19.49"),))
    assert (seen.market_low, seen.prime_low) == (Decimal("19.49"), None)


def test_offers_outrank_the_summary():
    seen = snapshot(offer(ANN, "10.00"), lowest_prices=(low("9.00", by_amazon=True),))
    assert (seen.market_low, seen.prime_low) == (Decimal("10.00"), None)


def test_the_total_is_the_number_of_offers_amazon_counts_beyond_the_twenty_it_sends():
    twenty = [offer(f"A{n}", 10 + n) for n in range(20)]
    assert snapshot(*twenty, offer_count=23).total_offers == 23
    assert snapshot(*twenty, offer_count=19).total_offers == 19


def test_the_list_s_length_is_the_total_only_where_amazon_counts_nothing():
    assert snapshot(offer(ANN, 1), offer(BEN, 1)).total_offers == 2


def test_a_total_of_zero_is_not_the_same_as_no_total():
    assert snapshot(offer_count=0).total_offers == 0
    assert snapshot().total_offers is None


def test_an_own_offer_that_is_missing_leaves_price_position_and_win_unknown():
    seen = snapshot(offer(ANN, "10.00", winner=True), offer_count=23)
    assert (seen.your_price, seen.your_position, seen.buy_box_winner) == (None, None, None)
    assert seen.own_price_unknown == "outside-offers-sent"


def test_a_message_without_offers_says_that_the_own_price_is_unknown_for_it():
    assert snapshot(lowest_prices=(low("9"),)).own_price_unknown == "no-offers-sent"
    assert snapshot().own_price_unknown == "no-offers-sent"
    assert snapshot().market_low is None


@pytest.mark.parametrize(
    "flag", ["foreign-currency", "offer-without-price", "offer-without-seller"]
)
@pytest.mark.parametrize("offers", [[], [offer(ANN, "10.00")]])
def test_an_own_offer_that_the_door_may_have_left_out_is_not_called_outside(flag, offers):
    assert snapshot(*offers, flags=(flag,)).own_price_unknown == "not-among-readable-offers"


def test_a_known_own_price_needs_no_reason():
    assert snapshot(offer(OWN, "10.00"), flags=("foreign-currency",)).own_price_unknown is None


def test_an_offer_that_ships_later_counts_and_a_low_made_of_such_alone_is_flagged():
    later = offer(ANN, "9.00", shippable_now=False)
    seen = snapshot(later, offer(OWN, "10.00"))
    assert (seen.market_low, seen.your_position) == (Decimal("9.00"), 2)
    assert "low-not-shippable-now" in seen.flags


def test_a_low_that_anybody_can_ship_now_is_not_flagged():
    later = offer(ANN, "9.00", shippable_now=False)
    assert snapshot(later, offer(BEN, "8.00", "1.00")).flags == ()
    assert snapshot(later, offer(BEN, "8.99")).flags == ()
    assert snapshot(lowest_prices=(low("9"),)).flags == ()


@pytest.mark.parametrize(
    "wrong",
    [
        offer(ANN, "0"),
        offer(ANN, "0.00", "4.99"),
        offer(ANN, "-0.01"),
        offer(ANN, "10.00", "-0.01"),
        offer(OWN, "0"),
    ],
)
def test_a_price_of_zero_or_less_makes_the_message_unbelievable(wrong):
    seen = snapshot(offer(OWN, "10.00"), wrong, offer_count=2, flags=("foreign-currency",))
    assert not seen.believable
    assert seen.flags == ("foreign-currency", "invalid-price")
    assert (seen.your_price, seen.market_low, seen.competitor_low) == (None, None, None)


@pytest.mark.parametrize(("points", "believable"), [(999, True), (1000, False), (1001, False)])
def test_points_that_eat_up_the_price_make_the_message_unbelievable_in_japan(points, believable):
    told = offer(ANN, "1000", points=points)
    assert snapshot(told, marketplace_id=JP).believable is believable
    assert snapshot(told).believable


@pytest.mark.parametrize("price", ["0", "0.00", "-3"])
@pytest.mark.parametrize("offers", [[], [offer(OWN, "10.00")]])
def test_a_price_of_zero_or_less_in_the_summary_is_as_unbelievable(price, offers):
    """Else it would become a market low of zero."""
    assert not snapshot(*offers, lowest_prices=(low("9"), low(price))).believable
    assert not snapshot(*offers, buy_box_prices=(Decimal(price),)).believable


def test_free_shipping_and_a_price_of_a_penny_are_normal():
    penny = Decimal("0.01")
    assert snapshot(offer(OWN, "0.01", "0")).believable
    assert snapshot(lowest_prices=(low("0.01"),), buy_box_prices=(penny,)).market_low == penny


def test_what_the_door_remarked_is_kept_first():
    flags = snapshot(buy_box_prices=(), flags=("foreign-currency",)).flags
    assert flags == ("foreign-currency", "buy-box-suppressed")


def test_the_currency_is_the_message_s():
    told = MarketFacts(currency="JPY", offers=(offer(OWN, "1980"),))
    seen = take_snapshot(told, seller_id=OWN, marketplace_id=JP)
    assert (seen.currency, str(seen.your_price)) == ("JPY", "1980")


@given(any_market_facts | market_facts, st.sampled_from([GB, JP]))
def test_a_believable_snapshot_has_prices_above_zero_and_a_reason_for_an_unknown_one(
    facts, marketplace_id
):
    """What the table's constraints demand of every state."""
    seen = take_snapshot(facts, seller_id=OWN, marketplace_id=marketplace_id)
    told = (seen.your_price, seen.market_low, seen.competitor_low, seen.prime_low)
    assert all(price is None or price > 0 for price in (*told, seen.buy_box_price))
    if not seen.believable:
        return
    assert (seen.your_price is None) == (seen.own_price_unknown is not None)
    assert (seen.your_price is None) == (seen.your_position is None)
    if seen.your_price is not None:
        assert seen.market_low == min(filter(None, (seen.your_price, seen.competitor_low)))
        assert seen.your_price > seen.market_low or seen.your_position == 1
    if seen.has_buy_box is not True:
        assert (seen.buy_box_price, seen.buy_box_sellers) == (None, ())
        assert seen.buy_box_winner is not True
