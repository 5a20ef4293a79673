"""What a ledger remembers: each product's fees of each day, and nobody else's."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from economics.assess_economics import Prepared
from economics.costing import PREPARED_KEPT, Economy, Ledger, by_product, price_market
from economics.facts import LowestPrice, MarketFacts, Offer, ReferencePrices
from economics.fee_schedule import FeeBook
from economics.market import take_snapshot
from tests.economics_strategies import AT, costs, rule, rules, terms
from tests.factories import ASIN, GB, OWN_SELLER, RIVALS

USUAL = rules(referral="0.15", fulfilment="2.50")
MIDNIGHT = datetime(2026, 5, 31, 23, tzinfo=UTC)
"""In London, where it is summer: there the first of June begins."""


def ledger():
    """15 % up to the end of May, 8 % from June on."""
    fees = [one for one in USUAL if one.kind != "referral"]
    fees.append(rule("referral", "may", rate="0.15", valid_to=date(2026, 6, 1)))
    fees.append(rule("referral", "june", rate="0.08", valid_from=date(2026, 6, 1)))
    return Ledger(FeeBook(fees, [terms()]))


def rate(found) -> str:
    assert isinstance(found, Prepared)
    return found.unit.curve.schedule.referral[0].rule_id


def test_a_product_has_the_fees_of_the_day_whatever_was_asked_before():
    book, product = ledger(), costs()
    moments = [MIDNIGHT - timedelta(seconds=1), MIDNIGHT, MIDNIGHT - timedelta(days=20)]
    asked = [rate(book.prepared(product, at)) for at in (*moments, *moments)]
    assert asked == ["may", "june", "may"] * 2


def test_two_products_asked_in_turn_keep_their_own_costs():
    book, cheap, dear = ledger(), costs(), costs(unit_cost="9.00")
    asked = [book.prepared(one, AT) for one in (cheap, dear, cheap, dear)]
    assert [one.unit.cost for one in asked] == [Decimal(4), Decimal(9)] * 2
    assert asked[0] is asked[2]


def test_costs_that_are_gone_do_not_hand_their_figures_to_those_that_take_their_place():
    """It remembers by identity, and a new object may be where one was of which nothing is kept."""
    book = ledger()
    for n in range(300):
        known = bool(n % 3)
        product = costs(unit_cost=str(n) if known else None)
        found = book.prepared(product, AT + timedelta(hours=n % 2))
        assert isinstance(found, Prepared) is known
        del product, found


def test_a_full_memory_starts_afresh_and_answers_the_same(monkeypatch):
    assert PREPARED_KEPT > 2
    monkeypatch.setattr("economics.costing.PREPARED_KEPT", 2)
    book, products = ledger(), [costs(unit_cost=str(n)) for n in range(5)]
    for _ in range(2):
        assert [book.prepared(one, AT).unit.cost for one in products] == [*range(5)]


USUAL_MARKET = {"own": "20.00", "rival": "18.00", "prime": "19.00", "wins": False, "map": "15.00"}
CHANGES = [{}, {"own": "21.00"}, {"rival": "17.00"}, {"rival": "9.00"}, {"prime": "18.50"},
           {"wins": True}, {"map": "30.00"}, {"racing": True}, {"own": "12.00"}, {"own": "12.00", "rival": "17.00"}]  # fmt: skip


@pytest.mark.parametrize("advise", [True, False])
def test_what_one_market_is_worth_is_not_told_of_another_that_differs_in_one_thing(advise):
    """One ledger is asked of all of them in turn, and a new one of each."""
    product = costs(estimated_daily_sales="2")

    def economy():
        return Economy(by_product([product]), ledger())

    def worth(known, *, racing=False, **change):
        given = USUAL_MARKET | change
        wins = given["wins"]
        offers = (
            Offer(seller_id=OWN_SELLER, listing=Decimal(given["own"]), prime=False, winner=wins),
            Offer(
                seller_id=RIVALS[0], listing=Decimal(given["rival"]), prime=False, winner=not wins
            ),
            Offer(seller_id=RIVALS[1], listing=Decimal(given["prime"]), prime=True, winner=False),
        )
        reference = ReferencePrices(minimum_advertised=Decimal(given["map"]))
        facts = MarketFacts(currency="GBP", offers=offers, reference=reference)
        market = take_snapshot(facts, seller_id=OWN_SELLER, marketplace_id=GB)
        key = (OWN_SELLER, GB, ASIN, "new")
        return price_market(known, key, market, facts, AT, racing=racing, advise=advise).view

    one = economy()
    asked = [worth(one, **change) for change in CHANGES]
    fresh = [worth(economy(), **change) for change in CHANGES]
    assert asked == fresh
    assert len({str(view) for view in fresh}) == (len(CHANGES) if advise else 6)


@pytest.mark.parametrize("advise", [True, False])
def test_two_markets_of_which_only_the_lows_were_sent_have_a_margin_each(advise):
    """Of a message without offers the summary alone tells the low; it names no rival."""
    known = Economy(by_product([costs()]), ledger())

    def margin(low):
        lows = (LowestPrice(landed=Decimal(low), fulfilled_by_amazon=False),)
        facts = MarketFacts(currency="GBP", lowest_prices=lows)
        market = take_snapshot(facts, seller_id=OWN_SELLER, marketplace_id=GB)
        key = (OWN_SELLER, GB, ASIN, "new")
        return price_market(known, key, market, facts, AT, advise=advise).view.margin_at_market_low

    assert margin("18.00") > margin("17.00") > margin("16.00")


def test_the_history_keeps_the_price_that_loses_nothing_whatever_the_seller_wants():
    """Neither the wanted margin nor the seller's lowest price make a loss of what is none."""
    product = costs(min_price="15.00")
    found = Ledger(FeeBook(USUAL, [terms(wanted_margin=Decimal("0.10"))]))
    facts = MarketFacts(
        currency="GBP", offers=(Offer(seller_id=OWN_SELLER, listing=Decimal("20.00")),)
    )
    market = take_snapshot(facts, seller_id=OWN_SELLER, marketplace_id=GB)
    known = Economy(by_product([product]), found)
    views = [
        price_market(known, (OWN_SELLER, GB, ASIN, "new"), market, facts, AT, advise=advise).view
        for advise in (False, True)
    ]
    free = Ledger(FeeBook(USUAL, [terms()])).prepared(costs(), AT)
    assert isinstance(free, Prepared)
    assert [view.min_viable_price for view in views] == [free.floors.even] * 2
    assert views[1].min_price_for_margin > free.floors.even
