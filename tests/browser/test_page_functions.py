"""The page's pure functions: exact money, honest unknowns, order, events cut anywhere."""

from __future__ import annotations

import json

import pytest

from tests.page_rows import alert, state

NOW = "Date.parse('2026-03-04T12:00:00Z')"


class TestDecimals:
    @pytest.mark.parametrize(
        ("a", "b", "difference"),
        [
            ("20.49", "19.99", "0.50"),
            ("0.3", "0.1", "0.2"),
            ("9007199254740993.01", "0.02", "9007199254740992.99"),
            ("5", "5.00", "0.00"),
            ("1E+2", "1", "99"),
            ("1", None, None),
            ("abc", "1", None),
        ],
    )
    def test_subtract(self, evaluate, a, b, difference):
        assert evaluate("decimal.js", f"m.subtract({json.dumps(a)}, {json.dumps(b)})") == difference

    @pytest.mark.parametrize(
        ("text", "down"),
        [
            ("19.99", "19.9"),
            ("-8.22", "-8.3"),
            ("5", "5.0"),
            ("49.999999999999999999", "49.9"),
            ("-8.20", "-8.2"),
            ("0", "0.0"),
        ],
    )
    def test_percentages_are_rounded_down(self, evaluate, text, down):
        assert evaluate("decimal.js", f"m.floor('{text}', 1)") == down

    @pytest.mark.parametrize(
        ("text", "plain"),
        [
            ("1e3", "1000"),
            ("12.5E-1", "1.25"),
            ("-0.05", "-0.05"),
            ("1E+1000000000", None),
            ("1.", None),
            (".5", None),
            ("1,5", None),
        ],
    )
    def test_what_is_a_decimal(self, evaluate, text, plain):
        """An exponent that would fill the memory with digits is none."""
        expression = f"((one) => one && m.plain(one))(m.parse({json.dumps(text)}))"
        assert evaluate("decimal.js", expression) == plain

    @pytest.mark.parametrize(
        ("a", "b", "order"),
        [("2", "10", -1), ("10", "2", 1), ("1.0", "1", 0), ("-0.01", "0", -1), ("0.1", "0.09", 1),
         ("1", None, -1), (None, "1", 1), (None, None, 0)],
    )  # fmt: skip
    def test_which_is_less(self, evaluate, a, b, order):
        expression = f"m.compare({json.dumps(a)}, {json.dumps(b)})"
        assert evaluate("decimal.js", expression) == order

    def test_what_is_above_and_below_zero(self, evaluate):
        expression = "['0.01', '0.00', '-0.00', '-0.01', null].map(m.sign)"
        assert evaluate("decimal.js", expression) == [1, 0, 0, -1, None]

    def test_unknown_comes_last(self, evaluate):
        assert evaluate("decimal.js", "['2', null, '10', '-1'].sort(m.compare)") == [
            "-1",
            "2",
            "10",
            None,
        ]


class TestMoney:
    @pytest.mark.parametrize(
        ("amount", "currency", "shown"),
        [
            ("20.49", "GBP", "£20.49"),
            ("20.490", "GBP", "£20.49"),
            ("20.5", "GBP", "£20.50"),
            ("0.675", "GBP", "£0.675"),
            ("1980", "JPY", "¥1,980"),
            ("1980.00", "JPY", "¥1,980"),
            ("1980.5", "JPY", "¥1,980.5"),
            ("9007199254740993.07", "EUR", "€9,007,199,254,740,993.07"),
            ("-3.10", "USD", "-$3.10"),
            ("0", "GBP", "£0.00"),
        ],
    )
    def test_every_digit(self, evaluate, amount, currency, shown):
        assert evaluate("format.js", f"m.money('{amount}', '{currency}', 'en-GB')") == shown

    def test_in_the_language_of_the_reader(self, evaluate):
        assert evaluate("format.js", "m.money('1234.5', 'EUR', 'de-DE')") == "1.234,50\u00a0€"

    def test_without_a_currency_it_is_a_number(self, evaluate):
        assert evaluate("format.js", "m.money('1234.5', null, 'en-GB')") == "1234.50"

    def test_no_percentage_is_shown_as_reached_before_it_is(self, evaluate):
        """Else a margin of 9.997 % would be one of 10 %, and a loss of -0.001 % none."""
        expression = "['9.997', '-0.001', '1234.5', null].map((one) => m.percent(one, 'en-GB'))"
        assert evaluate("format.js", expression) == ["9.99 %", "-0.01 %", "1,234.50 %", None]

    @pytest.mark.parametrize("nothing", ["null", "undefined", "''", "'unknown'"])
    def test_unknown_is_never_zero(self, evaluate, nothing):
        assert evaluate("format.js", f"m.money({nothing}, 'GBP', 'en')") is None


