"""The page's parts one by one: tabs by keyboard, what stays as it was left, what the header says."""

from __future__ import annotations

import json

import pytest
from playwright.sync_api import expect

from tests.processes import wait_for

NAMES = ["Critical", "High", "Warning", "Success", "All", "Snoozed", "Resolved"]


class TestTabs:
    @pytest.fixture
    def tabs(self, stage):
        stage(
            "tabs.js",
            """(() => {
                window.chosen = [];
                const [place, panel] = ["div.tabs", "#products"].map((one) => document.querySelector(one));
                window.tabs = new m.Tabs(place, panel, (tab) => chosen.push(tab));
                tabs.choose("all");
            })()""",
        )
        return stage.page

    @pytest.mark.parametrize(
        ("start", "keys", "tab"),
        [
            ("Critical", ["ArrowRight"], "High"),
            ("All", ["ArrowLeft"], "Success"),
            ("Critical", ["ArrowLeft"], "Resolved"),
            ("Resolved", ["ArrowRight", "ArrowRight"], "High"),
            ("All", ["Home"], "Critical"),
            ("High", ["End"], "Resolved"),
            ("High", ["ArrowDown", "a"], "High"),
        ],
    )
    def test_keys_choose_one_give_it_the_focus_and_leave_one_stop(self, tabs, start, keys, tab):
        tabs.get_by_role("tab", name=start).click()
        for key in keys:
            tabs.keyboard.press(key)
        expect(tabs.get_by_role("tab", name=tab)).to_be_focused()
        of = "(all, name) => all.filter((one) => one.%s).map((one) => one.children[one.children.length - 2].textContent)"
        all_ = tabs.get_by_role("tab")
        for chosen in ("tabIndex === 0", "ariaSelected === 'true'"):
            assert all_.evaluate_all(of % chosen) == [tab]
        expect(tabs.get_by_role("tabpanel", name=tab)).to_be_visible()
        assert tabs.evaluate("[chosen.at(-1), tabs.chosen]") == [tab.lower()] * 2

    def test_a_key_for_the_tabs_does_not_scroll_and_any_other_is_left_alone(self, tabs):
        tabs.evaluate("addEventListener('keydown', (one) => (window.kept = one.defaultPrevented))")
        tabs.get_by_role("tab", name="All").focus()
        for key, kept in (("Home", True), ("ArrowRight", True), ("ArrowDown", False)):
            tabs.keyboard.press(key)
            assert tabs.evaluate("kept") is kept

    def test_how_many_there_are_and_that_there_may_be_more(self, tabs):
        counts = tabs.evaluate(
            """tabs.count([["all", "high"], ["all", "resolved"]].map((one) => ({ tabs: new Set(one) })),
                           new Set(["all", "warning"]))"""
        )
        assert counts["all"] == 2
        expect(tabs.get_by_role("tab")).to_have_text(
            ["Critical0", "High1", "Warning0+", "Success0", "All2+", "Snoozed0", "Resolved1"]
        )
        none = tabs.locator(".tab.none")
        expect(none).to_have_text(["Critical0", "Warning0+", "Success0", "Snoozed0"])


FOLDS = """
    <details data-name="one" open><summary>First</summary><div class="scroll" tabindex="0"
        aria-label="A" style="height: 40px; overflow: auto"><p style="height: 400px">x</p></div></details>
    <details data-name="two"><summary>Second</summary><div class="scroll" tabindex="0"
        aria-label="A" style="height: 40px; overflow: auto"><p style="height: 400px">x</p></div></details>
    <div class="scroll" tabindex="0" aria-label="B" style="height: 40px; overflow: auto">
        <p style="height: 400px; width: 4000px">x</p></div>
    <button>Undo</button><button>Again</button><a href="#">Again</a>"""


