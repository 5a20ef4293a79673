"""The drawer of one product before answers that come late, in another order, or not at all."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.page_rows import product
from tests.processes import wait_for

NOON = "2026-03-04T12:00:00Z"
GB, ASIN = "A1F83G8C2ARO7P", "B0CXYZ1234"
MUG = product(
    "P", marketplace_id=GB, asin=ASIN, title="Mug", flags=[], competitor_low=None,
    severity_reasons=["dear"], economics_unknown="no costs are known",
)  # fmt: skip
PRODUCT = {
    "key": "P",
    "marketplaceId": GB,
    "asin": ASIN,
    "title": "Mug",
    "severity": "high",
    "lead": MUG,
}


def course(*prices, **more):
    """What the server knows of the week: a message an hour until noon."""
    points = [
        {
            "event_time": f"2026-03-04T{12 - len(prices) + n:02}:00:00Z", "your_price": price,
            "market_low": "19.00", "prime_low": None, "buy_box_price": None, "buy_box_winner": None,
        }
        for n, price in enumerate(prices)
    ]  # fmt: skip
    same = {n: MUG[n] for n in ("marketplace_id", "item_condition", "audience", "seller_id")}
    series = {**same, "currency": "GBP", "points": points}
    others = [series | {"seller_id": "ANOTHER", "points": []}, series]
    return {"since": "2026-02-25T12:00:00Z", "cut": False, "series": others} | more


class Server:
    """What answers the drawer; `hold` keeps the questions of a kind waiting, to be answered by hand."""

    def __init__(self, page):
        self.answers = {
            "product": {"states": [MUG], "offers": [], "alerts": [], "alerts_cut": False},
            "explanation": {"explanations": []},
            "trends": course("21.00", "20.00"),
        }
        self.held: dict[str, list] = {}
        self.asked: list[str] = []
        page.route("**/api/**", self._answer)
        self.page = page

    def hold(self, kind):
        self.held[kind] = []

    def let(self, kind, place, answer=None):
        """Answer the question that was held back there; without an answer it is refused."""
        route = self.held[kind][place]
        if answer is None:
            route.fulfill(status=500, json={"detail": "It fell over."})
        else:
            route.fulfill(json=answer)

    def waits(self, kind, number):
        wait_for(lambda: self.page.evaluate("1") and len(self.held[kind]) >= number, kind)

    def was_asked(self, number):
        wait_for(
            lambda: self.page.evaluate("1") and len(self.asked) >= number, f"{number} questions"
        )
        assert len(self.asked) == number

    def _answer(self, route):
        found = re.search(r"explanation|trends", route.request.url)
        kind = found[0] if found else "product"
        self.asked.append(route.request.url.partition("/api/")[2])
        if kind in self.held:
            self.held[kind].append(route)
        elif self.answers[kind] is None:
            route.fulfill(status=500, json={"detail": "It fell over."})
        else:
            route.fulfill(json=self.answers[kind])


@pytest.fixture
def server(stage):
    stage.page.clock.install(time=NOON)
    stage(
        "drawer.js",
        """(() => {
            window.held = null;
            const store = { product: (key) => (held?.key === key ? held : null) };
            window.drawer = new m.Drawer(document.getElementById("drawer"), store);
        })()""",
    )
    return Server(stage.page)


@pytest.fixture
def drawer(server):
    return server.page.get_by_role("dialog")


def show(server, product=PRODUCT):
    server.page.evaluate("(one) => drawer.open(one)", product)


def leave(server, drawer):
    """Close it, and wait until it knows."""
    ended = "new Promise((go) => (document.getElementById('drawer').onclose = go))"
    server.page.evaluate(f"window.ended = {ended}; 0")
    server.page.keyboard.press("Escape")
    server.page.evaluate("ended.then(() => 0)")
    expect(drawer).to_be_hidden()


def again(server):
    server.page.evaluate("drawer.again()")


def with_price(price):
    one = MUG | {"your_price": price}
    return {"states": [one], "offers": [], "alerts": [], "alerts_cut": False}


def test_of_two_answers_the_one_to_the_later_question_stays(server, drawer):
    """A later question may be answered first; then the earlier answer is out of date."""
    for kind in ("product", "trends"):
        server.hold(kind)
    show(server)
    again(server)
    server.waits("product", 2)
    server.waits("trends", 2)
    server.let("product", 1, with_price("27.50"))
    server.let("trends", 1, course("21.00", "27.50"))
    prices, words = drawer.locator("dl").first, drawer.locator("figcaption")
    expect(prices).to_contain_text("£27.50")
    expect(words).to_contain_text("from £21.00 to £27.50")
    for answer in (with_price("20.00"), course("21.00", "20.00")):
        with server.page.expect_response("**/api/**"):
            server.let("trends" if "series" in answer else "product", 0, answer)
    server.page.evaluate("new Promise((go) => requestAnimationFrame(() => setTimeout(go)))")
    expect(prices).to_contain_text("£27.50")
    expect(words).to_contain_text("from £21.00 to £27.50")


def test_the_history_is_of_the_range_that_was_chosen_last(server, drawer):
    show(server)
    expect(drawer.locator("figcaption")).to_contain_text("£21.00 to £20.00")
    server.hold("trends")
    month, day = (drawer.get_by_role("button", name=name) for name in ("30 days", "24 h"))
    month.click()
    day.click()
    server.waits("trends", 2)
    assert [one.rpartition("hours=")[2] for one in server.asked if "trends" in one] == [
        f"{hours}&points=300" for hours in (168, 720, 24)
    ]
    server.let("trends", 1, course("20.50", "20.00", since="2026-03-03T12:00:00Z"))
    expect(drawer.locator("figcaption")).to_contain_text("£20.50 to £20.00")
    with server.page.expect_response("**/trends/**"):
        server.let("trends", 0, course("30.00", "20.00", since="2026-02-02T12:00:00Z"))
    server.page.evaluate("new Promise((go) => requestAnimationFrame(() => setTimeout(go)))")
    expect(drawer.locator("figcaption")).to_contain_text("£20.50 to £20.00")
    pressed = drawer.get_by_role("group", name="How far back").get_by_role("button", pressed=True)
    expect(pressed).to_have_text(["24 h"])


def test_a_history_that_could_not_be_read_is_not_drawn_as_it_was_before(server, drawer):
    """Neither then nor when the window changes its size, under the name of another range."""
    show(server)
    expect(drawer.locator("svg.chart")).to_be_visible()
    server.answers["trends"] = None
    drawer.get_by_role("button", name="30 days").click()
    expect(drawer.get_by_role("alert")).to_have_text("It fell over.")
    server.page.evaluate("dispatchEvent(new Event('resize'))")
    expect(drawer.get_by_role("alert")).to_have_text("It fell over.")
    server.answers["trends"] = course("30.00", "20.00", cut=True)
    drawer.get_by_role("button", name="Try again").click()
    expect(drawer.locator("figcaption")).to_contain_text("£30.00 to £20.00")
    expect(drawer).to_contain_text("the oldest messages are left out")
    server.page.set_viewport_size({"width": 700, "height": 900})
    server.page.wait_for_function(
        "(([one]) => one.clientWidth === Number(one.querySelector('svg.chart').getAttribute('width')))"
        "(document.querySelectorAll('dialog .drawing'))"
    )


@pytest.mark.parametrize("kind", ["product", "trends", "explanation"])
@pytest.mark.parametrize("answer", [True, False], ids=["answered", "refused"])
def test_an_answer_about_the_product_before_is_not_shown_under_the_next(
    server, drawer, kind, answer
):
    given = server.answers[kind]
    server.hold(kind)
    show(server)
    server.waits(kind, 1)
    leave(server, drawer)
    show(server, PRODUCT | {"key": "Q", "asin": "B0ANOTHER1", "title": "Kettle"})
    server.waits(kind, 2)
    server.let(kind, 1, given)
    place = {"product": ".parts", "trends": ".drawing", "explanation": ".sums"}[kind]
    expect(drawer.locator(place)).not_to_contain_text("Reading ...")
    shown = drawer.locator(place).inner_html()
    with server.page.expect_response("**/api/**"):
        server.let(
            kind,
            0,
            {**given, "since": "2026-03-04T11:30:00Z", "states": [], "explanations": [1]}
            if answer
            else None,
        )
    server.page.evaluate("new Promise((go) => requestAnimationFrame(() => setTimeout(go)))")
    assert drawer.locator(place).inner_html() == shown
    expect(drawer.get_by_role("heading", level=2)).to_contain_text("Kettle")


def test_what_changes_is_read_again_soon_and_once_and_only_while_it_is_open(server, drawer):
    server.page.clock.pause_at("2026-03-04T12:05:00Z")
    show(server)
    expect(drawer.locator("dl").first).to_contain_text("£20.00")
    before = len(server.asked)
    server.answers["product"] = with_price("27.50")
    refresh = "(keys) => drawer.refresh(new Set(keys))"
    server.page.evaluate(refresh, ["Q"])
    server.page.clock.run_for(5000)
    assert len(server.asked) == before
    for _ in range(3):
        server.page.evaluate(refresh, ["Q", "P"])
    server.page.clock.run_for(1499)
    assert len(server.asked) == before
    server.page.clock.run_for(1)
    expect(drawer.locator("dl").first).to_contain_text("£27.50")
    server.page.clock.run_for(5000)
    server.was_asked(before + 3)
    server.page.evaluate(refresh, ["P"])
    server.page.clock.run_for(1500)
    server.was_asked(before + 6)
    server.page.evaluate(refresh, ["P"])
    leave(server, drawer)
    server.page.clock.run_for(5000)
    server.page.evaluate(refresh, ["P"])
    again(server)
    server.page.clock.run_for(5000)
    server.was_asked(before + 6)
    show(server)
    server.page.evaluate(refresh, ["P"])
    server.page.clock.run_for(1500)
    server.was_asked(before + 12)


def test_what_is_read_again_has_the_heading_of_today(server, drawer):
    show(server)
    expect(drawer.get_by_role("heading", level=2)).to_have_text("High Mug")
    server.page.evaluate(
        "(one) => (held = one)", PRODUCT | {"title": "Big mug", "severity": "critical"}
    )
    again(server)
    expect(drawer.get_by_role("heading", level=2)).to_have_text("Critical Big mug")
    shop = drawer.get_by_role("link", name="Open on amazon.co.uk")
    expect(shop).to_have_attribute("href", f"https://www.amazon.co.uk/dp/{ASIN}")
    expect(shop).to_have_attribute("rel", "noopener noreferrer")
    expect(drawer.locator("header .under")).to_contain_text(f"UK United Kingdom · {ASIN}")


@pytest.mark.parametrize(
    "changes", [{"asin": "../evil?x"}, {"asin": "b0cxyz1234"}, {"marketplaceId": "AWHATISTHIS"}]
)
def test_only_what_can_be_an_address_of_amazon_is_a_link(server, drawer, changes):
    show(server, PRODUCT | changes)
    expect(drawer.locator("header .under")).to_contain_text((PRODUCT | changes)["asin"])
    assert drawer.get_by_role("link").count() == 0


def test_without_a_state_there_is_no_history_to_ask_for(server, drawer):
    server.answers["product"] = {"states": [], "offers": [], "alerts": [], "alerts_cut": False}
    show(server, PRODUCT | {"lead": None, "title": None})
    expect(drawer.locator(".drawing")).to_have_text("Nothing is known of its prices.")
    expect(drawer.get_by_role("heading", level=2)).to_have_text(f"High {ASIN}")
    assert [one for one in server.asked if "trends" in one] == []


def test_each_of_several_states_has_its_own_offers_and_name(server, drawer):
    used = MUG | {"key": "u", "item_condition": "used", "your_price": "9.99"}
    offer = {
        "seller_id": "R1", "own": False, "landed": "8.88", "listing": "8.88", "shipping": "0",
        "points": None, "prime": False, "fulfilled_by_amazon": False, "winner": None,
    }  # fmt: skip
    server.answers["product"] |= {
        "states": [MUG, used],
        "offers": [{"state_key": "u", "event_time": NOON, "offers": [offer]}],
    }
    show(server)
    expect(drawer.locator("h3.which")).to_have_text(["new, consumers", "used, consumers"])
    expect(drawer.locator("section[aria-labelledby=standing-1]")).to_contain_text("£9.99")
    offers = drawer.get_by_role("region", name="Each seller and price, used, consumers")
    expect(offers).to_contain_text("£8.88")
    unkept = drawer.locator("section[aria-labelledby=offers-0]")
    expect(unkept).to_contain_text("no longer kept")


def test_when_it_cannot_be_read_it_says_so_and_reads_all_of_it_again(server, drawer):
    server.answers["product"] = None
    show(server)
    expect(drawer.get_by_role("alert")).to_have_text("It fell over.")
    server.answers["product"] = with_price("27.50")
    before = len(server.asked)
    drawer.get_by_role("button", name="Try again").click()
    expect(drawer.locator("dl").first).to_contain_text("£27.50")
    assert len(server.asked) == before + 3


def test_what_was_missed_while_it_was_cut_is_read_once_it_is_over(server, drawer):
    show(server)
    expect(drawer.locator("dl").first).to_contain_text("£20.00")
    before = len(server.asked)
    cut = drawer.locator("header p.error")
    server.page.evaluate("drawer.cut(''); drawer.cut('Cut since 12:00.')")
    expect(cut).to_have_text("Cut since 12:00.")
    server.page.evaluate("drawer.cut('Cut since 12:00. Trying now.')")
    server.was_asked(before)
    server.answers["product"] = with_price("27.50")
    server.page.evaluate("drawer.cut('')")
    expect(cut).to_be_hidden()
    expect(drawer.locator("dl").first).to_contain_text("£27.50")


def test_it_begins_with_nothing_of_the_product_before(server, drawer):
    show(server)
    expect(drawer.locator("figcaption")).to_contain_text("£20.00")
    drawer.get_by_role("button", name="Close").click()
    expect(drawer).to_be_hidden()
    assert server.page.evaluate("drawer.voice") is None
    for kind in ("product", "trends", "explanation"):
        server.hold(kind)
    show(server, PRODUCT | {"key": "Q", "title": "Kettle"})
    expect(drawer.locator(".parts")).to_have_text("Reading ...")
    server.page.evaluate("dispatchEvent(new Event('resize'))")
    expect(drawer.locator(".drawing")).to_have_text("Reading ...")
    server.waits("product", 1)
    server.let("product", 0, server.answers["product"])
    expect(drawer.locator(".sums")).to_have_text("Reading ...")
    assert server.page.evaluate("drawer.voice.closest('dialog').open")
    server.page.mouse.click(5, 5)
    expect(drawer).to_be_hidden()
