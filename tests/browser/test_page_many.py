"""The page before more than it holds, and before what changes while it reads list after list."""

from __future__ import annotations

import json

import pytest
from playwright.sync_api import expect

from tests.dashboard import MARKETPLACE, write_alert

OPEN, PUT_OFF, LATE = "B00000OPEN", "B0000SNOOZ", "B00000LATE"
PRIORITIZED = "**/api/notifications/prioritized?tab="


def resolve_many(conn, number):
    """So many critical alerts of a hundred products, all of them resolved a moment ago."""
    conn.execute(
        "INSERT INTO alerts (seller_id, marketplace_id, asin, item_condition, kind, severity, "
        "first_seen, last_seen, last_event_time, waiting_since, attention, resolution, resolved_at, "
        "resolved_by) SELECT 'S', %s, 'B' || lpad((n %% 100)::text, 9, '0'), 'new', 'price', "
        "'critical', now(), now(), now(), now(), 'resolved', 'manual', now(), 'me' "
        "FROM generate_series(1, %s) AS n",
        (MARKETPLACE, number),
    )


def test_however_much_was_resolved_what_is_open_is_there(conn, backend, look):
    resolve_many(conn, 3600)
    write_alert(conn, OPEN, severity="high")
    write_alert(conn, PUT_OFF, severity="warning", snoozed="1 hour")
    visit = look(backend.url)
    tabs = visit.page.get_by_role("tab")
    expect(tabs.filter(has_text="High")).to_have_text("High1")
    expect(tabs.filter(has_text="Snoozed")).to_have_text("Snoozed1")
    expect(tabs.filter(has_text="Resolved")).to_have_text("Resolved100+")
    expect(tabs.filter(has_text="All")).to_have_text("All102+")
    visit.tab("High")
    acknowledge = visit.row(OPEN).get_by_role("button", name="Acknowledge")
    expect(acknowledge).to_be_visible()
    visit.tab("Snoozed")
    expect(visit.row(PUT_OFF)).to_be_visible()
    assert visit.complaints == []


def test_what_changes_between_the_lists_is_not_missed(conn, backend, look):
    alert = write_alert(conn, PUT_OFF, severity="high", snoozed="1 hour")
    visit = look("about:blank", live=False)

    def run_out(route):  # by time alone: no row of the feed
        conn.execute("UPDATE alerts SET snooze_until = now() WHERE id = %s", (alert,))
        route.continue_()

    def come(route):
        write_alert(conn, LATE, severity="high")
        route.continue_()

    visit.page.route(f"{PRIORITIZED}active*", run_out)
    visit.page.route(f"{PRIORITIZED}resolved*", come)
    visit.page.goto(backend.url)
    visit.is_live()
    visit.tab("High")
    expect(visit.row(LATE)).to_be_visible()
    visit.tab("All")
    expect(visit.row(PUT_OFF)).to_be_visible()


@pytest.mark.parametrize(
    ("lists", "tabs"),
    [
        ({}, set()),
        ({"resolved": "critical"}, {"all", "resolved"}),
        ({"snoozed": "critical"}, {"all", "snoozed"}),
        ({"active": "high"}, {"all", "high", "warning"}),
        ({"states": "high"}, {"all", "high", "warning", "success"}),
        ({"active": "critical"}, {"all", "critical", "high", "warning"}),
        ({"states": "critical"}, {"all", "critical", "high", "warning", "success"}),
        ({"states": "info"}, {"all"}),
    ],
)
def test_where_a_list_was_cut_its_tabs_may_lack_products(evaluate, lists, tabs):
    given = {
        name: {
            "rows": [{"severity": "critical"}, {"severity": lists.get(name, "info")}],
            "whole": name not in lists,
        }
        for name in ("states", "active", "snoozed", "resolved")
    }
    assert set(evaluate("products.js", f"[...m.cutTabs({json.dumps(given)})]")) == tabs
