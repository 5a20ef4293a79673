"""What is told, kind by kind; nothing is claimed that is not known."""

from __future__ import annotations

from decimal import Decimal
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from db.delivery_rows import HealedRow, ItemRow
from tests.delivery import FACTS, GB, HOUR, MINUTE, NOW
from worker.alerts.values import TellKind
from worker.delivery.facts import fact_line, money
from worker.delivery.render import render
from worker.delivery.text import MAX_LINES, compose, line_of, plain
from worker.delivery.worth import why_left_out

ITEM = ItemRow(
    1, "delivered", "raised", "the gap is over 20 %", "critical", 0, NOW, 1, GB, "B0ALERTS01",
    "new", "price", "critical", "delivered", None, None, None, None, None, NOW - HOUR, None, NOW,
    3, dict(FACTS), Decimal("14.2"), "GBP",
)  # fmt: skip
HEALED = HealedRow(
    2, GB, "B0HEALED01", "price", "high", NOW - 6 * HOUR, None, NOW - 3 * HOUR, {}, Decimal(24),
    "GBP",
)  # fmt: skip


def item(number=1, **values):
    return ITEM._replace(queue_id=number, **values)


def text_of(page):
    return f"{page.heading}\n{plain(page)}"


@pytest.mark.parametrize(
    ("tell", "heading"),
    [
        ("raised", "[CRITICAL] new: GB B0ALERTS01, price"),
        ("rose", "[CRITICAL] worse than before: GB B0ALERTS01, price"),
        ("still-true", "[CRITICAL] still true: GB B0ALERTS01, price"),
        ("seen-again", "[CRITICAL] seen again: GB B0ALERTS01, price"),
        ("repeated", "[CRITICAL] goes on: GB B0ALERTS01, price"),
        ("escalated", "[CRITICAL] not acknowledged, escalation 2: GB B0ALERTS01, price"),
        ("snooze-over", "[CRITICAL] snooze over, still true: GB B0ALERTS01, price"),
        ("eased", "[CRITICAL] eased, not over: GB B0ALERTS01, price"),
        ("cleared", "[ALL CLEAR] cleared: GB B0ALERTS01, price"),
        (
            "timed-out",
            "[CRITICAL] no longer followed, not known to be fixed: GB B0ALERTS01, price",
        ),
        ("unstable", "[CRITICAL] unstable: GB B0ALERTS01, price"),
        ("settled", "[CRITICAL] no longer unstable: GB B0ALERTS01, price"),
    ],
)
def test_every_kind_of_message_has_its_words(tell, heading):
    severity = None if tell == "cleared" else "critical"
    line = line_of(item(tell=tell, severity=severity, escalation=2))
    assert line.heading == heading


def test_no_kind_of_message_is_forgotten():
    for tell in get_args(TellKind):
        assert f" {tell}:" not in line_of(item(tell=tell)).heading or tell in {
            "cleared",
            "unstable",
        }


@pytest.mark.parametrize("tell", [t for t in get_args(TellKind) if t != "cleared"])
def test_nothing_but_a_clear_says_cleared_or_fixed(tell):
    text = text_of(compose("immediate", [item(tell=tell)])).lower()
    assert "cleared" not in text
    assert "fixed" not in text.replace("not known to be fixed", "")


@pytest.mark.parametrize(
    ("resolution", "said"),
    [
        ("cleared", "meanwhile cleared at 2026-03-10 12:05 UTC"),
        ("timeout", "meanwhile no longer followed at 2026-03-10 12:05 UTC; not known to be fixed"),
        ("manual", "meanwhile closed at 2026-03-10 12:05 UTC (manual); not known to be fixed"),
    ],
)
def test_what_ended_while_the_message_waited_is_said_as_it_is(resolution, said):
    late = item(attention="resolved", resolution=resolution, resolved_at=NOW + 5 * MINUTE)
    assert said in line_of(late).details


def test_a_single_alert_tells_its_facts_and_their_age():
    assert plain(compose("immediate", [ITEM])).splitlines() == [
        "[CRITICAL] new: GB B0ALERTS01, price",
        "  the gap is over 20 %",
        "  your price 10.99 GBP, market low 9.99 GBP, the Buy Box is not yours",
        "  14.20 GBP a day at stake",
        "  true since 2026-03-10 11:00 UTC, last seen 2026-03-10 12:00 UTC, 3 times",
    ]