class TestTimes:
    @pytest.mark.parametrize(
        ("at", "age"),
        [
            ("2026-03-04T11:59:52Z", "8 s"),
            ("2026-03-04T11:57:00Z", "3 min"),
            ("2026-03-04T07:00:00.5Z", "4 h"),
            ("2026-03-04T11:59:01Z", "59 s"),
            ("2026-03-04T11:59:00Z", "1 min"),
            ("2026-03-04T11:00:01Z", "59 min"),
            ("2026-03-04T11:00:00Z", "1 h"),
            ("2026-03-02T12:00:01Z", "47 h"),
            ("2026-03-02T12:00:00Z", "2 d"),
            ("2026-02-28T12:00:01Z", "3 d"),
            ("2026-02-20T12:00:00Z", "12 d"),
            ("2026-03-04T12:00:09Z", "0 s"),
        ],
    )
    def test_age(self, evaluate, at, age):
        assert evaluate("format.js", f"m.age('{at}', {NOW})") == age

    @pytest.mark.parametrize(
        ("at", "minutes", "label"),
        [
            ("2026-03-04T12:00", 20 * 60, "Until tomorrow"),
            ("2026-03-04T02:30", 330, "Until 08:00"),
            ("2026-03-04T08:00", 24 * 60, "Until tomorrow"),
            ("2026-10-24T08:00", 24 * 60, "Until tomorrow"),  # the night has 25 hours
            ("2026-03-04T07:59:31", 1, "Until 08:00"),
            ("2026-03-04T07:57:30", 2, "Until 08:00"),
        ],
    )
    def test_until_morning(self, evaluate, at, minutes, label):
        expected = {"minutes": minutes, "label": label}
        assert evaluate("format.js", f"m.untilMorning(new Date('{at}'))") == expected

    @pytest.mark.parametrize(
        ("at", "shown"),
        [
            ("2026-03-04T08:05:00Z", "08:05"),
            ("2026-03-04T23:59:00Z", "23:59"),
            ("2026-03-05T08:05:00Z", "Thu 5 Mar 08:05"),
            ("2025-03-04T08:05:00Z", "Tue 4 Mar 08:05"),
        ],
    )
    def test_a_time_of_another_day_says_which(self, evaluate, at, shown):
        """Or "quiet until 08:05" would be taken for today's."""
        found = evaluate("format.js", f"m.clock('{at}', {NOW}, 'en-GB')")
        assert found.replace(",", "") == shown

    def test_a_moment_is_whole_and_an_age_of_nothing_is_none(self, evaluate):
        found = evaluate("format.js", "m.moment('2026-03-04T08:05:09Z', 'en-GB')")
        assert found.replace(",", "") == "4 Mar 2026 08:05:09"
        nothing = f"[m.moment('x', 'en'), m.clock('x', {NOW}, 'en'), m.age(null, {NOW})]"
        assert evaluate("format.js", nothing) == [None, None, None]