class TestWhatIsDrawnAgain:
    @pytest.fixture
    def drawn(self, stage):
        stage.page.evaluate(
            "(html) => { document.body.innerHTML = `<button>Outside</button><div id='root'>${html}</div>`;"
            " window.root = document.getElementById('root'); window.all = (one) => [...root.querySelectorAll(one)]; }",
            FOLDS,
        )
        return stage

    def again(self, drawn, html=FOLDS):
        drawn("keeping.js", f"m.keeping(root, () => {{ root.innerHTML = {json.dumps(html)}; }})")

    @pytest.mark.parametrize(
        ("held", "place"), [("button", 0), ("button", 1), ("a", 0), ("summary", 1), (".scroll", 2)]
    )
    def test_what_had_the_focus_has_it_again(self, drawn, held, place):
        drawn.page.evaluate("([held, n]) => all(held)[n].focus()", [held, place])
        self.again(drawn)
        assert drawn.page.evaluate(f"all('{held}').indexOf(document.activeElement)") == place

    def test_folds_and_lists_stay_as_they_were_left_each_by_its_own_name(self, drawn):
        drawn.page.evaluate(
            "all('details').forEach((one) => (one.open = !one.open)); all('.scroll')[1].scrollTop = 70;"
            "all('.scroll')[2].scrollTo(300, 90)"
        )
        self.again(
            drawn, FOLDS + '<details data-name="new" open></details><details open></details>'
        )
        assert drawn.page.evaluate("all('details').map((one) => one.open)") == [
            False,
            True,
            True,
            True,
        ]
        places = "all('.scroll').map((one) => [one.scrollLeft, one.scrollTop])"
        assert drawn.page.evaluate(places) == [[0, 0], [0, 70], [300, 90]]

    def test_a_focus_elsewhere_is_left_there_and_what_is_gone_gives_it_to_nobody(self, drawn):
        drawn.page.get_by_role("button", name="Outside").focus()
        self.again(drawn)
        expect(drawn.page.get_by_role("button", name="Outside")).to_be_focused()
        drawn.page.get_by_role("button", name="Undo").focus()
        self.again(drawn, "<button>Save</button>")
        assert drawn.page.evaluate("document.activeElement === document.body")


NOON = "2026-03-04T12:00:00Z"
WELL = {
    "overall_health": "healthy",
    "ingestion": {
        "last_heartbeat": "2026-03-04T11:59:52Z", "processed_per_minute": 7, "dlq_count": 1,
        "queue_depth": 12, "oldest_message_age_seconds": 0.4,
    },
    "analysis": {"last_heartbeat": None, "backlog_count": 3},
}  # fmt: skip


