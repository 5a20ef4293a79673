"""The page where there is little room for much: figures apart, everything in reach."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from playwright.sync_api import expect

from tests.factories import CURRENCIES
from tests.shop import call_it, tell

SMALLEST = {"width": 320, "height": 640}
DUBAI, INDIA = "A2VIGQ35RCS4UG", "A21TJRUUN4KGV"

RUN_TOGETHER = """() => {
    const found = [];
    for (const row of document.querySelectorAll(".product .figures")) {
        const texts = [...row.querySelectorAll(".n .v")].map((value) => {
            const all = document.createRange();
            all.selectNodeContents(value);
            return [value.textContent, all.getBoundingClientRect()];
        });
        for (const [one, a] of texts)
            for (const [other, b] of texts)
                if (a.left < b.left && a.right > b.left && a.top < b.bottom && b.top < a.bottom)
                    found.push(`${one} over ${other}`);
    }
    return found;
}"""
"""Figures of a row that are drawn one over the other."""


@pytest.fixture
def dear(conn, monkeypatch):
    """Products that cost what a phone costs, in rupees and in dirhams."""
    for asin, marketplace, currency, own, low in (
        ("B0INDIA001", INDIA, "INR", "129999.00", "121999.00"),
        ("B0DUBAI001", DUBAI, "AED", "1299.00", "1199.50"),
    ):
        monkeypatch.setitem(CURRENCIES, marketplace, currency)
        for days in (2, 1, 0):
            at = datetime.now(UTC) - timedelta(days=days)
            tell(conn, asin, str(Decimal(own) + days), low, marketplace=marketplace, at=at)


@pytest.mark.parametrize("width", [320, 390, 1024, 1280, 1440])
def test_no_price_runs_into_the_next_one(dear, backend, look, width):
    visit = look(backend.url, viewport={"width": width, "height": 900})
    visit.tab("All")
    own = visit.row("B0DUBAI001").locator("[data-label='Your price'] .v")
    expect(own).to_have_text("AED\N{NO-BREAK SPACE}1,299.00")
    assert visit.page.evaluate(RUN_TOGETHER) == []
    assert visit.overflow() == 0


def test_on_the_smallest_phone_nothing_is_beside_the_page(backend, look):
    visit = look(backend.url, viewport=SMALLEST, has_touch=True, is_mobile=True)
    expect(visit.page.locator(".steps")).to_be_visible()
    assert visit.overflow() == 0
    visit.page.locator("#workers summary").click()
    expect(visit.page.locator("#workers li").first).to_have_text("Ingestion: never seen")
    assert visit.overflow() == 0


def test_a_mouse_can_reach_every_tab(backend, look, with_scrollbars):
    """At 200 % on a usual screen, where a wheel does not scroll sideways."""
    visit = look(backend.url, viewport={"width": 600, "height": 450}, browser=with_scrollbars)
    tabs = visit.page.locator(".tabs")
    last = visit.page.get_by_role("tab", name="Resolved")
    expect(last).not_to_be_in_viewport()
    place = tabs.bounding_box()
    bar = place["y"] + place["height"] - 3
    visit.page.mouse.move(place["x"] + 60, bar)
    visit.page.mouse.down()
    visit.page.mouse.move(place["x"] + place["width"], bar)
    visit.page.mouse.up()
    expect(last).to_be_in_viewport(ratio=1)


CUT = """() => [...document.querySelectorAll(".figures .n .sub")]
    .filter((one) => one.scrollHeight > one.clientHeight + 1)
    .map((one) => [one.textContent, getComputedStyle(one).textAlign])"""
"""The lines under a figure that are longer than their place, and to which side they are set."""


@pytest.mark.parametrize("width", [320, 1280, 1440])
def test_a_reason_that_is_cut_ends_in_dots(conn, backend, look, width):
    """Chromium draws the dots of a cut line only where text is set to the left."""
    call_it(conn, "B0CXYZ1234", "Enamel mug", category="a-category-of-goods-without-any-rule")
    tell(conn, "B0CXYZ1234", "19.00", "18.00")
    visit = look(backend.url, viewport={"width": width, "height": 900})
    visit.tab("All")
    expect(visit.row("B0CXYZ1234")).to_be_visible()
    cut = visit.page.evaluate(CUT)
    assert cut
    assert {side for _, side in cut} == {"left"}


@pytest.mark.parametrize(("width", "side"), [(1440, 1), (390, 0)])
def test_what_fits_under_a_figure_stands_at_the_side_of_the_figure(
    conn, backend, look, width, side
):
    """Right in the table of a wide page, left in the grid of a narrow one."""
    tell(conn, "B0CXYZ1234", "17.00", "18.00")
    visit = look(backend.url, viewport={"width": width, "height": 900})
    visit.tab("All")
    cell = visit.row("B0CXYZ1234").locator("[data-label='Market low']")
    expect(cell.locator(".sub")).to_have_text("yours")
    value, sub = (cell.locator(f".{name}").bounding_box() for name in ("v", "sub"))
    edge = value["x"] + side * value["width"]
    assert edge == pytest.approx(sub["x"] + side * sub["width"], abs=0.5)