class TestEvents:
    TEXT = 'retry: 4211\n\nid: a~1:1:\nevent: cursor\ndata: {"live": true}\n\n: alive\nid: a~2:2:\n\nid: a~3:3:\nevent: state\ndata: {"k":\ndata: 1}\n\nid: a~4:4:\nevent: state\ndata: {"lost": true}\n'

    @pytest.mark.parametrize("size", [1, 2, 3, 7, 50, 1000])
    def test_cut_anywhere_the_same_events(self, evaluate, size):
        expression = f"""(() => {{
            const [text, p, found] = [{json.dumps(self.TEXT)}, m.parser("a~0:0:"), []];
            for (let n = 0; n < text.length; n += {size}) found.push(...p.take(text.slice(n, n + {size})));
            return {{ found, last: p.lastId() }};
        }})()"""
        assert evaluate("sse.js", expression) == {
            "found": [
                {"retry": 4211},
                {"name": "cursor", "data": '{"live": true}', "id": "a~1:1:"},
                {"comment": "alive"},
                {"name": "state", "data": '{"k":\n1}', "id": "a~3:3:"},
            ],
            "last": "a~3:3:",  # the last event came only in part: it will come again
        }

    @pytest.mark.parametrize(
        ("text", "found"),
        [
            ("data: x\n\n", [{"name": "message", "data": "x", "id": "0"}]),
            ("data:x\ndata\nid\n\n", [{"name": "message", "data": "x\n", "id": ""}]),
            ("id: 1\0\ndata: x\n\n", [{"name": "message", "data": "x", "id": "0"}]),
            ("event: state\n\ndata: x\n\n", [{"name": "message", "data": "x", "id": "0"}]),
            ("retry: soon\nretries: 5\nevents: x\n\n", []),
            (":\r\ndata: a:b\r\n\r\n", [{"comment": ""}, {"name": "message", "data": "a:b", "id": "0"}]),
        ],
    )  # fmt: skip
    def test_as_the_standard_reads_them(self, evaluate, text, found):
        assert evaluate("sse.js", f"m.parser('0').take({json.dumps(text)})") == found

    def test_waits_grow_and_are_bounded(self, evaluate):
        waits = evaluate("stream.js", "[1, 2, 3, 9].map((n) => m.waitBefore(n, 4000))")
        assert waits == [4000, 6400, 10240, 30000]


class TestWhatIsHeld:
    @pytest.mark.parametrize(
        ("kind", "held", "told", "shown"),
        [
            ("state", {"version": 2}, {"version": 3}, "told"),
            ("state", {"version": 2}, {"version": 1}, "held"),
            ("alert", {"updated_at": "2026-03-04T10:00:00Z"}, {"updated_at": "2026-03-04T09:59:59Z"}, "told"),
        ],
    )  # fmt: skip
    def test_a_state_counts_its_versions_and_of_alerts_what_is_told_later_is_newer(
        self, evaluate, kind, held, told, shown
    ):
        row = state() if kind == "state" else alert(1)
        held, told = row | held | {"title": "held"}, row | told | {"title": "told"}
        given = {"states": [], "alerts": [], "whole": True, f"{kind}s": [held]}
        expression = f"""(() => {{
            globalThis.requestAnimationFrame ??= () => 0;
            const store = new m.Store();
            store.fill({json.dumps(given)});
            store.apply("{kind}", {json.dumps(told)});
            return store.product("P").title;
        }})()"""
        assert evaluate("store.js", expression) == shown


class TestWhatIsSaid:
    def test_in_a_storm_of_alerts_it_does_not_fall_behind(self, evaluate):
        said = """new Promise((told) => {
            const said = [];
            const place = { set textContent(text) { if (said.push(text) === 3) told(said); } };
            const announcer = new m.Announcer(place);
            const alert = { attention: "new", severity: "critical", kind: "price", title: "Mug",
                            marketplace_id: "A1F83G8C2ARO7P", profit_at_stake_per_day: null };
            for (let n = 0; n < 40; n += 1) announcer.fresh([alert]);
            announcer.fresh([{ ...alert, attention: "resolved" }]);
            announcer.say("Acknowledged.");
        })"""
        assert evaluate("announce.js", said) == [
            "New critical alert, Price: Mug, United Kingdom.", "Acknowledged.", "39 new alerts.",
        ]  # fmt: skip

    def test_a_few_are_told_one_by_one(self, evaluate):
        said = """new Promise((told) => {
            const said = [];
            const place = { set textContent(text) { if (said.push(text) === 2) told(said); } };
            const alert = { attention: "new", severity: "high", kind: "price", asin: "B1",
                            marketplace_id: "A1VC38T7YXB528", profit_at_stake_per_day: null };
            new m.Announcer(place).fresh([alert, { ...alert, asin: "B2" }]);
        })"""
        assert evaluate("announce.js", said) == [
            "New high alert, Price: B1, Japan.", "New high alert, Price: B2, Japan.",
        ]  # fmt: skip


