"""The page while its backend is away, hangs or begins anew: it says so, and nothing is lost."""

from __future__ import annotations

import os
import signal

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import PHONE
from tests.interleave import column
from tests.shop import CRITICAL, MUG, open_mug, tell

MARK = "window.sameDocument = true"


@pytest.fixture(autouse=True)
def mug(conn):
    open_mug(conn)


def test_it_survives_a_kill_of_the_backend_and_catches_up(conn, backend, look):
    visit = look(backend.url)
    page = visit.page
    page.evaluate(MARK)
    visit.tab("All")
    assert visit.complaints == []
    backend.kill()
    expect(page.locator("#connection")).to_have_text("Cut")
    expect(page.locator("#cut")).to_contain_text("What you see is as of then")
    tell(conn, MUG, **CRITICAL)
    backend.start()
    visit.is_live()
    expect(page.locator("#cut")).to_be_hidden()
    row = visit.row("Enamel mug")
    expect(row.locator(".mark").first).to_have_text("Critical")
    expect(row.locator("[data-label='Your price']")).to_contain_text("£27.50")
    expect(row.get_by_role("button", name="Acknowledge")).to_be_visible()
    assert page.evaluate("window.sameDocument")
    assert [one for one in visit.complaints if "net::ERR" not in one] == []


@pytest.mark.parametrize("opened", ["before", "meanwhile"])
def test_an_open_drawer_says_so_too_and_is_read_anew_afterwards(conn, backend, look, opened):
    """It lies over the banner, on a phone over all of the page."""
    visit = look(backend.url, viewport=PHONE)
    visit.tab("All")
    drawer = visit.page.get_by_role("dialog")
    name = visit.row("Enamel mug").locator("button.name")
    if opened == "before":
        name.click()
        expect(drawer.locator("dl").first).to_contain_text("£19.99")
    backend.kill()
    expect(visit.page.locator("#connection")).to_have_text("Cut")
    if opened == "meanwhile":
        name.click()
        expect(drawer.get_by_role("alert").first).to_have_text("The server cannot be reached.")
    expect(drawer.locator("header")).to_contain_text("What you see is as of then")
    conn.execute("UPDATE current_state SET your_price = 26.66")  # nothing for the feed to tell
    backend.start()
    visit.is_live()
    expect(drawer.locator("dl").first).to_contain_text("£26.66")
    expect(drawer.locator("svg.chart")).to_be_visible()
    expect(drawer.locator("header")).not_to_contain_text("as of then")


def test_the_banner_of_a_cut_hides_no_product_for_good(backend, look):
    visit = look(backend.url, viewport={"width": 320, "height": 480})
    visit.tab("All")
    backend.kill()
    expect(visit.page.locator("#cut")).to_be_visible()
    visit.page.evaluate("scrollTo(0, document.body.scrollHeight)")
    last = "document.querySelector('tbody.product').getBoundingClientRect().bottom"
    top = "document.querySelector('#cut').getBoundingClientRect().top"
    visit.page.wait_for_function(f"{last} <= {top}")


def test_a_feed_that_begins_anew_is_read_anew(conn, backend, look):
    visit = look(backend.url)
    visit.tab("All")
    backend.kill()
    tell(conn, MUG, **CRITICAL)
    conn.execute("UPDATE feed_epoch SET epoch = 'another'")
    backend.start()
    visit.is_live()
    expect(visit.row("Enamel mug").locator(".mark").first).to_have_text("Critical")
    tell(conn, MUG, own="27.40", rival="18.00", rivals=11)
    expect(visit.row("Enamel mug").locator("[data-label='Your price']")).to_contain_text("£27.40")
    assert [one for one in visit.complaints if "net::ERR" not in one] == []


def test_what_changes_while_it_is_read_anew_is_not_lost(conn, backend, look):
    tell(conn, MUG, **CRITICAL)
    visit = look(backend.url)
    held, holding = [], True
    states = "**/api/state?*"  # which are read after the alerts
    visit.page.route(states, lambda one: held.append(one) if holding else one.continue_())
    backend.kill()
    conn.execute("UPDATE feed_epoch SET epoch = 'another'")
    with visit.page.expect_request(states, timeout=60_000):
        backend.start()
    conn.execute("SELECT buybox_acknowledge_alert(id, 'bob') FROM alerts")
    expect(visit.row("Enamel mug").locator(".meta")).to_contain_text("bob is on it")
    conn.execute("UPDATE current_state SET your_price = 26.66")  # no change for the feed to tell
    holding = False
    for one in held:
        one.continue_()
    expect(visit.row("£26.66").locator(".meta")).to_contain_text("bob is on it")
    visit.is_live()


def test_a_connection_that_died_in_silence_is_not_shown_as_live(conn, backend, look):
    visit = look(backend.url, clock=True)
    page = visit.page
    visit.tab("All")
    os.kill(backend.process.pid, signal.SIGSTOP)
    try:
        page.clock.fast_forward(50_000)
        expect(page.locator("#connection")).to_have_text("Cut")
        expect(page.locator("#cut")).to_contain_text("no sign of life from the server")
        tell(conn, MUG, **CRITICAL)
    finally:
        os.kill(backend.process.pid, signal.SIGCONT)
    page.get_by_role("tab", name="Critical").click()
    expect(visit.row("Enamel mug")).to_be_visible()
    visit.is_live()


def test_before_anything_was_read_it_tries_when_it_is_told_to(conn, backend, look):
    visit = look("about:blank", live=False)
    page = visit.page
    page.clock.install()
    page.clock.pause_at("2100-01-01")  # nothing is tried because of the time
    page.route("**/api/session", lambda one: one.fulfill(status=503, json={"detail": "Not yet."}))
    page.goto(backend.url)
    expect(page.locator("#cut")).to_contain_text("Not yet. What you see is as of then. Next try in")
    with page.expect_request("**/api/session"):
        page.get_by_role("button", name="Try now").click()
    expect(page.locator("#cut")).to_contain_text("Next try in")
    page.unroute("**/api/session")
    page.evaluate("dispatchEvent(new Event('online'))")
    expect(page.get_by_role("tab", name="All")).to_have_text("All1")
    page.clock.resume()
    visit.is_live()


def test_an_act_while_cut_says_so_and_changes_nothing(conn, backend, look):
    tell(conn, MUG, **CRITICAL)
    visit = look(backend.url)
    backend.kill()
    visit.page.get_by_role("button", name="Acknowledge Price").click()
    line = visit.row("Enamel mug").locator(".alert")
    expect(line.locator(".said")).to_contain_text("Not done. The server cannot be reached")
    expect(line.get_by_role("button", name="Acknowledge")).to_be_visible()
    assert column(conn, "SELECT attention FROM alerts") == ["new"]
