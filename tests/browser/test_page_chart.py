"""The charts: what their lines, words and tables say, and when the small ones ask for their week."""

from __future__ import annotations

import json
import re

import pytest
from playwright.sync_api import expect

from tests.page_rows import state
from tests.processes import wait_for

FROM, TO = "2026-03-04T00:00:00Z", "2026-03-04T12:00:00Z"


def point(hour, yours, low="19.00", winner=None, day=4):
    return {
        "event_time": f"2026-03-{day:02}T{hour:02}:00:00Z", "your_price": yours, "market_low": low,
        "prime_low": None, "buy_box_price": None, "buy_box_winner": winner,
    }  # fmt: skip


POINTS = [
    point(22, "21.00", day=3, winner=True),
    point(3, None, winner=True),
    point(6, "20.00", winner=False),
    point(9, "20.50"),
]


@pytest.fixture
def draw(stage):
    """The figure of these points between midnight and noon, 800 pixels wide."""

    def drawn(points=POINTS, **more):
        given = {"width": 800} | more
        stage(
            "chart.js",
            f"""(() => {{
                const drawn = m.chart({json.dumps({"currency": "GBP", "points": points})},
                    {{ from: Date.parse("{FROM}"), to: Date.parse("{TO}"), ...{json.dumps(given)} }});
                document.getElementById("products").replaceChildren(drawn);
            }})()""",
        )
        return stage.page.locator("#products")

    return drawn


def test_the_chart_in_words_is_what_its_lines_show(draw):
    figure = draw()
    words = (
        "Your price from £21.00 to £20.50; Market low £19.00; "
        "you had the Buy Box at 2 of the 4 messages shown."
    )
    expect(figure.get_by_role("img")).to_have_accessible_name(words)
    expect(figure.locator("figcaption")).to_have_text(words)
    expect(figure.locator(".legend li")).to_have_text(
        ["Your price", "Market low", "Buy Box yours", "Buy Box somebody else's", "Buy Box unknown"]
    )
    expect(figure.locator(".legend .swatch")).to_have_count(3)


def test_lines_and_strips_are_where_their_hours_are(draw):
    """The plot is 728 pixels wide from 62 on; what held at its beginning is drawn from there."""
    figure = draw()
    place = [62 + hours * 728 / 12 for hours in (0, 3, 6, 9, 12)]
    yours = figure.locator("svg.chart path.you").get_attribute("d")
    marks = [float(one) for one in re.findall(r"[MH](-?[\d.]+)", yours)]
    ends = [place[0], place[1], place[2], place[3], place[4]]
    assert marks == pytest.approx(ends, abs=0.1)
    strips = figure.locator("svg.chart rect.strip").evaluate_all(
        "(all) => all.map((one) => [one.classList[1], +one.getAttribute('x'), +one.getAttribute('width')])"
    )
    assert [name for name, _, _ in strips] == ["own", "other", "unknown"]
    starts = [x for _, x, _ in strips]
    assert starts == pytest.approx([place[0], place[2], place[3]], abs=0.1)
    lasts = [x + width for _, x, width in strips]
    assert lasts == pytest.approx([place[2], place[3], place[4]], abs=0.1)
    last = figure.locator("svg.chart path").last  # on top of the others
    expect(last).to_have_attribute("class", "you")


@pytest.mark.parametrize(
    ("x", "said"),
    [
        (62 + 728 * 4.5 / 12, "04:30:00: your price unknown, market low £19.00, prime low unknown"),
        (62 + 728 * 7.5 / 12, "07:30:00: your price £20.00, market low £19.00"),
        (5, "00:00:00: your price £21.00"),
        (796, "12:00:00: your price £20.50"),
    ],
)
def test_a_moment_that_is_pointed_at_is_one_of_the_chart(draw, x, said):
    """Left and right of the lines there is none: neither a time to come nor one before."""
    figure = draw()
    box = figure.locator("svg.chart").bounding_box()
    figure.page.mouse.move(box["x"] + x, box["y"] + 100)
    readout = figure.locator(".readout")
    expect(readout).to_contain_text(said)
    figure.page.mouse.move(5, 5)
    expect(readout).to_have_text("Point at the chart to read the prices of a moment.")


