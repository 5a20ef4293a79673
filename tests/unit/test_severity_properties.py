"""Both policies against an independent restatement of their tables, and what holds of all verdicts."""

from __future__ import annotations

import re
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from worker.analysis.severity import SEVERITIES, Standing, assess, gap_pct

POLICIES = ("full", "mvp")
PENNIES = (Decimal("-0.01"), Decimal("0.01"), Decimal(0))
THRESHOLDS = st.sampled_from([Decimal(0), Decimal(1), Decimal("2.5")])


def steps_around(*boundaries):
    """The boundaries, a step under and a step over each."""
    return st.sampled_from(
        [Decimal(b) + n * Decimal("0.01") for b in boundaries for n in (-1, 0, 1)]
    )


@st.composite
def standings(draw):
    """Standings that crowd around the boundaries, a value now and then unknown."""
    low = Decimal(draw(st.sampled_from([1, 100, 251, 3667, 10_000, 999_999]))).scaleb(-2)
    percent = draw(st.sampled_from([0, 5, 10, 20, 50, 75]))
    price = max(low * (100 + percent) / 100 + draw(st.sampled_from(PENNIES)), Decimal("0.01"))
    unknown = draw(st.sets(st.integers(0, 7), max_size=2))
    values = (
        price,
        low,
        draw(st.sampled_from([1, 3, 4, 7, 8, 9, 10, 11, 16, 20])),
        draw(st.sampled_from([0, 2, 3, 4, 5, 9, 10, 11, 20])),
        draw(st.sampled_from([True, False, False])),
        draw(st.none() | steps_around(10)),
        draw(st.none() | steps_around(5)),
        draw(st.none() | steps_around(0, 1, "2.5")),
    )
    return Standing(*(None if i in unknown else v for i, v in enumerate(values)))


def holds(condition):
    """Whether a comparison holds; with an unknown in it, it does not."""
    try:
        return bool(condition())
    except (TypeError, ZeroDivisionError):
        return False


def restated(s, policy, threshold):
    """The tables of the issue, row by row, in exact fractions."""
    if s.your_price is None:
        return "info"
    gap = None
    if s.market_low:
        low = Fraction(s.market_low)
        gap = (Fraction(s.your_price) - low) * 100 / low
    won, lost = s.buy_box_winner is True, s.buy_box_winner is False
    offers, position = s.total_offers, s.your_position

    if policy == "mvp":
        table = [
            ("success", won or holds(lambda: position <= 3)),
            ("info", gap is None),
            ("critical", holds(lambda: gap >= 50 and offers >= 10 and position > 10)),
            ("high", holds(lambda: gap >= 20 and offers >= 5)),
            ("warning", holds(lambda: gap >= 10) or holds(lambda: offers >= 3)),
        ]
    else:
        far_behind = lost and holds(
            lambda: offers >= 10 and gap >= 50 and Fraction(position, offers) >= Fraction(4, 5)
        )
        sells = s.daily_sales is None or s.daily_sales > threshold
        table = [
            ("critical", far_behind and sells),
            ("high", far_behind and not sells),
            ("high", lost and holds(lambda: offers >= 5 and gap >= 20)),
            ("high", won and holds(lambda: s.margin_at_your_price_pct < 10)),
            ("warning", holds(lambda: offers >= 3 and gap >= 10 and position > 3)),
            ("warning", holds(lambda: s.margin_at_market_low_pct < 5)),
            ("success", won),
            ("success", holds(lambda: offers < 3)),
            ("success", holds(lambda: position <= 3 and gap <= 5)),
        ]
    return next((severity for severity, matches in table if matches), "info")


@settings(max_examples=1000)
@given(standings(), st.sampled_from(POLICIES), THRESHOLDS)
def test_the_policies_are_the_tables_of_the_issue(standing, policy, threshold):
    verdict = assess(standing, policy, sales_threshold=threshold)
    assert verdict.severity == restated(standing, policy, threshold)


@pytest.mark.parametrize("policy", POLICIES)
def test_the_drawn_standings_reach_every_severity(policy):
    """Else the comparison above would prove little."""
    reached = set()

    @settings(max_examples=400, database=None, derandomize=True)
    @given(standings())
    def draw(standing):
        reached.add(restated(standing, policy, Decimal(1)))

    draw()
    assert reached == set(SEVERITIES)


@given(standings(), st.sampled_from(POLICIES), THRESHOLDS)
def test_a_missing_own_offer_is_never_success_nor_anything_but_info(standing, policy, threshold):
    unknown = replace(standing, your_price=None)
    assert assess(unknown, policy, sales_threshold=threshold).severity == "info"


@given(standings(), st.sampled_from(POLICIES), THRESHOLDS)
def test_a_verdict_has_reasons_and_they_name_no_unknown_value(standing, policy, threshold):
    reasons = assess(standing, policy, sales_threshold=threshold).reasons
    assert reasons
    assert all(reason.strip() == reason != "" for reason in reasons)
    assert not any(word in reason for reason in reasons for word in ("None", "{", "unknown %"))


def exact_gap(standing):
    if standing.your_price is None or not standing.market_low:
        return None
    low = Fraction(standing.market_low)
    return (Fraction(standing.your_price) - low) * 100 / low


@given(standings(), st.sampled_from(POLICIES))
def test_the_gap_in_the_reasons_never_claims_a_boundary_that_was_missed(standing, policy):
    """Shown to two places, 19.9999 % must not read as 20.00 %."""
    for reason in assess(standing, policy, sales_threshold=Decimal(1)).reasons:
        if shown := re.match(r"(-?[0-9.]+) % above", reason):
            assert Fraction(shown[1]) <= exact_gap(standing) < Fraction(shown[1]) + Fraction(1, 100)


@given(standings())
def test_the_stored_gap_is_the_exact_one_to_28_digits(standing):
    stored, exact = gap_pct(standing), exact_gap(standing)
    assert (stored is None) == (exact is None)
    if exact is not None:
        assert abs(Fraction(stored) - exact) <= abs(exact) * Fraction(1, 10**27)


@given(
    standings(),
    st.sampled_from(POLICIES),
    st.sampled_from([Decimal("0.01"), Decimal(10), Decimal(100)]),
)
def test_the_currency_s_minor_unit_does_not_matter(standing, policy, factor):
    """The same prices in a hundredth or the hundredfold unit have the same severity."""
    scaled = replace(
        standing,
        your_price=standing.your_price and standing.your_price * factor,
        market_low=standing.market_low and standing.market_low * factor,
    )
    expected = assess(standing, policy, sales_threshold=Decimal(1)).severity
    assert assess(scaled, policy, sales_threshold=Decimal(1)).severity == expected
