"""The list's rows: what may be done with an alert, what is sent, and when rows may change places."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.page_rows import product, told

NOON, SOON = "2026-03-04T12:00:00Z", "2026-03-04T13:00:00Z"
HELD = """(async () => {
    const [{ Store }, { Actions }] = await Promise.all(
        ["store", "actions"].map((name) => import(`/static/js/${name}.js`)));
    const store = new Store();
    const done = (id) => ({ id, done: true, code: "x", message: "" });
    Object.assign(window, { said: [], sent: [], opened: [], forgotten: 0, hold: null, refused: false });
    window.fetch = async (path, { body }) => {
        sent.push(JSON.parse(body));
        await hold;
        const results = JSON.parse(body).ids.map(done);
        return new Response(JSON.stringify(refused ? { detail: "No." } : { results }), { status: refused ? 403 : 200 });
    };
    const actions = new Actions(store, (one) => said.push(one));
    actions.who = { name: "ann", role: "operator" };
    const list = new m.List(store, document.getElementById("products"), {
        actions,
        sparks: { show() {}, forget: () => (forgotten += 1) },
        open: (product) => opened.push(product.key),
        blank: (tab, query) => [store.size ? `none: ${tab}, ${query}` : "first steps"],
    });
    store.onChange((dirty) => list.refresh(dirty));
    Object.assign(window, { store, actions, list });
})()"""


@pytest.fixture
def page(stage):
    stage.page.clock.install(time=NOON)
    stage.page.clock.pause_at("2026-03-04T12:00:01Z")
    stage("list.js", HELD)
    return stage.page


def fill(page, states, alerts=(), tab="all", query=""):
    given = {"states": list(states), "alerts": list(alerts), "whole": True, "cut": []}
    page.evaluate(
        "([given, tab, query]) => { store.fill({ ...given, cut: new Set() }); list.show(tab, query); }",
        [given, tab, query],
    )


def tell(page, *rows, wait=300):
    """What the stream says; the list hears of it at the next frame and thinks about it a little later."""
    for row in rows:
        page.evaluate(
            "([kind, row]) => store.apply(kind, row)", ["alert" if "kind" in row else "state", row]
        )
    page.clock.run_for(wait)
    page.clock.run_for(wait)


def names(page):
    return page.locator("button.name")


def line(page, one):
    """The line of this alert."""
    fill(page, [product("P")], [one])
    return page.locator("li.alert")


ENDED = {"attention": "resolved"}


class TestWhatCanBeDone:
    @pytest.mark.parametrize(
        ("changes", "buttons"),
        [
            ({}, ["Acknowledge", "Snooze", "Resolve", "Note"]),
            ({"attention": "delivered", "note": "x"}, ["Acknowledge", "Snooze", "Resolve", "Edit note"]),
            ({"attention": "reviewing", "acknowledged_by": "ann"}, ["Undo", "Snooze", "Resolve", "Note"]),
            ({"snooze_until": SOON}, ["Acknowledge", "Change snooze", "Resolve", "Note"]),
            (ENDED, ["Reopen", "Note"]),
            (ENDED | {"condition": "cleared"}, ["Note"]),
            (ENDED | {"superseded_by": 9}, ["Note"]),
        ],
    )  # fmt: skip
    def test_only_what_the_server_would_do_too(self, page, changes, buttons):
        one = told(1, **changes)
        tab = "resolved" if changes.get("attention") == "resolved" else "all"
        for may in (True, False):
            page.evaluate("(may) => (actions.who.role = may ? 'operator' : 'viewer')", may)
            fill(page, [product("P")], [one], tab)
            page.evaluate("store.touch('P')")
            page.clock.run_for(100)
            all_ = page.locator("li.alert .buttons button")
            expect(all_).to_have_count(len(buttons) if may else 0)
            if may:
                expect(all_).to_have_text([f"{text} Price, P" for text in buttons])

    @pytest.mark.parametrize(
        ("changes", "button", "sent"),
        [
            ({}, "Acknowledge", {"action": "acknowledge"}),
            ({"attention": "reviewing"}, "Undo", {"action": "unacknowledge"}),
            ({}, "Resolve", {"action": "resolve"}),
            ({}, "Snooze/30 min", {"action": "snooze", "snooze_minutes": 30}),
            ({}, "Snooze/2 h", {"action": "snooze", "snooze_minutes": 120}),
            ({}, "Snooze/Until tomorrow", {"action": "snooze", "snooze_minutes": 1199}),
            (
                {"snooze_until": SOON},
                "Change snooze/End it",
                {"action": "snooze", "snooze_minutes": 1},
            ),
        ],
    )
    def test_each_button_asks_for_what_it_says(self, page, changes, button, sent):
        one = line(page, told(7, **changes))
        for name in button.split("/"):
            one.get_by_role("button", name=name).click()
        page.clock.run_for(500)
        assert page.evaluate("sent") == [{"ids": [7]} | sent]
        expect(one.locator(".form")).to_be_hidden()

    def test_only_a_snooze_that_runs_can_be_ended(self, page):
        one = line(page, told(1))
        one.get_by_role("button", name="Snooze").click()
        choices = one.get_by_role("group", name="Snooze for").get_by_role("button")
        expect(choices).to_have_text(["30 min", "2 h", "Until tomorrow", "Cancel"])

    @pytest.mark.parametrize("how", ["Escape", "Cancel", "again"])
    @pytest.mark.parametrize("panel", ["Snooze", "Note"])
    def test_a_form_closes_without_an_act_and_gives_the_focus_back(self, page, how, panel):
        one = line(page, told(1))
        opener = one.locator(".buttons button", has_text=panel)
        expect(opener).to_have_attribute("aria-expanded", "false")
        opener.click()
        expect(opener).to_have_attribute("aria-expanded", "true")
        if how == "again":
            opener.click()
        elif how == "Cancel":
            one.get_by_role("button", name="Cancel").click()
        else:
            page.keyboard.press("Escape")
        expect(one.locator(".form")).to_be_hidden()
        expect(opener).to_be_focused()
        expect(opener).to_have_attribute("aria-expanded", "false")
        assert page.evaluate("sent") == []

    def test_choices_that_no_longer_fit_go_and_leave_the_focus_in_the_line(self, page):
        one = line(page, told(1))
        one.get_by_role("button", name="Snooze").click()
        tell(page, told(1, snooze_until=SOON))
        expect(one.locator(".form")).to_be_hidden()
        expect(one.get_by_role("button", name="Acknowledge")).to_be_focused()


class TestNotes:
    def test_what_is_there_is_changed_and_nothing_empty_is_sent(self, page):
        one = line(page, told(7, note="Asked Bob."))
        one.get_by_role("button", name="Edit note").click()
        box = one.get_by_role("textbox")
        expect(box).to_have_value("Asked Bob.")
        box.fill("  \n x ")
        one.get_by_role("button", name="Save note").click()
        expect(one.locator(".form")).to_be_hidden()
        assert page.evaluate("sent") == [{"action": "note", "ids": [7], "note": "x"}]
        one.get_by_role("button", name="Edit note").click()
        one.get_by_role("textbox").fill(" \n ")
        page.evaluate("document.querySelector('form.noting').noValidate = true")
        one.get_by_role("button", name="Save note").click()
        expect(one.get_by_role("textbox")).to_be_focused()
        assert page.evaluate("sent.length") == 1

    def test_what_was_refused_stays_to_be_sent_again(self, page):
        one = line(page, told(7))
        one.get_by_role("button", name="Note").click()
        one.get_by_role("textbox").fill("A long story")
        page.evaluate("refused = true")
        one.get_by_role("button", name="Save note").click()
        page.clock.run_for(300)
        page.clock.run_for(300)
        expect(one.locator(".said")).to_have_text("Not done. No.")
        expect(one.get_by_role("textbox")).to_have_value("A long story")
        page.evaluate("refused = false")
        one.get_by_role("button", name="Save note").click()
        expect(one.locator(".form")).to_be_hidden()

    def test_a_note_is_sent_once_however_often_its_button_is_pressed(self, page):
        one = line(page, told(7))
        one.get_by_role("button", name="Note").click()
        one.get_by_role("textbox").fill("x")
        page.evaluate("hold = new Promise((go) => (window.go = go)); 0")
        for _ in range(3):
            one.get_by_role("button", name="Save note").click()
        page.evaluate("go()")
        expect(one.locator(".form")).to_be_hidden()
        assert page.evaluate("sent.length") == 1


class TestOrder:
    HIGH, LOW = product("Amber", "high"), product("Birch", "warning")
    TURNED = (product("Amber", "warning", version=2), product("Birch", "critical", version=2))

    @pytest.fixture
    def two(self, page):
        fill(page, [self.HIGH, self.LOW])
        expect(names(page)).to_have_text(["Amber", "Birch"])
        page.mouse.move(5, 5)
        return page

    def test_by_itself_when_nobody_is_there(self, two):
        tell(two, *self.TURNED)
        expect(names(two)).to_have_text(["Birch", "Amber"])
        expect(two.get_by_role("button", name="sort")).to_have_count(0)

    @pytest.mark.parametrize("hand", ["pointer", "keyboard", "finger", "form"])
    def test_it_waits_for_whoever_is_at_it_and_says_what_waits(self, two, hand):
        panel = two.locator("#products")
        if hand == "form":
            two.evaluate("(one) => store.apply('alert', one)", told(1, product_key="Amber"))
            two.clock.run_for(300)
            two.get_by_role("button", name="Note").click()
            two.mouse.move(5, 5)
            two.clock.run_for(4000)
        begin, end = {
            "pointer": (panel.hover, lambda: two.mouse.move(5, 5)),
            "keyboard": (names(two).last.focus, names(two).last.blur),
            "finger": (lambda: panel.dispatch_event("pointerdown"), lambda: two.clock.run_for(3000)),
            "form": (two.get_by_role("textbox").blur, lambda: two.get_by_role("textbox").press("Escape")),
        }[hand]  # fmt: skip
        begin()
        tell(two, *self.TURNED)
        two.clock.run_for(1500)
        expect(names(two)).to_have_text(["Amber", "Birch"])
        expect(two.get_by_role("button", name="sort")).to_have_text("2 moved: sort")
        end()
        if hand == "form":
            two.evaluate("document.activeElement.blur()")
            two.clock.run_for(3000)
        two.clock.run_for(1100)
        expect(names(two)).to_have_text(["Birch", "Amber"])
        expect(two.get_by_role("button", name="sort")).to_have_count(0)

    def test_what_waits_is_counted_and_sorting_gives_the_focus_to_the_list(self, page):
        fill(page, [self.HIGH, self.LOW, product("Cedar")], tab="high")
        page.locator("#products").hover()
        tell(page, product("Birch", "high", version=2), product("Dill", "high"), self.TURNED[0])
        sort = page.get_by_role("button", name="sort")
        expect(sort).to_have_text("2 new, 1 gone: sort")
        expect(page.locator("tbody.elsewhere button.name")).to_have_text(["Amber"])
        sort.click()
        expect(names(page)).to_have_text(["Birch", "Cedar", "Dill"])
        expect(page.locator("#products")).to_be_focused()
        assert page.evaluate("[list.length, forgotten]") == [3, 1]
        arrived = page.locator("tbody.changed button.name")
        expect(arrived).to_have_text(["Birch", "Dill"])

    def test_what_was_clicked_keeps_the_focus_where_its_row_goes(self, two):
        names(two).last.click()
        assert two.evaluate("opened") == ["Birch"]
        two.mouse.move(5, 5)
        two.clock.run_for(4000)
        tell(two, *self.TURNED)
        expect(names(two)).to_have_text(["Birch", "Amber"])
        expect(names(two).first).to_be_focused()

    def test_a_hundred_at_a_time_and_the_keyboard_goes_on_where_they_end(self, page):
        fill(page, [product(f"P{n:03}") for n in range(205)])
        more = page.locator(".more button")
        left = page.locator(".more .printed")
        for drawn, label, rest in (
            (100, "Show 100 more of 105", 105),
            (200, "Show 5 more of 5", 5),
        ):
            expect(names(page)).to_have_count(drawn)
            expect(more).to_have_text(label)
            expect(left).to_have_text(f"{rest} more products are not shown here.")
            more.click()
            expect(names(page).nth(drawn)).to_be_focused()
        expect(names(page)).to_have_count(205)
        expect(more).to_be_hidden()
        expect(left).to_have_text("")
        page.evaluate("list.show('high', ' p0 ')")
        expect(names(page)).to_have_count(100)
        page.evaluate("list.show('high', ' p10 ')")
        expect(names(page)).to_have_count(10)

    def test_an_empty_list_says_why_and_no_longer_than_it_is_so(self, page):
        fill(page, [], tab="critical")
        blank = page.locator("#products .blank")
        expect(blank).to_be_visible()
        expect(blank).to_have_text("first steps")
        expect(page.locator("table.products")).to_be_hidden()
        tell(page, product("Amber"))
        expect(blank).to_have_text("none: critical,")
        page.evaluate("list.show('high', ' ')")
        expect(blank).to_be_hidden()
        expect(names(page)).to_have_text(["Amber"])


class TestProduct:
    def test_all_that_wait_are_acknowledged_at_once_and_no_others(self, page):
        alerts = [
            told(1), told(2, severity="warning"), told(3, attention="reviewing", acknowledged_by="bob"),
            told(4, snooze_until=SOON), told(5, attention="resolved"),
        ]  # fmt: skip
        fill(page, [product("P")], alerts)
        expect(page.locator(".badge")).to_have_text("3 alerts")
        together = page.get_by_role("button", name="Acknowledge all 2, P")
        together.click()
        assert page.evaluate("sent") == [{"action": "acknowledge", "ids": [1, 2]}]
        page.clock.run_for(300)
        page.clock.run_for(300)
        expect(page.locator("button.all")).to_be_hidden()
        page.evaluate("actions.who.role = 'viewer'")
        fill(page, [product("P")], alerts)
        page.evaluate("store.touch('P')")
        page.clock.run_for(300)
        expect(page.locator("button.all")).to_be_hidden()

    def test_ages_go_on_and_what_is_in_doubt_says_so_only_while_it_is(self, page):
        fill(page, [product("P", doubt_reason="invalid-price")], [told(1)])
        age = page.locator("td.c-age")
        expect(age).to_have_text("1 hin doubt")
        expect(page.locator(".meta")).to_contain_text("(2 h)")
        page.evaluate(f"list.tick(Date.parse('{NOON}') + 2 * 3600e3)")
        expect(age).to_have_text("3 hin doubt")
        expect(page.locator(".meta")).to_contain_text("(4 h)")
        tell(page, product("P", version=2, event_time=NOON))
        expect(age).to_have_text("1 s")

    def test_whose_the_buy_box_is_and_a_loss_are_told_by_more_than_words_while_they_are_so(
        self, page
    ):
        bad = {"margin_at_current_price": "-1", "buy_box_winner": True, "buy_box_sellers": ["S"]}
        fill(page, [product("P", **bad)])
        marked = page.locator("td.own, td.loss")
        expect(marked).to_have_count(2)
        tell(page, product("P", "critical", version=2, margin_at_current_price="1"))
        expect(marked).to_have_count(0)
        expect(page.locator("tbody.product")).to_have_class("product sev-critical changed")
        expect(page.locator("th .mark")).to_have_text("Critical")

    def test_without_a_state_every_figure_is_unknown(self, page):
        fill(page, [], [told(1)])
        expect(page.locator(".figures td.unknown .v")).to_have_text(["unknown"] * 7)
        expect(page.locator(".c-age time")).to_have_text("unknown")