def test_before_the_first_message_no_price_is_read(draw):
    figure = draw(POINTS[2:])
    box = figure.locator("svg.chart").bounding_box()
    figure.page.mouse.move(box["x"] + 100, box["y"] + 100)
    expect(figure.locator(".readout")).to_have_text("Before the first message")


@pytest.mark.parametrize("opened", [True, False])
def test_the_same_as_a_table_the_newest_first(draw, opened):
    figure = draw(open=opened)
    fold = figure.locator("summary", has_text="As a table")
    if not opened:
        assert figure.locator("tbody tr").count() == 0
        for _ in range(3):
            fold.click()
    rows = figure.locator("tbody tr")
    expect(rows).to_have_count(4)
    found = rows.evaluate_all("(all) => all.map((one) => [...one.cells].map((c) => c.textContent))")
    assert [re.sub(r".* ", "", one[0]) for one in found] == [
        "09:00:00",
        "06:00:00",
        "03:00:00",
        "22:00:00",
    ]
    assert [one[1] for one in found] == ["£20.50", "£20.00", "unknown", "£21.00"]
    assert {one[2] for one in found} == {"£19.00"}
    assert [one[5] for one in found] == ["unknown", "no", "yes", "yes"]


def test_without_a_price_there_is_no_chart(draw, stage):
    expect(draw([point(3, None, low=None)])).to_have_text("No prices were seen in this time.")
    empty = "m.chart(null, { from: 0, to: 1, width: 800 }).textContent"
    assert stage("chart.js", empty) == "No prices were seen in this time."


@pytest.mark.parametrize(
    ("since", "labels"),
    [
        ("2026-03-04T00:00:00Z", ["01:00", "03:00", "05:00", "07:00", "09:00", "11:00"]),
        ("2026-02-25T12:00:00Z", ["26 Feb", "28 Feb", "2 Mar", "4 Mar"]),
        ("2026-03-02T23:00:00Z", ["3 Mar", "4 Mar"]),
    ],
)
def test_the_axis_says_hours_of_a_day_and_days_of_a_week(stage, since, labels):
    drawn = f"""(() => {{
        const [from, to] = [Date.parse("{since}"), Date.parse("{TO}")];
        const one = m.chart({json.dumps({"currency": "GBP", "points": POINTS[2:]})}, {{ from, to, width: 800 }});
        return [...one.querySelectorAll("text[text-anchor=middle]")].map((tick) => tick.textContent);
    }})()"""
    assert stage("chart.js", drawn) == labels


WEEK = state(
    key="s", currency="GBP", version=1, your_price="20.00", market_low="19.00", event_time=TO
)


@pytest.fixture
def sparks(stage):
    """Sparks with `cells` in sight; `asked` are the ASINs, `answers` wait by hand when `slow`."""
    stage.page.clock.install(time=TO)
    stage.page.clock.pause_at("2026-03-04T12:00:01Z")
    stage(
        "sparks.js",
        """(() => {
            const row = document.querySelector("#products");
            row.innerHTML = Array.from({ length: 8 }, () => "<div class='cell'>-</div>").join("");
            Object.assign(window, { cells: [...row.children], asked: [], answers: [], slow: false, fails: 0 });
            const same = { marketplace_id: "M", item_condition: "new", audience: "consumer", seller_id: "S" };
            const points = (last) => ["21.00", last].map((your_price, n) =>
                ({ event_time: `2026-03-0${n + 2}T12:00:00Z`, your_price, market_low: "19.00" }));
            window.course = (last = "20.00") => ({ series: [
                { ...same, audience: "business", points: points("99.00") }, { ...same, points: points(last) }] });
            window.fetch = async (url) => {
                asked.push(/trends\\/(\\w+)/.exec(url)[1]);
                if (fails) return new Response("{}", { status: fails });
                const body = slow ? await new Promise((go) => answers.push(go)) : course();
                return new Response(JSON.stringify(body));
            };
            window.sparks = new m.Sparks();
        })()""",
    )

    def show(cell, **changes):
        stage.page.evaluate("([n, one]) => sparks.show(cells[n], one)", [cell, WEEK | changes])

    stage.page.show = show
    return stage.page