def test_a_burst_lists_the_worst_and_dearest_first_and_counts_the_rest():
    items = [
        item(n, asin=f"B0BURST{n:03d}", profit_at_stake_per_day=Decimal(n), severity="warning")
        for n in range(70)
    ]
    items.append(item(99, asin="B0WORST001", profit_at_stake_per_day=None))
    page = compose("immediate", items)
    assert page.heading == "[CRITICAL] 71 products in GB at once: 1 critical, 70 warning"
    (section,) = page.sections
    assert [line.heading[-17:-7] for line in section.lines[:2]] == ["B0WORST001", "B0BURST069"]
    assert (len(section.lines), section.more) == (MAX_LINES, 21)
    assert plain(page).endswith("and 21 more")


def test_a_digest_is_by_product_and_says_what_healed_and_what_that_cost():
    page = compose(
        "digest",
        [item(1), item(2, asin="B0OTHER001", severity="warning"), item(3, tell="repeated")],
        [HEALED],
    )
    assert page.heading == "Daily digest: 2 products, 1 healed before anyone looked"
    assert [len(section.lines) for section in page.sections] == [2, 1, 1]
    assert page.sections[-1].title == "Healed before anyone looked"
    assert page.sections[-1].lines[0].details == (
        "true for 3.0 h, cleared at 2026-03-10 09:00 UTC",
        "about 3.00 GBP were at stake in that time",
    )


@pytest.mark.parametrize(
    ("facts", "line"),
    [
        ({}, ""),
        ({"your_price": None, "gap_pct": None}, ""),
        ({"your_price": "not money", "market_low": "NaN"}, ""),
        ({"your_price": "1980", "currency": "JPY"}, "your price 1980 JPY"),
        (
            {"gap_pct": "21.04", "your_position": 3, "total_offers": 12},
            "gap 21.0 %, position 3 of 12",
        ),
        ({"margin_at_current_price": "43.00"}, "margin now 43.0 %"),
    ],
)
def test_a_fact_that_is_not_known_is_not_mentioned(facts, line):
    assert fact_line(facts) == line


def test_money_has_its_currency_and_decimals():
    assert (money(Decimal("9.5"), "GBP"), money(Decimal(9), None)) == ("9.50 GBP", "9.00")


@given(
    st.dictionaries(st.sampled_from([*FACTS, "product_title", "gap_pct"]), st.text() | st.none())
)
def test_no_facts_break_a_message_or_its_html(facts):
    letter = render(compose("immediate", [item(facts=facts)]), identity="x-1", route="ops")
    assert "<script" not in letter.html.lower()
    assert letter.text


def test_html_escapes_what_comes_from_outside():
    facts = {"product_title": "<script>alert(1)</script>{{ 7 * 7 }}"}
    letter = render(compose("immediate", [item(facts=facts)]), identity="x-1", route="<b>ops</b>")
    assert "<script>" not in letter.html
    assert "&lt;script&gt;" in letter.html
    assert "{{ 7 * 7 }}" in letter.html, "data are no template"
    assert "<b>ops</b>" not in letter.html


# worth telling ------------------------------------------------------------------------------------

LATER = NOW + MINUTE


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({}, None),
        ({"status": "suppressed"}, "it was suppressed meanwhile"),
        ({"status": "snoozed"}, "it was snoozed meanwhile"),
        (
            {"attention": "reviewing", "acknowledged_by": "ann", "acknowledged_at": LATER},
            "ann acknowledged the alert meanwhile",
        ),
        (
            {"attention": "reviewing", "acknowledged_by": "ann", "acknowledged_at": NOW - HOUR},
            None,
        ),
        ({"snooze_until": LATER + HOUR}, "the alert was snoozed meanwhile"),
        ({"snooze_until": LATER + HOUR, "tell": "snooze-over"}, "the alert was snoozed meanwhile"),
        ({"snooze_until": NOW}, None),
        ({"snooze_until": LATER + HOUR, "tell": "cleared"}, None),
        ({"resolution": "superseded"}, "a worse alert took its place meanwhile"),
        ({"resolution": "manual", "resolved_at": LATER}, "somebody closed the alert meanwhile"),
        ({"resolution": "manual", "resolved_at": NOW - HOUR}, None),
        ({"attention": "delivered", "acknowledged_by": "ann", "acknowledged_at": LATER}, None),
        ({"resolution": "cleared", "resolved_at": LATER}, None),
        ({"resolution": "timeout", "resolved_at": LATER, "tell": "timed-out"}, None),
        ({"snooze_until": LATER + HOUR, "tell": "timed-out"}, None),
        ({"snooze_until": LATER + HOUR, "tell": "settled"}, None),
    ],
)
def test_what_people_have_dealt_with_meanwhile_is_not_told(values, reason):
    assert why_left_out(item(**values), LATER) == reason
