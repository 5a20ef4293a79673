"""The page for who has no mouse, no eyes, or large fingers."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.dashboard import write_alert, write_state
from tests.shop import CRITICAL, MUG, call_it, open_mug, tell

BEHIND = """() => {
    const held = document.activeElement;
    const box = held.getBoundingClientRect();
    if (held === document.body || box.height > 200) return null;  // as high as what is left of it
    const above = held.closest("dialog") ? "dialog header" : ".bar, #cut";
    const over = [...document.querySelectorAll(above)]
        .filter((one) => one.checkVisibility() && !one.contains(held));
    return over.map((one) => one.getBoundingClientRect())
        .some((one) => box.top < one.bottom - 1 && box.bottom > one.top + 1
            && box.left < one.right && box.right > one.left) ? held.textContent : null;
}"""
"""What has the focus, where something else that stays in its place lies over it."""

DESK, ZOOMED = {"width": 1280, "height": 700}, {"width": 640, "height": 400}


@pytest.fixture
def mug(conn):
    open_mug(conn)
    tell(conn, MUG, **CRITICAL)


@pytest.mark.parametrize("viewport", [DESK, ZOOMED], ids=["100 %", "200 %"])
def test_what_has_the_focus_is_behind_nothing(mug, conn, backend, look, viewport):
    for n in range(12):
        write_state(conn, f"B0{n:08d}", severity="critical")
        write_alert(conn, f"B0{n:08d}")
    visit = look(backend.url, viewport=viewport)
    page = visit.page
    visit.tab("Critical")
    names = page.locator("button.name")
    expect(names).to_have_count(13)
    backend.kill()
    expect(page.locator("#cut")).to_be_visible()
    names.first.focus()
    hidden = []
    for key in ("Tab", "Shift+Tab"):
        for _ in range(52):
            page.keyboard.press(key)
            hidden.append(page.evaluate(BEHIND))
    assert [one for one in hidden if one] == []


def test_in_the_drawer_too_however_long_the_title(mug, conn, backend, look):
    call_it(conn, MUG, ("Enamel mug with a long name " * 20)[:500].strip())
    visit = look(backend.url, viewport={"width": 320, "height": 640})
    page = visit.page
    page.locator("button.name").click()
    drawer = page.get_by_role("dialog")
    expect(drawer.locator(".trail").last).to_be_visible()
    assert drawer.locator("header").bounding_box()["height"] < 640 / 3
    drawer.locator("summary").last.focus()
    hidden = []
    for _ in range(14):
        page.keyboard.press("Shift+Tab")
        hidden.append(page.evaluate(BEHIND))
    assert [one for one in hidden if one] == []


def test_the_drawer_takes_the_focus_and_keeps_it_when_it_is_read_anew(mug, conn, backend, look):
    visit = look(backend.url)
    page = visit.page
    page.locator("button.name").focus()
    page.keyboard.press("Enter")
    drawer = page.get_by_role("dialog")
    expect(drawer.locator("svg.chart")).to_be_visible()
    expect(drawer.locator(".trail").last).to_be_visible()
    expect(drawer.locator("h2")).to_be_focused()
    price = drawer.locator("dl").first
    history = drawer.locator("summary", has_text="As a table")
    offers = drawer.get_by_role("region", name="Each seller and price")
    history.click()
    for n, held in enumerate((drawer.get_by_role("link"), history, offers)):
        held.focus()
        tell(conn, MUG, f"27.{n}1", "18.00", rivals=11)
        expect(price).to_contain_text(f"£27.{n}1")
        expect(drawer.locator("figure tbody tr").first).to_contain_text(f"£27.{n}1")
        expect(held).to_be_focused()


def test_a_history_that_is_read_stays_where_it_was_scrolled_to(mug, conn, backend, look):
    for n in range(20):
        tell(conn, MUG, f"26.{n + 10}", "18.00", rivals=11)
    visit = look(backend.url)
    visit.page.locator("button.name").click()
    drawer = visit.page.get_by_role("dialog")
    expect(drawer.locator(".trail").last).to_be_visible()
    drawer.locator("summary", has_text="As a table").click()
    rows = drawer.locator("figure tbody tr")
    expect(rows).to_have_count(22)
    table = drawer.get_by_role("region", name="The history as a table")
    table.evaluate("(one) => one.scrollTo(0, 200)")
    tell(conn, MUG, "27.77", "18.00", rivals=11)
    expect(rows).to_have_count(23)
    assert table.evaluate("(one) => one.scrollTop") == 200


def test_what_is_said_is_heard_over_an_open_drawer(mug, conn, backend, look):
    """A modal dialog silences what lies outside of it."""
    visit = look(backend.url)
    page = visit.page
    said = page.locator("[aria-live=polite]").filter(has_text="New warning alert, Pricing health")
    page.locator("button.name").click()
    expect(page.get_by_role("dialog").locator(".trail").first).to_be_visible()
    write_alert(conn, MUG, kind="pricing-health", severity="warning")
    expect(said).to_have_count(1)
    assert said.evaluate("(one) => one.closest('dialog') !== null")
    page.keyboard.press("Escape")
    write_alert(conn, "B0ANOTHER1", kind="pricing-health", severity="warning")
    expect(said.filter(has_text="B0ANOTHER1")).to_have_id("announce")


def test_a_finger_hits_one_of_the_buttons_and_each_has_a_name_of_its_own(mug, conn, backend, look):
    write_alert(conn, MUG, kind="pricing-health", severity="warning")
    visit = look(backend.url, viewport={"width": 390, "height": 844})
    row = visit.row("Enamel mug")
    together = row.get_by_role("button", name="Acknowledge all 2, Enamel mug", exact=True)
    expect(together).to_be_visible()
    assert together.bounding_box()["height"] >= 34
    assert row.locator("button.name").bounding_box()["height"] >= 24


def test_how_many_were_found_is_said(mug, conn, backend, look):
    visit = look(backend.url)
    page = visit.page
    visit.tab("All")
    page.get_by_role("searchbox").press_sequentially("enamel")
    expect(page.locator("#announce")).to_have_text("1 product found.")
    page.get_by_role("searchbox").press_sequentially(" pan")
    expect(page.locator("#announce")).to_have_text("0 products found.")


def test_workers_that_fall_ill_are_said(mug, backend, look):
    visit = look("about:blank", live=False)
    page = visit.page
    health = {"overall_health": "healthy"}

    def answer(route):
        found = route.fetch().json()
        route.fulfill(json=found | health)

    page.route("**/api/worker-status", answer)
    page.goto(backend.url)
    expect(page.locator("#workers summary")).to_have_text("Workers healthy")
    health["overall_health"] = "critical"
    expect(page.locator("#announce")).to_have_text("Workers critical.")


def test_what_the_workers_say_lies_over_the_list_no_longer_than_wanted(mug, backend, look):
    visit = look(backend.url)
    page = visit.page
    summary = page.locator("#workers summary")
    said = page.locator("#workers li").first
    summary.focus()
    page.keyboard.press("Enter")
    expect(said).to_be_visible()
    page.keyboard.press("Escape")
    expect(said).to_be_hidden()
    expect(summary).to_be_focused()
    summary.click()
    expect(said).to_be_visible()
    said.click()
    expect(said).to_be_visible()
    page.get_by_role("heading", name="buybox").click()
    expect(said).to_be_hidden()
