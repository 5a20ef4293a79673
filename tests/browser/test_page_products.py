"""Which products stand in which tab, in which order, with which of their alerts."""

from __future__ import annotations

import json

import pytest

from tests.page_rows import alert, state

NOW = "Date.parse('2026-03-04T12:00:00Z')"
PAST, PRESENT, SOON, LATER = (f"2026-03-04T{hour}:00:00Z" for hour in (11, 12, 13, 14))
ENDED = {"attention": "resolved", "snooze_until": SOON}


@pytest.fixture
def product(evaluate):
    """The product that these states and alerts make."""

    def made(states, alerts):
        given = f"{json.dumps(states)}, {json.dumps(alerts)}, {NOW}"
        plain = "(made) => ({ ...made, tabs: [...made.tabs] })"
        return evaluate("products.js", f"({plain})(m.productOf('P', {given}))")

    return made


@pytest.mark.parametrize(
    ("states", "alerts", "tabs"),
    [
        ([state()], [], {"all", "high"}),
        ([state(severity="success")], [], {"all", "success"}),
        ([state(severity="info")], [], {"all"}),
        ([], [alert(1)], {"all", "high"}),
        ([state()], [alert(1, severity="critical")], {"all", "critical"}),
        ([state()], [alert(1), alert(2, severity="critical")], {"all", "critical"}),
        ([state()], [alert(1, snooze_until="2999-01-01T00:00:00Z")], {"all", "snoozed"}),
        ([state()], [alert(1, snooze_until="2020-01-01T00:00:00Z")], {"all", "high"}),
        ([state()], [alert(1, attention="resolved")], {"all", "resolved"}),
        ([state()], [alert(1, **ENDED)], {"all", "resolved"}),
        ([state()], [alert(1, attention="resolved", resolution="superseded"), alert(2)], {"all", "high"}),
        (
            [state(severity="success")],
            [alert(1, attention="resolved", resolution="cleared", condition="cleared")],
            {"all", "success", "resolved"},
        ),
        (
            [state()],
            [alert(1, attention="resolved", resolution="cleared", condition="cleared")],
            {"all", "high", "resolved"},
        ),
    ],
)  # fmt: skip
def test_tabs(product, states, alerts, tabs):
    assert set(product(states, alerts)["tabs"]) == tabs


def test_the_worst_first_then_the_money_at_stake_then_the_newest(evaluate):
    rows = [
        {"key": "a", "severity": "high", "stake": "9.50", "newest": 1},
        {"key": "b", "severity": "high", "stake": None, "newest": 9},
        {"key": "c", "severity": "high", "stake": "10", "newest": 1},
        {"key": "d", "severity": "critical", "stake": None, "newest": 1},
        {"key": "e", "severity": "high", "stake": None, "newest": 10},
    ]
    expression = f"{json.dumps(rows)}.sort(m.orderOf('all')).map((row) => row.key).join('')"
    assert evaluate("products.js", expression) == "dcaeb"


def test_what_people_put_away_about_businesses_is_held_against_the_state_for_businesses(product):
    """The state for consumers says nothing of it: neither that it is over nor that it is not."""
    fine, bad = state(severity="success"), state(key="b", audience="business", severity="critical")
    put_away = alert(1, kind="business-price", attention="resolved")
    assert set(product([fine, bad], [put_away])["tabs"]) == {"all", "resolved"}
    fine, bad = bad | {"severity": "success"}, fine | {"severity": "high"}
    assert set(product([fine, bad], [put_away])["tabs"]) == {"all", "high", "resolved"}


@pytest.mark.parametrize(
    ("states", "tabs"),
    [
        ([state(severity="warning")], {"all", "resolved"}),
        ([state(severity="success")], {"all", "success", "resolved"}),
        ([], {"all", "resolved"}),
        ([state(item_condition="used")], {"all", "high", "resolved"}),
        ([state(seller_id="ANOTHER")], {"all", "high", "resolved"}),
    ],
)
def test_what_was_put_away_counts_as_long_as_its_own_state_is_bad(product, states, tabs):
    """With another state, or a worse one of other goods, nobody has said anything about it."""
    assert set(product(states, [alert(1, attention="resolved")])["tabs"]) == tabs


@pytest.mark.parametrize(
    ("one", "place"),
    [
        (alert(1), "active"),
        (alert(1, snooze_until=SOON), "snoozed"),
        (alert(1, snooze_until=PRESENT), "active"),
        (alert(1, snooze_until=PAST), "active"),
        (alert(1, **ENDED), "resolved"),
    ],
)
def test_an_alert_has_one_place(evaluate, one, place):
    """A snooze is over at its end, and what has ended is not snoozed."""
    assert evaluate("products.js", f"m.placeOf({json.dumps(one)}, {NOW})") == place


@pytest.mark.parametrize(
    ("tab", "shown"),
    [
        ("critical", [4, 3]),
        ("all", [4, 3, 5]),
        ("snoozed", [5]),
        ("resolved", [1]),
    ],
)
def test_a_tab_shows_its_alerts_open_before_ended_the_worst_first_then_the_newest(
    evaluate, tab, shown
):
    alerts = [
        alert(1, severity="critical", **ENDED),
        alert(5, severity="warning", snooze_until=SOON),
        alert(3),
        alert(4),
    ]
    made = f"m.productOf('P', [], {json.dumps(alerts)}, {NOW})"
    expression = f"m.alertsIn({made}, '{tab}', {NOW}).map((one) => one.id)"
    assert evaluate("products.js", expression) == shown
    assert evaluate("products.js", f"{made}.alerts.map((one) => one.id)") == [4, 3, 5, 1]