def until_asked(sparks, number):
    wait_for(lambda: sparks.evaluate("asked.length") == number, f"{number} questions")


def week(last, first="21.00"):
    return f"Last 7 days: your price from £{first} to £{last}, market low £19.00"


def test_a_new_version_adds_its_price_to_the_line_and_the_same_one_does_not(sparks):
    sparks.show(0)
    line = sparks.locator(".cell svg")
    expect(line).to_have_attribute("aria-label", week("20.00"))
    sparks.show(0, your_price="33.00")
    sparks.show(0, version=2, event_time="2026-03-04T12:00:01Z", your_price="18.50")
    expect(line).to_have_attribute("aria-label", week("18.50"))
    sparks.show(0, version=3, event_time="2026-03-04T12:00:01Z", your_price="17.00")
    expect(line).to_have_attribute("aria-label", week("18.50"))
    sparks.show(0, version=4, event_time="2026-03-04T12:00:02Z", your_price=None)
    expect(line.locator("circle")).to_have_count(0)
    assert sparks.evaluate("asked") == ["A"]


def test_they_are_asked_for_with_pauses_and_only_while_somebody_looks(sparks):
    sparks.evaluate("slow = true")
    sparks.evaluate(
        "(one) => cells.slice(0, 6).forEach((cell, n) =>"
        " sparks.show(cell, { ...one, key: `s${n}`, asin: `A${n}` }))",
        WEEK,
    )
    until_asked(sparks, 1)
    sparks.evaluate("sparks.forget(cells[3]); answers[0](course())")
    for n in (2, 3):
        until_asked(sparks, n)
        sparks.evaluate(f"answers[{n - 1}](course())")
    expect(sparks.locator(".cell svg")).to_have_count(3)
    assert sparks.evaluate("asked.length") == 3
    sparks.clock.run_for(150)
    until_asked(sparks, 5)
    assert sparks.evaluate("asked") == ["A0", "A1", "A2", "A4", "A5"]


def test_an_answer_is_drawn_only_where_its_state_is_still_shown_and_with_its_newest_version(sparks):
    sparks.evaluate("slow = true")
    sparks.show(0, key="a", asin="A")
    until_asked(sparks, 1)
    sparks.show(0, key="b", asin="B")
    until_asked(sparks, 2)
    sparks.evaluate("answers[0](course('77.00'))")
    sparks.show(1, key="a", asin="A")
    second = sparks.locator(".cell").nth(1).locator("svg")
    expect(second).to_have_attribute("aria-label", week("77.00"))
    expect(sparks.locator(".cell").nth(0)).to_have_text("-")
    sparks.evaluate("answers[1](course('55.00'))")
    first = sparks.locator(".cell").nth(0).locator("svg")
    expect(first).to_have_attribute("aria-label", week("55.00"))


def test_when_everything_may_have_changed_what_is_looked_at_is_asked_for_again(sparks):
    sparks.show(0)
    expect(sparks.locator(".cell svg")).to_be_visible()
    sparks.evaluate("sparks.clear()")
    until_asked(sparks, 2)


@pytest.mark.parametrize(
    ("status", "waits", "asked"), [(429, 1999, 1), (429, 2000, 2), (500, 9000, 1)]
)
def test_who_asks_too_much_waits_and_what_fails_is_not_asked_for_at_once(
    sparks, status, waits, asked
):
    sparks.evaluate(f"fails = {status}")
    sparks.show(0)
    until_asked(sparks, 1)
    sparks.evaluate("fails = 0")
    sparks.clock.run_for(waits)
    sparks.evaluate("new Promise((go) => requestAnimationFrame(go)); 0")
    assert sparks.evaluate("asked.length") == asked
    if status == 500:
        sparks.show(0, version=2)
        expect(sparks.locator(".cell svg")).to_be_visible()


def test_what_has_no_price_yet_says_so(sparks):
    sparks.evaluate("course = () => ({ series: [] })")
    sparks.show(0)
    expect(sparks.locator(".cell").first).to_have_text("none yet")