class TestHeader:
    @pytest.fixture
    def header(self, stage):
        stage.page.clock.install(time=NOON)
        stage.page.clock.pause_at("2026-03-04T12:00:01Z")
        stage(
            "header.js",
            """(() => {
                Object.assign(window, { said: [], told: [], tries: 0 });
                window.header = new m.Header((one) => said.push(one), () => (tries += 1), (one) => told.push(one));
                window.is = (state, reason = "", wait = null) =>
                    header.connection({ state, reason, retryAt: wait === null ? null : Date.now() + wait });
            })()""",
        )
        return stage.page

    @pytest.fixture
    def workers(self, header):
        """What the workers are said to be: [status, body]; `asked` are the questions."""
        header.evaluate(
            """(one) => {
                Object.assign(window, { answer: [200, one], asked: 0, over: 0, hold: null });
                window.fetch = async () => {
                    asked += 1;
                    await hold;
                    return new Response(JSON.stringify(answer[1]), { status: answer[0] });
                };
            }""",
            WELL,
        )
        return header

    def test_how_long_it_has_been_cut_why_and_when_it_tries_again(self, header):
        banner, again = header.locator("#cut"), header.get_by_role("button", name="Try now")
        header.evaluate("is('connecting'); is('catching-up')")
        expect(banner).to_be_hidden()
        header.evaluate("is('live'); is('cut', 'no answer', 2500)")
        cut = "Cut since 12:00:01: no answer. What you see is as of then."
        for left in (3, 2, 1):
            expect(banner.locator("span")).to_have_text(f"{cut} Next try in {left} s.")
            header.clock.run_for(1000)
        expect(banner.locator("span")).to_have_text(f"{cut} Trying now.")
        again.click()
        assert header.evaluate("[tries, told.at(-1), document.body.className]") == [
            1, f"{cut} Trying now.", "is-cut",
        ]  # fmt: skip
        header.evaluate("is('cut', 'trying again')")
        expect(again).to_be_hidden()
        expect(banner.locator("span")).to_have_text(cut.replace("no answer", "trying again"))
        header.evaluate("is('catching-up')")
        expect(banner.locator("span")).to_have_text("Connected again, catching up.")
        expect(header.locator("#connection")).to_have_text("Catching up")
        header.evaluate("is('live')")
        expect(banner).to_be_hidden()
        assert header.evaluate("[told.at(-1), document.body.className, said]") == [
            "", "", ["The connection is cut.", "Live again."],
        ]  # fmt: skip

    def test_that_it_is_cut_is_said_once_and_only_then_that_it_is_live_again(self, header):
        header.evaluate("is('connecting'); is('live'); is('catching-up'); is('live')")
        assert header.evaluate("said") == []
        header.evaluate("is('cut', 'x'); is('cut', 'y'); is('live'); is('live')")
        assert header.evaluate("said") == ["The connection is cut.", "Live again."]

    def test_who_is_not_logged_in_has_no_connection_that_could_be_cut(self, header):
        header.evaluate("is('live'); is('cut', 'x', 1000); header.away()")
        expect(header.locator("#connection")).to_have_text("Not logged in")
        expect(header.locator("#cut")).to_be_hidden()
        header.evaluate("is('cut', 'x')")
        expect(header.locator("#cut")).to_contain_text("Cut since 12:00:01")

    def test_how_the_workers_are_and_what_waits(self, workers):
        workers.evaluate("header.watch(() => (over += 1))")
        expect(workers.locator("#workers summary")).to_have_text("Workers healthy")
        expect(workers.locator("#workers li")).to_have_text(
            [
                "Ingestion: seen 9 s ago (11:59)",
                "Analysis: never seen",
                "7 messages worked out in the last minute",
                "1 dead letter",
            ],
            use_inner_text=False,
        )
        queue = workers.locator("#queue")
        expect(queue).to_have_text("Queue 12, oldest under 1 s, 3 to analyse")
        unknown = {"queue_depth": None, "oldest_message_age_seconds": None, "dlq_count": None}
        workers.evaluate("(one) => (answer[1] = one)", WELL | {
            "ingestion": WELL["ingestion"] | unknown, "analysis": {"backlog_count": 0},
        })  # fmt: skip
        workers.clock.run_for(5000)
        expect(queue).to_have_text("Queue unknown")
        expect(queue).to_have_attribute(
            "title", "No ingester reports how many messages wait in SQS."
        )
        expect(workers.locator("#workers li").last).to_have_text(
            "Dead letters: unknown, no ingester reports them"
        )
        old = WELL["ingestion"] | {"oldest_message_age_seconds": 90, "dlq_count": 0}
        workers.evaluate("(one) => (answer[1] = one)", WELL | {"ingestion": old})
        workers.clock.run_for(5000)
        expect(queue).to_have_text("Queue 12, oldest 1 min, 3 to analyse")
        expect(workers.locator("#workers li").last).to_have_text("0 dead letters")

    def test_workers_that_are_not_heard_of_are_not_shown_as_well(self, workers):
        workers.evaluate("header.watch(() => (over += 1))")
        expect(workers.locator("#queue")).to_be_visible()
        workers.evaluate("answer = [500, { detail: 'It fell over.' }]")
        workers.clock.run_for(5000)
        expect(workers.locator("#workers summary")).to_have_text("Workers unknown")
        expect(workers.locator("#workers li")).to_have_text(["It fell over."])
        expect(workers.locator("#queue")).to_be_hidden()
        assert workers.evaluate("[over, said]") == [0, []]
        workers.evaluate("answer = [401, {}]")
        workers.clock.run_for(5000)
        wait_for(lambda: workers.evaluate("over") == 1, "1 over")

    def test_that_they_fell_ill_is_said_even_if_one_answer_was_lost_meanwhile(self, workers):
        workers.evaluate("header.watch(() => 0)")
        pill = workers.locator("#workers summary")
        told = (
            ("healthy", 200),
            ("healthy", 500),
            ("critical", 200),
            ("x", 500),
            ("critical", 200),
        )
        for health, status in told:
            workers.evaluate(
                "([health, status]) => (answer = [status, { ...answer[1], overall_health: health }])",
                [health, status],
            )
            workers.clock.run_for(5000)
            expect(pill).to_have_text(f"Workers {health if status == 200 else 'unknown'}")
        assert workers.evaluate("said") == ["Workers critical."]

    def test_they_are_asked_for_one_question_at_a_time_until_nobody_is_there(self, workers):
        workers.evaluate("hold = new Promise((go) => (window.go = go)); header.watch(() => 0)")
        workers.clock.run_for(20_000)
        assert workers.evaluate("asked") == 1
        workers.evaluate("go(); hold = null")
        expect(workers.locator("#workers")).to_be_visible()
        workers.evaluate("header.watch(() => 0)")
        workers.clock.run_for(5000)
        wait_for(lambda: workers.evaluate("asked") == 3, "3 asked")
        workers.evaluate("header.rest()")
        expect(workers.locator("#workers, #queue")).to_have_count(2)
        expect(workers.locator("#workers")).to_be_hidden()
        expect(workers.locator("#queue")).to_be_hidden()
        workers.clock.run_for(20_000)
        assert workers.evaluate("asked") == 3
