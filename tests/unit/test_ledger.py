"""What a ledger remembers: each product's fees of each day, and nobody else's."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from economics.assess_economics import Prepared
from economics.costing import PREPARED_KEPT, Ledger
from economics.fee_schedule import FeeBook
from tests.economics_strategies import AT, costs, rule, rules, terms

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
    """It remembers by identity, and a new object may be where an old one was."""
    book = ledger()
    for n in range(200):
        product = replace(costs(), unit_cost=Decimal(n))
        assert book.prepared(product, AT + timedelta(hours=n % 2)).unit.cost == n
        del product


def test_a_full_memory_starts_afresh_and_answers_the_same(monkeypatch):
    assert PREPARED_KEPT > 2
    monkeypatch.setattr("economics.costing.PREPARED_KEPT", 2)
    book, products = ledger(), [costs(unit_cost=str(n)) for n in range(5)]
    for _ in range(2):
        assert [book.prepared(one, AT).unit.cost for one in products] == [*range(5)]
