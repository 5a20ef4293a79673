"""What the page calls things: every code in words, whose a state is, why a figure is not known."""

from __future__ import annotations

import json
from typing import get_args

import pytest

from economics import market
from economics.marketplaces import all_marketplaces
from economics.risks import RiskFlag
from worker.alerts.steps import CLOCK, DATA, DELIVERY, QuietCode
from worker.alerts.values import Kind, Resolution
from worker.analysis.severity import Severity

STATE = {
    "seller_id": "US", "item_condition": "new", "audience": "consumer", "your_price": "20.49",
    "own_price_unknown": None, "market_low": "19.99", "prime_low": "19.99", "has_buy_box": True,
    "buy_box_winner": False, "buy_box_sellers": [], "economics_unknown": None,
    "recommendation_reason": "", "doubt_reason": None,
}  # fmt: skip


@pytest.mark.parametrize(
    ("called", "codes"),
    [
        ("severityName", get_args(Severity)),
        ("kindName", get_args(Kind)),
        ("resolutionName", get_args(Resolution)),
        ("quietName", get_args(QuietCode)),
        ("doubt", (market.INVALID_PRICE,)),
        (
            "flagName",
            (
                *get_args(RiskFlag), market.INVALID_PRICE, market.SUPPRESSED_BUY_BOX,
                market.LOW_NOT_SHIPPABLE, market.WINNER_NOT_TOLD,
            ),
        ),
        (
            "whyNoOwnPrice",
            (market.OUTSIDE_OFFERS_SENT, market.NO_OFFERS_SENT, market.NOT_AMONG_READABLE),
        ),
    ],
)  # fmt: skip
def test_each_code_has_words_of_its_own_and_one_that_is_not_known_is_shown(evaluate, called, codes):
    given = [*codes, "brand-new-code", "constructor", None]
    *words, new, odd, none = evaluate("words.js", f"{json.dumps(given)}.map(m.{called})")
    bare = [word for word, code in zip(words, codes, strict=True) if word == code.replace("-", " ")]
    assert (bare, len(set(words))) == ([], len(codes))
    assert (new, odd, none) == ("brand new code", "constructor", "")


def test_a_person_is_called_by_name_whatever_it_is(evaluate):
    given = [DATA, CLOCK, DELIVERY, "anna-maria", "constructor"]
    assert evaluate("words.js", f"{json.dumps(given)}.map(m.actorName)") == [
        "the data", "the clock", "delivery", "anna-maria", "constructor",
    ]  # fmt: skip


def test_every_marketplace_has_the_code_that_sellers_say_and_a_country(evaluate):
    codes = {m.marketplace_id: m.country_code for m in all_marketplaces().values()}
    given = [*codes, "AWHATISTHIS", "constructor"]
    *found, new, odd = evaluate("marketplaces.js", f"{json.dumps(given)}.map(m.marketplace)")
    assert [one["code"] for one in found] == [
        "UK" if code == "GB" else code for code in codes.values()
    ]
    assert [one for one in found if one["host"].split(".")[0] != "amazon"] == []
    assert len({one["country"] for one in found}) == len(found)
    assert new == {"code": "AWHATISTHIS", "country": "AWHATISTHIS", "host": None}
    assert odd["code"] == "constructor"


@pytest.mark.parametrize(
    ("condition", "audience", "short", "long"),
    [
        ("new", "consumer", "", "new, consumers"),
        ("used", "consumer", "used", "used, consumers"),
        ("new", "business", "business", "new, business customers"),
        ("used", "business", "used business", "used, business customers"),
    ],
)
def test_what_a_state_is_about(evaluate, condition, audience, short, long):
    given = json.dumps({"item_condition": condition, "audience": audience})
    found = evaluate("words.js", f"[m.shortName({given}), m.stateName({given})]")
    assert found == [short, long]


@pytest.mark.parametrize(
    ("winner", "sellers", "text", "detail"),
    [
        (False, ["R1"], "R1", ""),
        (False, ["R1", "R2"], "R1", "and 1 more"),
        (False, ["R1", "R2", "R3"], "R1", "and 2 more"),
        (True, ["US", "R1"], "You", "shared with R1"),
        (True, ["R1", "US", "R2"], "You", "shared with 2 others"),
        (None, ["R1"], "R1", ""),
    ],
)
def test_who_has_the_buy_box(evaluate, winner, sellers, text, detail):
    given = json.dumps(STATE | {"buy_box_winner": winner, "buy_box_sellers": sellers})
    found = evaluate("words.js", f"m.buyBoxHolder({given})")
    assert (found["text"], found["detail"]) == (text, detail)
    assert found.get("own", False) == (text == "You")


DOUBT = "the last message had a price that cannot be right; the figures are those before it"


@pytest.mark.parametrize(
    ("field", "changes", "why"),
    [
        ("your_price", {}, "not told by Amazon"),
        ("your_price", {"own_price_unknown": "no-offers-sent"}, "Amazon sent no offers"),
        ("prime_low", {"prime_low": None}, "no Prime offer was seen"),
        ("position", {"your_price": None, "market_low": None}, "your price is unknown"),
        ("gap_pct", {"market_low": None}, "the market low is unknown"),
        ("position", {"market_low": None}, "the market low is unknown"),
        ("gap_pct", {}, "not in Amazon's messages"),
        ("competitor_low", {"doubt_reason": "invalid-price"}, DOUBT),
        ("competitor_low", {"your_price": None, "economics_unknown": "x"}, "not in Amazon's messages"),
        ("margin_at_market_low", {"economics_unknown": "no costs are known"}, "no costs are known"),
        ("min_viable_price", {"economics_unknown": "no costs are known"}, "no costs are known"),
        ("profit_at_stake_per_day", {"economics_unknown": "no costs"}, "no costs"),
        ("margin_at_current_price", {"your_price": None}, "your price is unknown"),
        ("margin_at_market_low", {"your_price": None, "market_low": None}, "the market low is unknown"),
        ("margin_at_prime_low", {"prime_low": None, "market_low": None}, "no Prime offer was seen"),
        ("margin_at_current_price", {"market_low": None, "prime_low": None}, "not in Amazon's messages"),
        ("margin_at_market_low", {"your_price": None}, "not in Amazon's messages"),
        ("margin_at_prime_low", {"your_price": None}, "not in Amazon's messages"),
        ("min_viable_price", {"recommendation_reason": "Fees eat it."}, "Fees eat it."),
        ("min_viable_price", {}, "no price works"),
        ("min_price_for_margin", {"recommendation_reason": "Fees eat it."}, "not in Amazon's messages"),
    ],
)  # fmt: skip
def test_why_a_figure_is_not_known(evaluate, field, changes, why):
    given = json.dumps(STATE | changes)
    assert evaluate("words.js", f"m.whyUnknown({given}, '{field}')") == why
