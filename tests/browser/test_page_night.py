"""The page at three in the morning: a server that hangs, a session that is over, a clock that is wrong."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import expect

from db.tokens import create_token, revoke_tokens
from tests.dashboard import write_alert
from tests.interleave import column
from tests.shop import CRITICAL, MUG, call_it, open_mug, tell

HEBREW = "ספל (B0)"
ENDS = """(one) => {
    const text = document.createTreeWalker(one, NodeFilter.SHOW_TEXT);
    let node = text.nextNode();
    while (!node.data.includes("(B0)")) node = text.nextNode();
    const left = (from) => {
        const range = document.createRange();
        range.setStart(node, from);
        range.setEnd(node, from + 1);
        return range.getBoundingClientRect().left;
    };
    const start = node.data.indexOf("(B0)");
    return [left(start - 2), left(start + 3)];
}"""
"""Where the letter before the bracket is drawn, and where the last bracket."""


@pytest.fixture
def mug(conn):
    open_mug(conn)
    tell(conn, MUG, **CRITICAL)


@pytest.fixture
def logged_in(mug, conn, backend, look):
    token = create_token(conn, name="anna", role="operator", now=datetime.now(UTC))
    visit = look(backend.url, live=False)
    visit.page.get_by_label("Token").fill(token)
    visit.page.get_by_role("button", name="Log in").click()
    visit.is_live()
    return visit


def test_an_act_that_is_never_answered_is_not_shown_as_done(mug, conn, backend, look):
    visit = look(backend.url, clock=True)
    page = visit.page
    page.route("**/api/notifications/acknowledge", lambda _: None)
    page.get_by_role("button", name="Acknowledge Price").click()
    line = visit.row("Enamel mug").locator(".alert")
    expect(line.locator(".meta")).to_contain_text("local is on it")
    page.clock.fast_forward(31_000)
    with page.expect_request("**/api/notifications/acknowledge"):  # once more, with the same key
        page.clock.fast_forward(1_000)
    page.clock.fast_forward(31_000)
    expect(line.locator(".said")).to_contain_text("Not done. The server does not answer.")
    expect(line.get_by_role("button", name="Acknowledge")).to_be_visible()


def test_a_first_reading_that_is_never_answered_is_tried_again(mug, backend, look):
    visit = look("about:blank", live=False, clock=True)
    page = visit.page
    page.route("**/api/state?*", lambda _: None)
    with page.expect_request("**/api/state?*"):
        page.goto(backend.url)
    page.clock.fast_forward(31_000)
    expect(page.locator("#cut")).to_contain_text("The server does not answer")
    page.unroute("**/api/state?*")
    page.get_by_role("button", name="Try now").click()
    visit.is_live()


def test_whose_session_is_over_is_told_so(logged_in, conn):
    page = logged_in.page
    expect(page).to_have_title("(1) critical · buybox")
    revoke_tokens(conn, name="anna", now=datetime.now(UTC))
    expect(page.get_by_role("alert")).to_have_text("Your session is over: log in again.")
    expect(page).to_have_title("Log in · buybox")


def test_who_logs_out_is_told_when_it_did_not_work(logged_in):
    page = logged_in.page
    sessions = "**/api/session"
    page.route(
        sessions, lambda one: one.abort() if one.request.method == "DELETE" else one.continue_()
    )
    page.get_by_role("button", name="Log out").click()
    again = page.get_by_role("button", name="Not logged out: try again")
    expect(again).to_be_visible()
    expect(page.locator("#products")).to_be_visible()
    page.unroute(sessions)
    again.click()
    expect(page.get_by_role("heading", name="Log in")).to_be_visible()
    expect(page.get_by_role("alert")).to_have_text("")
    assert page.get_by_role("button", name="Not logged out").count() == 0


@pytest.mark.parametrize("hours", [-3, 3])
def test_ages_and_snoozes_are_right_where_the_clock_is_wrong(mug, conn, backend, look, hours):
    write_alert(conn, "B0SNOOZED1", severity="high", snoozed="2 hours")
    write_alert(conn, "B0SNOOZED1", severity="high", kind="pricing-health")
    conn.execute(
        "UPDATE alerts SET snooze_until = now() - interval '2 hours', snoozed_by = 'me'"
        " WHERE kind = 'pricing-health'"
    )
    conn.execute("UPDATE current_state SET event_time = now() - interval '5.5 hours'")
    visit = look("about:blank", live=False)
    visit.page.clock.install(time=datetime.now(UTC) + timedelta(hours=hours))
    visit.page.goto(backend.url)
    visit.is_live()
    tabs = visit.page.get_by_role("tab")
    expect(tabs.filter(has_text="Snoozed")).to_have_text("Snoozed1")
    expect(tabs.filter(has_text="High")).to_have_text("High1")
    visit.tab("Critical")
    expect(visit.row("Enamel mug").locator(".c-age time")).to_have_text("5 h")
    visit.page.get_by_role("button", name="Snooze Price").click()
    visit.page.get_by_role("button", name="2 h", exact=True).click()
    said = visit.row("Enamel mug").locator(".said")
    expect(said).to_contain_text("Snoozed until")
    until = datetime.now(ZoneInfo("Europe/London")) + timedelta(hours=2)
    shown = {f"{until - timedelta(minutes=late):%H:%M}" for late in (0, 1)}
    assert any(one in said.text_content() for one in shown)
    (left,) = column(conn, "SELECT snooze_until - now() FROM alerts WHERE severity = 'critical'")
    assert timedelta(minutes=118) < left <= timedelta(hours=2)


def test_a_title_that_is_read_from_right_to_left_is_shown_so(mug, conn, backend, look):
    call_it(conn, MUG, HEBREW)
    write_alert(conn, MUG, kind="pricing-health", severity="warning", note=HEBREW)
    visit = look(backend.url)
    name = visit.page.locator("button.name")
    note = visit.page.locator(".alert p.note")
    expect(note.last).to_be_visible()
    name.click()
    heading = visit.page.get_by_role("dialog").locator("h2")
    expect(heading).to_contain_text(HEBREW)
    inside = visit.page.get_by_role("dialog").locator("p.note", has_text=HEBREW)
    expect(inside).to_be_visible()
    for one in (name, note.last, heading, inside):
        letter, bracket = one.evaluate(ENDS)
        assert bracket < letter
    rail = note.last.bounding_box()["x"]
    assert note.last.evaluate(ENDS)[1] < rail + 40
    mark = heading.locator(".sev").bounding_box()
    assert mark["x"] + mark["width"] < heading.evaluate(ENDS)[1]
