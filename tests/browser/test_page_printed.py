"""The page on paper: black on white, without what can only be pressed, and nothing cut off."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.dashboard import write_alert, write_state
from tests.shop import CRITICAL, call_it, open_mug, open_shop, tell

PAPER = {"width": 718, "height": 1047}
"""A4 within the margins that browsers leave."""

SEEN = """() => {
    const seen = [...document.querySelectorAll("body *:not(.swatch)")].filter((one) =>
        one.checkVisibility({visibilityProperty: true}) && one.getClientRects().length);
    const box = (one) => one.getBoundingClientRect();
    const says = (one) => [...one.childNodes].some((n) => n.nodeType === 3 && n.data.trim());
    const name = (one) => `${one.tagName}.${one.getAttribute("class") ?? one.id} ${one.textContent}`;
    const shown = seen.filter((one) => !one.closest(".unseen, svg"));
    const style = (one) => getComputedStyle(one);
    return {
        texts: shown.filter(says).map((one) => one.textContent.trim()),
        controls: shown.filter((one) =>
            one.matches("input, textarea, select, a, button:not(.name, .tab)")).map(name),
        beside: shown.filter((one) => says(one) && one.closest("thead") === null
            && (box(one).right > innerWidth + 0.5 || box(one).left < 0)).map(name),
        cut: shown.filter((one) => style(one).overflow !== "visible"
            && (one.scrollWidth > one.clientWidth + 1 || one.scrollHeight > one.clientHeight + 1))
            .filter((one) => one.closest("thead") === null).map(name),
        fixed: shown.filter((one) => ["fixed", "sticky"].includes(style(one).position)).map(name),
        inks: [...new Set(shown.filter(says).map((one) => style(one).color))],
        grounds: [...new Set(seen.map((one) => style(one).backgroundColor))],
    };
}"""
"""What is seen of the page: its texts, what can be pressed, what lies beside the paper or is cut."""

NOTE = "Anna asks the supplier.\n" * 12
TITLE = "Enamel mug with a very long name " * 12


@pytest.fixture
def shop(conn):
    open_shop(conn)
    call_it(conn, "B0CXYZ1234", TITLE.strip())
    write_alert(conn, "B0CXYZ1234", kind="pricing-health", severity="warning", note=NOTE)


def printed(visit):
    visit.page.emulate_media(media="print")
    visit.page.evaluate("dispatchEvent(new Event('beforeprint'))")
    return visit.page.evaluate(SEEN)


def is_on_paper(seen):
    assert seen["controls"] == []
    assert seen["beside"] == []
    assert seen["cut"] == []
    assert seen["fixed"] == []
    assert seen["inks"] == ["rgb(0, 0, 0)"]
    assert set(seen["grounds"]) <= {"rgba(0, 0, 0, 0)", "rgb(255, 255, 255)"}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_list_is_printed_whole(shop, backend, look, scheme):
    visit = look(backend.url, viewport=PAPER, color_scheme=scheme)
    visit.tab("All")
    visit.row("Enamel mug").get_by_role("button", name="Snooze Price").click()
    expect(visit.page.locator("svg.spark").first).to_be_visible()
    seen = printed(visit)
    is_on_paper(seen)
    assert {TITLE.strip(), NOTE.strip(), "A1RIVAL0000001", "£27.50", "Critical"} <= set(
        seen["texts"]
    )
    assert {"All", "buybox"} <= set(seen["texts"])
    assert any(re.match(r"Printed \d+ \w+ 20\d\d, \d\d:", text) for text in seen["texts"])
    assert not {"Resolved", "Live", "Quiet for"} & set(seen["texts"])


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_one_product_is_printed_whole(shop, backend, look, scheme):
    visit = look(backend.url, viewport=PAPER, color_scheme=scheme)
    visit.page.locator("button.name").first.click()
    drawer = visit.page.get_by_role("dialog")
    expect(drawer.locator("svg.chart")).to_be_visible()
    expect(drawer.locator("details.sum").first).to_be_visible()
    expect(drawer.locator(".trail").first).to_be_visible()
    folded = drawer.locator("details.sum:not([open]), details.trail:not([open])")
    assert folded.count() > 1
    seen = printed(visit)
    is_on_paper(seen)
    expect(folded.locator("table, ol").first).to_be_visible()
    assert {"UK United Kingdom", "B0CXYZ1234", "Where it stands", "12 offers (10 or more)"} <= {
        part.strip() for text in seen["texts"] for part in re.split("[·\n]", text)
    }
    assert "All" not in seen["texts"]
    backdrop = "(one) => getComputedStyle(one, '::backdrop').display"
    assert drawer.evaluate(backdrop) == "none"
    key = drawer.locator(".swatch.other")
    assert key.evaluate("(one) => getComputedStyle(one).backgroundColor") != "rgba(0, 0, 0, 0)"
    pages = len(re.findall(rb"/Type\s*/Page\b", visit.page.pdf(format="A4")))
    tall = drawer.evaluate("(one) => one.scrollHeight")
    assert pages >= tall / PAPER["height"] * 0.8


def test_paper_says_how_much_of_the_list_it_lacks(conn, backend, look):
    for n in range(103):
        write_state(conn, f"B0{n:08d}", severity="high")
    visit = look(backend.url, viewport=PAPER)
    visit.tab("High")
    expect(visit.page.locator("tbody.product")).to_have_count(100)
    visit.page.emulate_media(media="print")
    expect(visit.page.locator(".more")).to_have_text(
        "3 more products are not shown here.", use_inner_text=True
    )
    expect(visit.page.locator(".more")).to_be_visible()


def test_paper_says_that_the_connection_was_cut(conn, backend, look):
    open_mug(conn)
    tell(conn, "B0CXYZ1234", **CRITICAL)
    visit = look(backend.url, viewport=PAPER)
    backend.kill()
    expect(visit.page.locator("#cut")).to_contain_text("What you see is as of then")
    seen = printed(visit)
    is_on_paper(seen)
    assert any("What you see is as of then" in text for text in seen["texts"])
