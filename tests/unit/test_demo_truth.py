"""The demo's account of the truth is right, and it finds every difference."""

from __future__ import annotations

import ast
from dataclasses import asdict, fields, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

import worker.demo
from economics.marketplaces import all_marketplaces
from worker.demo.offers import HealthAlert, Offer, OfferChange, Product
from worker.demo.traffic import Traffic
from worker.demo.truth import ExpectedState, Truth, compare

NOW = datetime(2026, 3, 4, 5, 6, 7, 891234, tzinfo=UTC)
COUNTRIES = {m.country_code: m for m in all_marketplaces().values()}
US = Product("OWN", COUNTRIES["US"], "B0HANDMADE")
US_KEY = ("OWN", "ATVPDKIKX0DER", "B0HANDMADE", "new")
RIVAL = Offer("RIVAL", listing=1_000, shipping=499, winner=True, prime=False)
RETAIL = Offer("RETAIL", listing=1_599, fulfilled_by_amazon=True)
OWN = Offer("OWN", listing=1_500, fulfilled_by_amazon=True, prime=False)
OWN_TOO = Offer("OWN", listing=1_550, shipping=50)


def seconds(number: int) -> datetime:
    return NOW + timedelta(seconds=number)


def change(at: int, *shown: Offer, hidden: int = 0) -> OfferChange:
    """An offer message about the handmade product; `hidden` offers are counted and not sent."""
    rest = tuple(Offer(f"HIDDEN{i}", 9_900) for i in range(hidden))
    used = (Offer("SHABBY", 300, winner=True),)
    return OfferChange(US, "new", seconds(at), shown, {"new": (*shown, *rest), "used": used})


def alert(at: int, issue: str = "BuyBoxDisqualification") -> HealthAlert:
    return HealthAlert(US, "new", seconds(at), OWN, (), issue)


def truth_of(*told: OfferChange | HealthAlert) -> ExpectedState:
    truth = Truth()
    for each in told:
        truth.note("health" if isinstance(each, HealthAlert) else "market", each)
    return truth.states[US_KEY]


def test_the_truth_of_a_market_worked_out_by_hand():
    """14.99 beats our 15.00; our second offer is 16.00; Retail's 15.99 is the one Prime offer."""
    assert truth_of(change(0, RIVAL, OWN, RETAIL, OWN_TOO, hidden=3)) == ExpectedState(
        currency="USD",
        your_price=Decimal("15.00"),
        last_own_price=Decimal("15.00"),
        market_low=Decimal("14.99"),
        competitor_low=Decimal("14.99"),
        prime_low=Decimal("15.99"),
        your_position=2,
        total_offers=7,
        buy_box_winner=False,
        has_buy_box=True,
        buy_box_price=Decimal("14.99"),
        event_time=NOW,
        health_issue=None,
    )


def test_yen_are_whole_and_points_come_off_the_price():
    japan = Product("OWN", COUNTRIES["JP"], "B0HANDMADE")
    shown = (
        Offer("OWN", 2_000, shipping=300, points=20, winner=True),
        Offer("RIVAL", 2_280, winner=True),
    )
    truth = Truth()
    truth.note("market", OfferChange(japan, "new", NOW, shown, {"new": shown}))
    (state,) = truth.states.values()
    assert state.currency == "JPY"
    assert str(state.your_price) == "2280"
    assert state.your_position == 1
    assert state.buy_box_winner is True
    assert state.prime_low is None


def test_the_newest_event_defines_the_state_in_any_order_of_arrival():
    old, new = change(1, OWN), change(2, replace(OWN, listing=1_400), RIVAL)
    assert truth_of(old, new) == truth_of(new, old)
    assert truth_of(new, old).your_price == Decimal("14.00")


def test_the_last_own_price_outlives_the_own_offer():
    gone = truth_of(change(1, OWN), change(3, RIVAL), change(2, replace(OWN, listing=1_450)))
    assert (gone.your_price, gone.your_position, gone.buy_box_winner) == (None, None, None)
    assert gone.last_own_price == Decimal("14.50")


