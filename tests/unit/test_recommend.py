"""What to ask: never below the floors nor above the limit, and never at a loss."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from economics.recommend import Bounds, Rivals, floors_of, recommend, sort_out
from economics.viable import NoViablePrice, dead_zones
from tests.economics_strategies import BP, costs, drawn_cases, rules, unit

FLAT = {"referral": "0.15", "minimum": "0.25", "fulfilment": "2.50", "digital": "0.02"}
HOME = {"referral": ("whole-price", ("20", "0.08"), (None, "0.15")), "digital": "0.02"}


def advise(fees, *, own="20.49", rivals=(), wanted="0", low=None, high=None, product=None):
    """The advice and the rivals sorted out, for rivals "A", "B", … at these prices."""
    one = unit(rules(**fees), of_costs=product)
    bounds = Bounds(low and Decimal(low), high and Decimal(high), Decimal(wanted))
    seen = [(chr(65 + n), Decimal(price)) for n, price in enumerate(rivals)]
    floors = floors_of(one, bounds)
    others = sort_out(seen, floors)
    own_price = None if own is None else Decimal(own)
    return recommend(one, bounds, floors, own_price=own_price, rivals=others), others


def advised(fees, **given):
    advice, _ = advise(fees, **given)
    return advice.code, advice.price


# by hand: break-even is 9.63, a margin of 10 % needs 10.96 --------------------------------------


def test_the_lowest_rival_is_undercut_by_one_tick():
    assert advised(FLAT, rivals=["19.99", "19.49"]) == ("beat-rival", Decimal("19.48"))


def test_a_rival_s_price_of_parts_of_a_tick_is_undercut_by_the_next_tick_below_it():
    """Lower would give money away, and here go under the floor."""
    assert advised(FLAT, rivals=["9.635"]) == ("beat-rival", Decimal("9.63"))
    assert advised(FLAT, rivals=["19.491"]) == ("beat-rival", Decimal("19.49"))


def test_a_margin_that_is_met_exactly_is_kept():
    fees, product = {"referral": "0"}, costs(sale_vat_rate="0")
    given = {"rivals": ["5.01"], "wanted": "0.20", "product": product}
    assert advised(fees, **given) == ("beat-rival", Decimal("5.00"))


def test_a_rival_whose_price_cannot_be_beaten_with_the_margin_is_not_followed():
    advice, others = advise(FLAT, rivals=["10.96", "19.49", "9.00"], wanted="0.10")
    assert advice.price == Decimal("19.48")
    assert others.unfollowable == (("C", Decimal("9.00")), ("A", Decimal("10.96")))
    advice, others = advise(FLAT, rivals=["10.97"], wanted="0.10")
    assert (advice.price, others.unfollowable) == (Decimal("10.96"), ())


def test_where_no_rival_can_be_followed_the_own_price_stays():
    assert advised(FLAT, rivals=["9.00"]) == ("hold", Decimal("20.49"))
    assert advised(FLAT, own="9.20", rivals=["9.00"]) == ("raise-to-floor", Decimal("9.63"))


def test_without_a_rival_the_own_price_stays_and_without_both_there_is_nothing_to_go_by():
    assert advised(FLAT) == ("hold", Decimal("20.49"))
    assert advised(FLAT, own=None) == ("nothing-to-go-by", None)
    assert advised(FLAT, own=None, rivals=["9.00"]) == ("nothing-to-go-by", None)


def test_the_seller_s_own_limits_hold():
    assert advised(FLAT, rivals=["19.49"], high="15.005") == ("at-max-price", Decimal("15.00"))
    assert advised(FLAT, rivals=["19.49"], low="19.49") == ("hold", Decimal("20.49"))
    assert advised(FLAT, rivals=["19.49"], low="19.481") == ("hold", Decimal("20.49"))
    assert advised(FLAT, rivals=["19.49"], low="19.475") == ("beat-rival", Decimal("19.48"))
    assert advised(FLAT, high="15") == ("lower-to-max", Decimal("15.00"))


def test_limits_that_contradict_the_costs_or_each_other_leave_no_advice_and_say_which():
    advice, _ = advise(FLAT, rivals=["19.49"], high="9.62")
    assert (advice.code, advice.price) == ("bounds-contradict", None)
    assert "9.62" in advice.reason
    assert "9.63" in advice.reason
    advice, _ = advise(FLAT, rivals=["19.49"], low="13", high="12")
    assert (advice.code, advice.price) == ("bounds-contradict", None)
    assert advice.reason == "The highest price set, 12.00, is below the lowest price set, 13."


def test_a_margin_out_of_reach_gets_as_near_to_it_as_is_allowed():
    assert advised(FLAT, rivals=["19.49"], wanted="0.10", high="10.50") == (
        "margin-out-of-reach",
        Decimal("10.50"),
    )
    assert advised(FLAT, wanted="0.90") == ("margin-out-of-reach", Decimal("20.49"))


def test_where_no_price_works_it_says_so():
    advice, others = advise({"referral": "0.90"}, rivals=["19.49"])
    assert (advice.code, advice.price) == ("no-viable-price", None)
    assert advice.reason.startswith("No price works: ")
    assert others.unfollowable == (("A", Decimal("19.49")),)


def test_a_price_just_above_a_fee_step_gives_way_to_the_better_one_below():
    """The home category steps at 20.00, and up to 22.11 a price earns less than that."""
    assert advised(HOME, rivals=["21.00"]) == ("below-dead-zone", Decimal("20.00"))
    assert advised(HOME, own="21.00") == ("below-dead-zone", Decimal("20.00"))
    assert advised(HOME, rivals=["22.13"]) == ("beat-rival", Decimal("22.12"))
    assert advised(HOME, rivals=["22.12"]) == ("below-dead-zone", Decimal("20.00"))
    assert advised(HOME, rivals=["20.01"]) == ("beat-rival", Decimal("20.00"))


def test_the_better_price_below_a_step_is_not_taken_where_it_is_not_allowed():
    assert advised(HOME, rivals=["21.00"], low="20.50") == ("beat-rival", Decimal("20.99"))


def test_a_margin_lost_behind_a_step_is_kept_below_it():
    """16.67 net of 20.00 less 1.63 and 4.00 is 66.2 %; 19.20 net of 23.04 less 3.53 and 4.00 less."""
    assert advised(HOME, rivals=["23.05"], wanted="0.65") == ("keep-margin", Decimal("20.00"))


# of all cases -------------------------------------------------------------------------------------


@st.composite
def questions(draw):
    """A case, an own price, rivals and limits; prices in ticks."""
    case = draw(drawn_cases())
    price = st.integers(1, 1500)
    rivals = draw(st.lists(price, max_size=4))
    low, high = draw(st.none() | price), draw(st.none() | price)
    if low and high and draw(st.booleans()):
        low, high = min(low, high), max(low, high)
    return case, draw(st.none() | price), rivals, low, high


def answered(question):
    case, own, rivals, low, high = question

    def money(ticks):
        return None if ticks is None else case.price(ticks)

    bounds = Bounds(money(low), money(high), Decimal(case.margin) / BP)
    one = case.as_unit()
    floors = floors_of(one, bounds)
    others = sort_out([("A", money(r)) for r in rivals], floors)
    return recommend(one, bounds, floors, own_price=money(own), rivals=others), others


@settings(max_examples=250)
@given(questions())
def test_a_recommendation_loses_nothing_and_keeps_to_every_limit(question):
    case, _, _, low, high = question
    advice, _ = answered(question)
    if advice.price is None:
        return
    ticks = int(advice.price / case.tick)
    assert advice.price == case.price(ticks)
    assert case.surplus(ticks) >= 0
    assert (low or 1) <= ticks <= (high or ticks)
    assert ticks >= (case.lowest(0, ticks, low or 1) or ticks + 1)


@settings(max_examples=250)
@given(questions())
def test_the_wanted_margin_is_kept_unless_it_is_said_to_be_out_of_reach(question):
    case, _, _, low, high = question
    advice, others = answered(question)
    if advice.price is None:
        return
    ticks = int(advice.price / case.tick)
    if advice.code == "margin-out-of-reach":
        assert case.lowest(case.margin, high or 1500, low or 1) is None or high is None
    elif advice.code != "below-dead-zone":
        assert (
            case.keeps(ticks, case.margin)
            or case.lowest(case.margin, high or 2500, low or 1) is None
        )
    if advice.code in {"beat-rival", "at-max-price"}:
        assert case.keeps(ticks, case.margin)
        assert advice.price < others.lowest_followable


@settings(max_examples=200)
@given(questions())
def test_a_rival_is_unfollowable_exactly_if_no_allowed_price_below_it_keeps_the_margin(question):
    case, _, rivals, low, _ = question
    _, others = answered(question)
    expected = sorted(r for r in rivals if case.lowest(case.margin, r - 1, low or 1) is None)
    assert [landed for _, landed in others.unfollowable] == [case.price(r) for r in expected]
    followable = [r for r in rivals if r not in expected]
    assert others.lowest_followable == (case.price(min(followable)) if followable else None)


@settings(max_examples=200)
@given(questions())
def test_a_recommendation_is_in_no_dead_zone_unless_the_price_below_is_not_allowed(question):
    case, _, _, low, _ = question
    advice, _ = answered(question)
    if advice.price is None:
        return
    for zone in dead_zones(case.as_unit().curve):
        if advice.price in zone:
            top = int(zone.after / case.tick)
            allowed = case.lowest(case.margin, top, low or 1) or case.lowest(0, top, low or 1)
            assert allowed is None or advice.code in {"raise-to-floor", "margin-out-of-reach"}


@given(questions())
def test_there_is_always_a_sentence_and_no_price_only_where_none_is_due(question):
    advice, others = answered(question)
    assert advice.reason.endswith(".")
    assert "None" not in advice.reason
    nothing = {"no-viable-price", "bounds-contradict", "nothing-to-go-by"}
    assert (advice.price is None) == (advice.code in nothing)
    assert isinstance(others, Rivals)


def test_the_floors_of_a_case_without_a_price_are_reasons():
    floors = floors_of(unit(rules(referral="0.90")), Bounds())
    assert isinstance(floors.even, NoViablePrice)
    assert isinstance(floors.allowed_wanted, NoViablePrice)
