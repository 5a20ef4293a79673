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
from worker.delivery.text import MAX_LINES, alerts_json, compose, line_of, plain
from worker.delivery.worth import why_left_out

ITEM = ItemRow(
    1, "delivered", "raised", "the gap is over 20 %", "critical", 0, NOW, 1, GB, "B0ALERTS01",
    "new", "price", "delivered", None, None, None, None, None, NOW - HOUR, None, NOW,
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
        ("raised", "[CRITICAL] new: UK B0ALERTS01, price"),
        ("rose", "[CRITICAL] worse than before: UK B0ALERTS01, price"),
        ("still-true", "[CRITICAL] still true: UK B0ALERTS01, price"),
        ("seen-again", "[CRITICAL] seen again: UK B0ALERTS01, price"),
        ("repeated", "[CRITICAL] goes on: UK B0ALERTS01, price"),
        ("escalated", "[CRITICAL] not acknowledged, escalation 2: UK B0ALERTS01, price"),
        ("snooze-over", "[CRITICAL] snooze over, still true: UK B0ALERTS01, price"),
        ("eased", "[CRITICAL] eased, not over: UK B0ALERTS01, price"),
        ("cleared", "[ALL CLEAR] cleared: UK B0ALERTS01, price"),
        (
            "timed-out",
            "[CRITICAL] no longer followed, not known to be fixed: UK B0ALERTS01, price",
        ),
        ("unstable", "[CRITICAL] unstable: UK B0ALERTS01, price"),
        ("settled", "[CRITICAL] no longer unstable: UK B0ALERTS01, price"),
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
        "[CRITICAL] new: UK B0ALERTS01, price",
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
    assert page.heading == "[CRITICAL] 71 products in UK at once: 1 critical, 70 warning"
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


def test_a_digest_in_plain_text_has_its_products_one_under_the_other_and_no_more():
    first, *rest = line_of(ITEM).details
    assert text_of(compose("digest", [item(1), item(2, asin="B0OTHER001", occurrences=1)])) == (
        "Daily digest: 2 products\n"
        "== UK B0ALERTS01 ==\n[CRITICAL] new: UK B0ALERTS01, price\n"
        + "\n".join(f"  {detail}" for detail in (first, *rest))
        + "\n\n== UK B0OTHER001 ==\n[CRITICAL] new: UK B0OTHER001, price\n"
        + "\n".join(f"  {detail}" for detail in (first, *rest)).removesuffix(", 3 times")
    )
    healed = plain(compose("digest", [], [HEALED]))
    assert healed.startswith("== Healed before anyone looked ==\nUK B0HEALED01: price (high)\n")
    assert "more" not in healed


def test_one_alert_alone_is_its_own_heading_and_a_second_sighting_is_counted():
    twice = item(occurrences=2)
    page = compose("immediate", [twice])
    assert (page.heading, page.severity) == ("[CRITICAL] new: UK B0ALERTS01, price", "critical")
    assert plain(page).endswith(", 2 times")


def test_of_equals_the_oldest_come_first():
    given = [
        item(1, asin="B0LATE0001", created_at=NOW + MINUTE),
        item(3, asin="B0SECOND01"),
        item(2, asin="B0FIRST001"),
    ]
    (section,) = compose("batch", given).sections
    assert [line.heading[-17:-7] for line in section.lines] == [
        "B0FIRST001", "B0SECOND01", "B0LATE0001",
    ]  # fmt: skip


def test_what_came_back_counts_from_when_it_was_true_again():
    again = {"first_seen": NOW - 48 * HOUR, "still_true_since": NOW - 2 * HOUR}
    assert "true since 2026-03-10 10:00 UTC" in line_of(item(**again)).details[3]
    (line,) = (
        compose("digest", [], [HEALED._replace(still_true_since=NOW - 4 * HOUR)]).sections[0].lines
    )
    assert line.details == (
        "true for 1.0 h, cleared at 2026-03-10 09:00 UTC",
        "about 1.00 GBP were at stake in that time",
    )


def test_what_healed_at_a_cost_that_nobody_knows_is_told_without_one():
    page = compose("digest", [], [HEALED._replace(profit_at_stake_per_day=None)])
    assert len(page.sections[0].lines[0].details) == 1
    assert (page.severity, page.heading) == (
        "clear", "Daily digest: 0 products, 1 healed before anyone looked",
    )  # fmt: skip


def test_a_digest_has_the_worst_product_first_and_the_oldest_of_its_messages():
    given = [
        item(1, asin="B0MILD0001", severity="warning"),
        item(2, asin="B0WORST001", created_at=NOW + HOUR),
        item(3, asin="B0WORST001", severity="high", tell="repeated"),
    ]
    page = compose("digest", given)
    assert page.severity == "critical"
    assert [section.title for section in page.sections] == ["UK B0WORST001", "UK B0MILD0001"]
    assert [line.severity for line in page.sections[0].lines] == ["high", "critical"]


def test_a_digest_counts_what_it_does_not_show():
    many = [item(n, asin=f"B0MANY{n:04d}") for n in range(MAX_LINES + 2)]
    page = compose("digest", many, [HEALED] * (MAX_LINES + 3))
    *shown, rest, healed = page.sections
    assert (len(shown), rest.title) == (MAX_LINES, "and 2 more products")
    assert (len(healed.lines), healed.more) == (MAX_LINES, 3)
    assert compose("digest", many[1:]).sections[-1].title == "and 1 more product"
    exactly = compose("digest", many[:MAX_LINES], [HEALED] * MAX_LINES).sections
    assert (len(exactly), exactly[-1].more) == (MAX_LINES + 1, 0)


def test_a_batch_says_where_and_how_much_of_each():
    clear, high = item(1, severity=None, tell="cleared"), item(2, severity="high")
    abroad = item(3, marketplace_id="ANOTHER", severity="warning", item_condition="used")
    assert compose("batch", [clear, clear]).heading == (
        "[ALL CLEAR] 1 product in UK in this batch: 2 all clear"
    )
    page = compose("batch", [clear, high, abroad])
    assert page.heading == "[HIGH] 2 products in this batch: 1 high, 1 warning, 1 all clear"
    assert page.sections[0].lines[1].heading == ("[WARNING] new: ANOTHER B0ALERTS01, used, price")


@pytest.mark.parametrize(("tell", "resolution"), [("cleared", "cleared"), ("timed-out", "timeout")])
def test_a_message_of_an_end_does_not_tell_it_twice(tell, resolution):
    end = {"attention": "resolved", "resolution": resolution, "resolved_at": NOW}
    assert "meanwhile" not in text_of(compose("immediate", [item(tell=tell, **end)]))


def test_programs_get_every_alert_with_its_words():
    (told,) = alerts_json([item(escalation=2)])
    assert told == {
        "alert_id": 1, "marketplace_id": GB, "asin": "B0ALERTS01", "kind": "price",
        "severity": "critical", "tell": "raised", "why": "the gap is over 20 %",
        "first_seen": "2026-03-10T11:00:00+00:00", "last_seen": "2026-03-10T12:00:00+00:00",
        "facts": FACTS,
    }  # fmt: skip


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
        ({"your_position": 3}, "position 3"),
        ({"total_offers": 12}, "12 offers"),
        ({"buy_box_winner": True}, "the Buy Box is yours"),
        ({"margin_at_current_price": "43.00"}, "margin now 43.0 %"),
    ],
)
def test_a_fact_that_is_not_known_is_not_mentioned(facts, line):
    assert fact_line(facts) == line


def test_prices_are_in_their_own_currency_and_else_in_the_alert_s():
    assert fact_line({"your_price": "9.5"}, "GBP") == "your price 9.50 GBP"
    assert fact_line({"your_price": "9.5", "currency": "EUR"}, "GBP") == "your price 9.50 EUR"


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