FULL = {
    "currency": "GBP", "seller_id": "US", "your_price": "20.49", "own_price_unknown": None,
    "market_low": "19.99", "prime_low": None, "gap_pct": "2.50125", "your_position": 2,
    "total_offers": 5, "item_condition": "new", "has_buy_box": True, "buy_box_winner": False,
    "buy_box_price": "19.99", "buy_box_sellers": ["R1"], "margin_at_current_price": "-0.01", "margin_at_market_low": None,
    "economics_unknown": None, "doubt_reason": None, "last_own_price": None,
}  # fmt: skip
UNSEEN = {
    "your_price": None, "own_price_unknown": "no-offers-sent", "gap_pct": None,
    "last_own_price": "20.00", "last_own_price_at": "2026-03-04T11:00:00Z",
}  # fmt: skip


class TestFigures:
    @pytest.mark.parametrize(
        ("changes", "name", "text", "detail"),
        [
            ({}, "yours", "£20.49", ""),
            ({}, "gap", "+2.50 %", "+£0.50"),
            ({}, "prime", None, "no Prime offer was seen"),
            ({}, "position", "2 of 5", ""),
            ({}, "box", "R1", "£19.99"),
            ({}, "margin", "-0.01 %", ""),
            (UNSEEN, "yours", None, "Amazon sent no offers, last £20.00 1 h ago"),
            (UNSEEN, "gap", None, "your price is unknown"),
            ({"your_position": None}, "position", None, "5 offers"),
            (UNSEEN | {"your_position": None, "total_offers": None}, "position", None, "your price is unknown"),
            ({"total_offers": None}, "position", "2 of unknown", ""),
            ({"margin_at_market_low": "1.239"}, "margin", "-0.01 %", "1.23 % at low"),
            (UNSEEN | {"last_own_price": None}, "yours", None, "Amazon sent no offers"),
            ({"market_low": None}, "low", None, "not in Amazon's messages"),
            ({"buy_box_price": None}, "box", "R1", ""),
            ({"your_price": "19.99", "gap_pct": "0"}, "low", "£19.99", "yours"),
            ({"your_price": "19.99", "gap_pct": "0"}, "gap", "0.00 %", "£0.00"),
            ({"has_buy_box": False, "buy_box_price": None}, "box", "Nobody", "suppressed"),
            (
                {"has_buy_box": False, "buy_box_price": None, "item_condition": "used"},
                "box", "Nobody", "",
            ),
            ({"buy_box_winner": True, "buy_box_sellers": ["US"]}, "box", "You", "£19.99"),
            (
                {"buy_box_winner": True, "buy_box_sellers": ["R1", "US"]},
                "box", "You", "£19.99, shared with R1",
            ),
            ({"buy_box_sellers": []}, "box", "A rival", "£19.99, not named by Amazon"),
            (
                {"buy_box_winner": None, "buy_box_sellers": []},
                "box", None, "Amazon did not say who has it",
            ),
            (
                {"margin_at_current_price": None, "economics_unknown": "no costs are known"},
                "margin", None, "no costs are known",
            ),
        ],
    )  # fmt: skip
    def test_each_with_what_stands_below_it(self, evaluate, changes, name, text, detail):
        given = json.dumps(FULL | changes)
        found = evaluate("figures.js", f"m.figuresOf({given}, {NOW}, 'en-GB').{name}")
        assert (found["text"], found["detail"]) == (text, detail)