def test_new_goods_for_consumers_lead_and_the_worst_of_all_states_counts(product):
    given = [
        state(key="a", audience="business", item_condition="used"),
        state(key="b", audience="business", severity="critical"),
        state(key="c", item_condition="used", severity="warning"),
        state(key="e", severity="success"),
        state(key="d", severity="success"),
    ]
    for states in (given, given[::-1]):
        made = product(states, [])
        assert [one["key"] for one in made["states"]] == ["d", "e", "c", "b", "a"]
        assert (made["lead"]["key"], made["severity"]) == ("d", "critical")


def test_its_place_in_an_order_goes_by_what_is_open_now(product):
    """Money by its worth and not as text; neither snoozed money nor the end of what is open."""
    alerts = [
        alert(1, first_seen=PAST, profit_at_stake_per_day="9.50"),
        alert(2, profit_at_stake_per_day="10"),
        alert(3, first_seen=PRESENT, snooze_until=LATER, profit_at_stake_per_day="99"),
        alert(4, first_seen=PRESENT, snooze_until=SOON),
        alert(5, first_seen=PRESENT, attention="resolved", resolved_at=PAST),
        alert(6, attention="resolved", resolved_at="2026-03-04T10:00:00Z"),
    ]
    made = product([state(profit_at_stake_per_day=None)], alerts)
    hours = {name: made[name] / 3600e3 % 24 for name in ("newest", "ended", "wakes")}
    assert (made["stake"], hours) == ("10", {"newest": 11, "ended": 11, "wakes": 13})
    assert product([state(profit_at_stake_per_day="12")], alerts)["stake"] == "12"
    assert product([state()], [])["stake"] is None


def test_without_a_state_its_alerts_say_what_it_is(product):
    made = product([], [alert(1), alert(2, title="Mug"), alert(3)])
    assert [made[name] for name in ("key", "marketplaceId", "asin", "title", "lead")] == [
        "P", "M", "A", "Mug", None,
    ]  # fmt: skip
    assert product([state(title=None)], [alert(1)])["title"] is None


@pytest.mark.parametrize(
    ("tab", "order"),
    [("snoozed", "bdace"), ("resolved", "cabde"), ("all", "daceb"), ("critical", "daceb")],
)
def test_each_tab_has_its_own_order_and_what_is_equal_keeps_its_place(evaluate, tab, order):
    """Snoozed: who wakes first. Resolved: what ended last. Else the money, to its last digit.

    No money at stake is more than an amount that is not known.
    """
    rows = [
        {"key": "d", "stake": "9007199254740993.02", "newest": 1, "wakes": 2, "ended": 1},
        {"key": "c", "stake": "2", "newest": 1, "wakes": 9, "ended": 9},
        {"key": "b", "stake": None, "newest": 9, "wakes": 1, "ended": 2},
        {"key": "a", "stake": "9007199254740993.01", "newest": 1, "wakes": 3, "ended": 3},
        {"key": "e", "stake": "0", "newest": 1, "wakes": 10, "ended": 0},
    ]
    rows = [row | {"severity": "high"} for row in rows]
    for given in (rows, rows[::-1]):
        expression = f"{json.dumps(given)}.sort(m.orderOf('{tab}')).map((row) => row.key).join('')"
        assert evaluate("products.js", expression) == order


def test_what_is_equal_in_all_else_is_in_the_order_of_the_keys(evaluate):
    one = {"severity": "high", "stake": None, "newest": 1, "wakes": 1, "ended": 1}
    rows = [one | {"key": key} for key in "bca"]
    for tab in ("all", "snoozed", "resolved"):
        expression = f"{json.dumps(rows)}.sort(m.orderOf('{tab}')).map((row) => row.key).join('')"
        assert evaluate("products.js", expression) == "abc"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("mug", True),
        ("ENAMEL b0cxyz", True),
        ("uk", True),
        ("kingdom  mug", True),
        ("mug germany", False),
        ("null", False),
    ],
)
def test_a_search_finds_what_has_all_of_its_words_in_any_case(evaluate, text, found):
    place = '{code: "UK", country: "United Kingdom"}'
    for title in ("Enamel mug", None):
        given = json.dumps({"title": title, "asin": "B0CXYZ1234"})
        wanted = found and (title is not None or text == "uk")
        assert evaluate("products.js", f"m.matches({given}, {place}, '{text}')") == wanted


@pytest.mark.parametrize(
    ("shown", "wanted", "change"),
    [
        ("abc", "nba", {"added": 1, "removed": 1, "moved": 2}),
        ("abc", "abcn", {"added": 1, "removed": 0, "moved": 0}),
        ("abc", "ac", {"added": 0, "removed": 1, "moved": 0}),
    ],
)
def test_what_has_changed_of_an_order(evaluate, shown, wanted, change):
    expression = f"m.difference([...'{shown}'], [...'{wanted}'])"
    assert evaluate("products.js", expression) == change
