"""The page before a real backend: it goes live, shows what changes, lets people act."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.dashboard import ALERT_CHANNEL, ring, write_alert
from tests.interleave import column
from tests.shop import CRITICAL, MUG, call_it, open_mug, tell

TOWELS = "B07TOWELS2"
MARK = "window.sameDocument = true"


def market(conn, asin, own, rival, **more):
    tell(conn, asin, own, rival, **more)


def attention(conn):
    return conn.execute(
        "SELECT attention, acknowledged_by, resolution, note, snooze_until > now() FROM alerts"
        " ORDER BY id DESC LIMIT 1"
    ).fetchone()


@pytest.fixture
def mug(conn):
    open_mug(conn)


class TestItIsLive:
    def test_a_new_critical_alert_appears_without_a_reload(self, mug, conn, backend, look):
        visit = look(backend.url)
        page = visit.page
        page.evaluate(MARK)
        visit.tab("Critical")
        expect(page.locator("#products .blank")).to_have_text("No product is critical.")
        market(conn, MUG, **CRITICAL)
        row = visit.row("Enamel mug")
        expect(row).to_be_visible()
        expect(row.locator(".mark").first).to_have_text("Critical")
        expect(row.locator("[data-label='Your price']")).to_contain_text("£27.50")
        expect(row.locator("[data-label='Market low']")).to_contain_text("£18.00")
        expect(row.locator("[data-label='Position']")).to_contain_text("12 of 12")
        expect(row.locator("[data-label='Gap']")).to_contain_text("+52.77 %")
        expect(row.locator(".alert .what")).to_contain_text("not the Buy Box winner")
        expect(page.get_by_role("tab", name="Critical")).to_have_text("Critical1")
        expect(page.locator("#announce")).to_contain_text("New critical alert, Price: Enamel mug")
        assert page.title().startswith("(1) critical")
        assert page.evaluate("window.sameDocument")
        assert visit.complaints == []

    def test_a_change_is_marked_and_told(self, mug, conn, backend, look):
        visit = look(backend.url)
        visit.tab("All")
        cell = visit.row("Enamel mug").locator("[data-label='Market low']")
        expect(cell).to_contain_text("£19.99")
        tell(conn, MUG, "19.99", "18.49", rivals=2)
        expect(cell).to_contain_text("£18.49")
        expect(cell).to_have_class("n changed")
        expect(visit.page.locator("#announce")).to_contain_text("1 product changed.")
        expect(cell).to_have_class("n", timeout=8000)

    def test_nothing_moves_under_the_pointer(self, mug, conn, backend, look):
        call_it(conn, TOWELS, "Tea towels")
        tell(conn, TOWELS, "24.00", "19.00", rivals=6)
        visit = look(backend.url)
        visit.tab("All")
        names = visit.page.locator("button.name")
        expect(names).to_have_text(["Tea towels", "Enamel mug"])
        visit.row("Tea towels").hover()
        market(conn, MUG, **CRITICAL)
        sort = visit.page.get_by_role("button", name="moved: sort")
        expect(sort).to_be_visible()
        expect(visit.row("Enamel mug").locator(".mark").first).to_have_text("Critical")
        expect(names).to_have_text(["Tea towels", "Enamel mug"])
        sort.click()
        expect(names).to_have_text(["Enamel mug", "Tea towels"])
        expect(sort).to_be_hidden()

    def test_it_sorts_by_itself_when_nobody_is_there(self, mug, conn, backend, look):
        call_it(conn, TOWELS, "Tea towels")
        tell(conn, TOWELS, "24.00", "19.00", rivals=6)
        visit = look(backend.url)
        visit.tab("All")
        visit.row("Tea towels").hover()
        market(conn, MUG, **CRITICAL)
        expect(visit.page.get_by_role("button", name="sort")).to_be_visible()
        visit.page.mouse.move(5, 5)
        expect(visit.page.locator("button.name")).to_have_text(["Enamel mug", "Tea towels"])


class TestPeopleAct:
    @pytest.fixture
    def visit(self, mug, conn, backend, look):
        market(conn, MUG, **CRITICAL)
        one = look(backend.url)
        expect(one.row("Enamel mug")).to_be_visible()
        return one

    @pytest.fixture
    def press(self, visit):
        def press(name):
            visit.page.get_by_role("button", name=name, exact=False).first.click()

        return press

    def test_acknowledge_and_undo(self, visit, press, conn):
        press("Acknowledge Price, Enamel mug")
        line = visit.row("Enamel mug").locator(".alert")
        expect(line.locator(".said")).to_have_text("Acknowledged.")
        expect(line.locator(".meta")).to_contain_text("local is on it")
        assert attention(conn)[:2] == ("reviewing", "local")
        expect(line.get_by_role("button", name="Undo")).to_be_focused()
        press("Undo")
        expect(line.locator(".said")).to_have_text("Given back.")
        expect(line.get_by_role("button", name="Acknowledge")).to_be_visible()
        assert attention(conn)[:2] == ("new", None)
        assert visit.complaints == []

    def test_resolve_stays_in_its_place_until_the_list_is_sorted_and_can_be_undone(
        self, visit, press, conn
    ):
        press("Resolve Price")
        line = visit.row("Enamel mug").locator(".alert")
        expect(line.locator(".said")).to_have_text("Resolved.")
        expect(line.locator(".meta")).to_contain_text("closed by hand")
        expect(visit.page.get_by_role("tab", name="Resolved")).to_have_text("Resolved1")
        assert attention(conn)[2] == "manual"
        press("Reopen")
        expect(line.locator(".said")).to_have_text("Reopened.")
        expect(line.get_by_role("button", name="Acknowledge")).to_be_visible()
        assert attention(conn)[0] == "new"

    @pytest.mark.parametrize(
        ("length", "minutes"), [("30 min", 30), ("2 h", 120), ("Until", None)], ids=str
    )
    def test_snooze(self, visit, press, conn, length, minutes):
        press("Snooze Price")
        group = visit.page.get_by_role("group", name="Snooze for")
        expect(group.get_by_role("button").first).to_be_focused()
        group.get_by_role("button", name=length).click()
        expect(visit.row("Enamel mug").locator(".said")).to_contain_text("Snoozed until")
        expect(visit.page.get_by_role("tab", name="Snoozed")).to_have_text("Snoozed1")
        visit.page.mouse.move(5, 5)
        expect(visit.page.locator("#products .blank")).to_have_text("No product is critical.")
        (left,) = column(conn, "SELECT snooze_until - now() FROM alerts WHERE snooze_until > now()")
        left = left.total_seconds() / 60
        assert abs(left - minutes) < 1 if minutes else 0 < left <= 24 * 60

    def test_note(self, visit, press, conn):
        press("Note Price")
        box = visit.page.get_by_role("textbox", name="Note")
        expect(box).to_be_focused()
        box.fill("Asked Anna about the supplier's price")
        press("Save note")
        line = visit.row("Enamel mug").locator(".alert")
        expect(line.locator("p.note")).to_have_text("Asked Anna about the supplier's price")
        expect(line.get_by_role("button", name="Edit note")).to_be_visible()
        expect(line.locator(".said")).to_have_text("Note saved.")
        assert attention(conn)[3] == "Asked Anna about the supplier's price"

    def test_a_note_that_is_being_written_outlives_its_alert(self, visit, press, conn):
        press("Note Price")
        box = visit.page.get_by_role("textbox", name="Note")
        box.press_sequentially("Our own mist")
        conn.execute("SELECT buybox_resolve_alert(id, who => 'bob') FROM alerts")
        line = visit.row("Enamel mug").locator(".alert")
        expect(line.locator(".meta")).to_contain_text("closed by hand")
        expect(box).to_be_focused()
        visit.page.keyboard.type("ake")
        press("Save note")
        expect(line.locator(".said")).to_have_text("Note saved.")
        assert attention(conn)[3] == "Our own mistake"

    def test_choices_stay_under_the_hand_when_something_else_changes(self, visit, press, conn):
        press("Snooze Price")
        first = visit.page.get_by_role("group", name="Snooze for").get_by_role("button").first
        expect(first).to_be_focused()
        conn.execute("SELECT buybox_assign_alert(id, who => 'bob', assignee => 'ann') FROM alerts")
        conn.execute(  # as the dispatcher does a moment after the alert was raised
            "UPDATE alerts SET attention = 'delivered', delivered_at = now(),"
            " changed_in = pg_current_xact_id()"
        )
        ring(conn, ALERT_CHANNEL)
        line = visit.row("Enamel mug").locator(".alert")
        expect(line.locator(".meta")).to_contain_text("for ann")
        conn.execute("SELECT buybox_note_alert(id, who => 'bob', note => 'seen') FROM alerts")
        expect(line.locator("p.note")).to_have_text("seen")
        expect(first).to_be_focused()
        opener = line.get_by_role("button", name="Snooze Price")
        expect(opener).to_have_attribute("aria-expanded", "true")
        visit.page.keyboard.press("Enter")
        expect(line.locator(".said")).to_contain_text("Snoozed until")

    def test_a_refusal_is_shown_beside_the_row_and_taken_back(self, visit, press, conn):
        conn.execute(
            "UPDATE alerts SET attention = 'resolved', resolution = 'timeout', resolved_at = now(),"
            " resolved_by = 'time' WHERE attention <> 'resolved'"
        )  # and no bell has rung yet
        press("Acknowledge Price")
        said = visit.row("Enamel mug").locator(".said")
        expect(said).to_contain_text("Not done. It has ended")
        expect(visit.row("Enamel mug").locator(".meta")).not_to_contain_text("is on it")
        ring(conn, ALERT_CHANNEL)

    def test_an_act_with_an_earlier_time_than_the_change_before_it_is_shown(self, visit, conn):
        conn.execute(
            "UPDATE alerts SET attention = 'reviewing', acknowledged_by = 'bob', acknowledged_at = now(),"
            " changed_in = pg_current_xact_id(), updated_at = updated_at - interval '1 second'"
        )  # its transaction began before the one that it waited for
        ring(conn, ALERT_CHANNEL)
        expect(visit.row("Enamel mug").locator(".meta")).to_contain_text("bob is on it")

    def test_several_alerts_of_a_product_at_once(self, visit, press, conn):
        write_alert(conn, MUG, kind="pricing-health", severity="warning")
        row = visit.row("Enamel mug")
        expect(row.locator(".badge")).to_have_text("2 alerts")
        expect(row.locator(".alert .sev")).to_have_text(["Critical", "Warning"])
        press("Acknowledge all 2")
        expect(row.locator(".said")).to_have_text(["Acknowledged.", "Acknowledged."])
        expect(visit.page.locator("#announce")).to_have_text("Acknowledged: 2 alerts.")
        assert column(conn, "SELECT attention FROM alerts") == ["reviewing", "reviewing"]

    def test_with_the_keyboard_alone(self, visit, conn):
        page = visit.page
        page.get_by_role("tab", name="Critical").focus()
        page.keyboard.press("ArrowRight")
        expect(page.get_by_role("tab", name="High")).to_be_focused()
        page.keyboard.press("ArrowLeft")
        for _ in range(4):  # search, panel's first name, ...
            page.keyboard.press("Tab")
            if page.evaluate("document.activeElement.className") == "name":
                break
        page.keyboard.press("Enter")
        dialog = page.get_by_role("dialog", name="Enamel mug")
        expect(dialog).to_be_visible()
        page.keyboard.press("Escape")
        expect(dialog).to_be_hidden()
        expect(page.get_by_role("button", name="Enamel mug", exact=True)).to_be_focused()
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        expect(page.locator(".said")).to_have_text("Acknowledged.")
        assert attention(conn)[0] == "reviewing"