def test_a_suppressed_buy_box_has_no_price():
    state = truth_of(change(1, OWN, replace(RIVAL, winner=False)))
    assert (state.has_buy_box, state.buy_box_price, state.buy_box_winner) == (False, None, False)


def test_health_alone_tells_nothing_of_the_market():
    state = truth_of(alert(1))
    assert state == ExpectedState("USD", health_issue="BuyBoxDisqualification")


def test_health_ends_when_the_own_offer_wins_then_or_later():
    winning = replace(OWN, winner=True)
    assert truth_of(change(1, winning), alert(2)).health_issue
    assert truth_of(alert(2), change(3, OWN)).health_issue
    assert truth_of(alert(2), change(2, winning)).health_issue is None
    assert truth_of(alert(2), change(4, OWN), change(3, winning)).health_issue is None
    assert truth_of(change(3, winning), alert(2)).health_issue is None
    assert (
        truth_of(alert(5, "newer"), alert(4, "older"), change(3, winning)).health_issue == "newer"
    )


# --- the comparison


def row(state: ExpectedState, **other: object) -> dict[str, object]:
    key = dict(zip(("seller_id", "marketplace_id", "asin", "item_condition"), US_KEY, strict=True))
    return {**key, **asdict(state), "id": 1, **other}


FULL = truth_of(change(0, RIVAL, OWN, RETAIL), alert(0))
WRONG: dict[str, object] = {
    "currency": "EUR",
    "your_position": 3,
    "total_offers": 4,
    "buy_box_winner": True,
    "has_buy_box": None,
    "event_time": NOW + timedelta(milliseconds=1),
    "health_issue": None,
} | dict.fromkeys(
    ("your_price", "last_own_price", "market_low", "competitor_low", "prime_low", "buy_box_price"),
    Decimal("15.01"),
)


def test_equal_rows_have_no_differences():
    names = ("seller_id", "marketplace_id", "asin", "item_condition")
    traffic = Traffic(seed=7, messages=500, now=NOW)
    assert len(list(traffic)) == 500
    states = traffic.truth.states
    rows = [{**dict(zip(names, k, strict=True)), **asdict(s)} for k, s in states.items()]
    assert compare(states, rows) == []
    assert len(compare(states, rows[1:])) == 1


@pytest.mark.parametrize("field", [f.name for f in fields(ExpectedState)])
def test_a_planted_error_is_found_in_each_field(field):
    for wrong in (WRONG[field], None if field != "health_issue" else "x"):
        if wrong == getattr(FULL, field):
            continue
        (difference,) = compare({US_KEY: FULL}, [row(FULL, **{field: wrong})])
        assert field in difference
        assert "expected" in difference
    without = row(FULL)
    del without[field]
    assert "no such column" in compare({US_KEY: FULL}, [without])[0]
    (blank,) = compare({US_KEY: replace(FULL, **{field: None})}, [row(FULL)])
    assert f"{field} expected nothing, got" in blank


def test_numbers_are_compared_by_value():
    same = row(FULL, your_price=Decimal("15.0000"), market_low="14.99", your_position=Decimal(2))
    assert compare({US_KEY: FULL}, [same]) == []
    assert compare({US_KEY: FULL}, [row(FULL, market_low="cheap")])
    assert compare({US_KEY: FULL}, [row(FULL, your_position=True)])


def test_missing_unexpected_and_double_states_are_found():
    assert compare({US_KEY: FULL}, []) == ["OWN/ATVPDKIKX0DER/B0HANDMADE/new: missing state"]
    assert "unexpected state" in compare({}, [row(FULL)])[0]
    assert "more than once" in compare({US_KEY: FULL}, [row(FULL), row(FULL)])[0]


def test_the_truth_shares_no_code_with_what_it_checks():
    folder = Path(worker.demo.__file__).parent
    for name in ("offers.py", "book.py", "market.py", "bodies.py", "traffic.py", "truth.py"):
        tree = ast.parse((folder / name).read_text("utf-8"))
        imports = [n for n in ast.walk(tree) if isinstance(n, ast.Import | ast.ImportFrom)]
        text = "\n".join(ast.unparse(node) for node in imports)
        assert "worker.analysis" not in text
        assert "worker.ingest" not in text
