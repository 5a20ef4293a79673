"""What the page shows, and to whom: unknowns, text that is text, logins, phones, accessibility."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from playwright.sync_api import expect
from psycopg.types.json import Jsonb

from db.tokens import create_token, revoke_tokens
from tests.browser.conftest import PHONE, Visit, serious
from tests.dashboard import write_alert
from tests.interleave import column
from tests.shop import call_it, open_shop, set_fees, set_terms, tell

SCRIPT = "<script>window.hacked = 1</script>"
IMAGE = "<img src=x onerror='window.hacked = 1'>"


@pytest.fixture
def shop(conn):
    open_shop(conn)


class TestFigures:
    def test_unknown_is_said_with_its_reason_and_yen_have_no_pence(self, shop, backend, look):
        visit = look(backend.url)
        visit.tab("All")
        unseen = visit.row("B0UNSEEN07")
        expect(unseen.locator("[data-label='Your price']")).to_have_text(
            "unknownyour offer is not among those Amazon sent (20 at most)"
        )
        expect(unseen.locator("[data-label='Gap']")).to_contain_text("unknownyour price is unknown")
        expect(unseen.locator("[data-label='Margin']")).to_contain_text("no costs are known")
        whisk = visit.row("Bamboo whisk")
        expect(whisk.locator("[data-label='Your price'] .v")).to_have_text("¥2,480")
        expect(whisk.locator("[data-label='Gap'] .sub")).to_have_text("+¥500")
        expect(visit.row("B0SUPPR008").locator("[data-label='Buy Box'] .v")).to_have_text("Nobody")
        expect(visit.row("Dish brush").locator("[data-label='Buy Box'] .v")).to_have_text("You")
        loss = visit.row("Paper coffee filters").locator("[data-label='Margin'] .v")
        expect(loss).to_have_text("-8.22 %")

    def test_each_row_has_a_line_of_its_week_in_words_too(self, shop, backend, look):
        visit = look(backend.url)
        visit.tab("All")
        line = visit.row("Enamel mug").locator("svg.spark")
        expect(line).to_have_attribute(
            "aria-label",
            "Last 7 days: your price from £28.60 to £27.50, market low from £21.10 to £18.00",
        )

    def test_a_line_that_the_server_had_no_time_for_is_asked_for_again(self, shop, backend, look):
        visit = look("about:blank", live=False)
        refused = set()

        def first_too_many(route):
            if route.request.url in refused:
                route.continue_()
            else:
                refused.add(route.request.url)
                route.fulfill(status=429, json={"detail": "Too many requests."})

        visit.page.route("**/trends/**", first_too_many)
        visit.page.goto(backend.url)
        visit.is_live()
        visit.tab("All")
        expect(visit.row("Enamel mug").locator("svg.spark")).to_be_visible()

    def test_the_drawer_tells_all_that_is_known(self, shop, conn, backend, look):
        visit = look(backend.url)
        visit.page.get_by_role("button", name="Enamel mug").first.click()
        drawer = visit.page.get_by_role("dialog")
        expect(drawer.locator("svg.chart")).to_be_visible()
        expect(drawer.locator("figcaption")).to_contain_text("Your price from £28.60 to £27.50")
        expect(drawer.locator(".reasons")).to_contain_text("12 offers (10 or more)")
        expect(drawer).to_contain_text("Lowest price without a loss")
        expect(drawer).to_contain_text("Just under 18.00, the lowest rival that can be followed.")
        expect(drawer.locator("tr.own")).to_contain_text("£27.50")
        expect(drawer.locator(".trail").first).to_contain_text("critical instead of high")
        drawer.locator("summary", has_text="As a table").click()
        expect(drawer.locator("figure tbody tr")).to_have_count(40)
        tell(conn, "B0CXYZ1234", "26.00", "18.00", rivals=11)
        expect(drawer.locator("dl").first).to_contain_text("£26.00")
        visit.page.get_by_role("button", name="Close").click()
        assert visit.complaints == []

    def test_a_trail_that_is_cut_is_not_shown_as_the_whole(self, conn, backend, look):
        alert = write_alert(conn, "B0CXYZ1234")
        conn.execute(
            "INSERT INTO alert_events (alert_id, at, who, change, reason, quiet, voice_why) "
            "SELECT %s, now(), 'clock', 'repeated', '', 'x', 'y' FROM generate_series(1, 101)",
            (alert,),
        )
        visit = look(backend.url)
        visit.page.locator("button.name").click()
        trail = visit.page.locator("dialog .trail")
        expect(trail.locator("li")).to_have_count(100)
        expect(trail).to_contain_text("There are older entries, which are not shown here")
        expect(trail.locator("code")).to_have_text(f"buybox alerts show {alert}")

    def test_an_alert_that_looks_better_says_so_beside_its_old_severity(self, conn, backend, look):
        alert = write_alert(conn, "B0CXYZ1234", severity="high")
        conn.execute(
            "UPDATE alerts SET facts = %s, below_critical_since = first_seen,"
            " below_high_since = now() WHERE id = %s",
            (Jsonb({"reasons": ["no rule of the full policy applies"]}), alert),
        )
        line = look(backend.url).page.locator(".alert")
        expect(line).to_contain_text("no rule of the full policy applies")
        expect(line).to_contain_text("looks better since")
        expect(line).to_contain_text("not over yet")

    @pytest.mark.parametrize(("own", "currency"), [("129999.00", "INR"), ("1299.00", "AED")])
    def test_no_price_of_the_charts_axis_lacks_its_first_digits(
        self, conn, backend, look, own, currency
    ):
        tell(conn, "B0CXYZ1234", own, own, rivals=1)
        conn.execute("UPDATE competitive_history SET currency = %s", (currency,))
        conn.execute("UPDATE current_state SET currency = %s", (currency,))
        visit = look(backend.url)
        visit.tab("All")
        visit.page.locator("button.name").click()
        prices = visit.page.locator("svg.chart .tick[text-anchor=end]")
        expect(prices.first).to_contain_text("₹" if currency == "INR" else currency)
        begins = prices.evaluate_all("(all) => all.map((one) => one.getBBox().x)")
        assert min(begins) >= 0

    def test_without_anything_it_says_what_to_do(self, backend, look):
        visit = look(backend.url)
        page = visit.page
        expect(page.get_by_role("heading", name="Nothing has arrived yet")).to_be_visible()
        for command in ("buybox doctor", "buybox run", "make demo", "buybox products import"):
            expect(page.locator(".steps")).to_contain_text(command)
        page.locator("#workers summary", has_text="Workers critical").click()
        expect(page.locator("#workers li").first).to_have_text("Ingestion: never seen")
        assert serious(page) == []
        assert visit.complaints == []


class TestTextIsText:
    def test_markup_in_titles_and_notes_is_shown(self, conn, backend, look):
        set_fees(conn)
        set_terms(conn)
        call_it(conn, "B0CXYZ1234", f"Mug {SCRIPT}{IMAGE}")
        tell(conn, "B0CXYZ1234", "27.50", "18.00", rivals=11)
        write_alert(conn, "B0CXYZ1234", kind="pricing-health", note=f"See {SCRIPT}{IMAGE}")
        visit = look(backend.url)
        page = visit.page
        expect(page.locator("button.name")).to_have_text(f"Mug {SCRIPT}{IMAGE}")
        expect(page.locator("p.note").first).to_have_text(f"See {SCRIPT}{IMAGE}")
        page.locator("button.name").click()
        expect(page.get_by_role("dialog").locator("h2")).to_contain_text(SCRIPT)
        expect(page.locator("dialog .trail p.note")).to_contain_text(IMAGE)
        assert page.evaluate("window.hacked") is None
        assert (
            page.locator("img:not([src='/static/icon.svg']), main script, dialog script").count()
            == 0
        )
        assert visit.complaints == []

    def test_nothing_is_fetched_from_elsewhere(self, shop, backend, look, chromium):
        visit = look("about:blank", live=False)
        asked = []
        visit.page.on("request", lambda request: asked.append(request.url))
        visit.page.goto(backend.url)
        visit.is_live()
        visit.page.locator("button.name").first.click()
        expect(visit.page.locator("svg.chart")).to_be_visible()
        assert {url.split("/")[2] for url in asked} == {backend.url.split("/")[2]}


class TestWhoMay:
    @pytest.fixture
    def tokens(self, conn):
        now = datetime.now(UTC)
        return {
            r: create_token(conn, name=f"anna-{r}", role=r, now=now) for r in ("viewer", "operator")
        }

    def enter(self, visit, token):
        visit.page.get_by_label("Token").fill(token)
        visit.page.get_by_role("button", name="Log in").click()

    def test_a_token_is_asked_for_and_a_wrong_one_refused(self, shop, tokens, backend, look):
        visit = look(backend.url, live=False)
        page = visit.page
        expect(page.get_by_role("heading", name="Log in")).to_be_visible()
        self.enter(visit, "bbx_wrong")
        expect(page.get_by_role("alert")).to_contain_text("not known")
        self.enter(visit, tokens["operator"])
        visit.is_live()
        expect(page.locator("#who")).to_have_text("anna-operator")
        page.get_by_role("button", name="Acknowledge Price, Enamel mug").click()
        expect(page.locator(".said").first).to_have_text("Acknowledged.")
        expect(visit.row("Enamel mug").locator(".meta")).to_contain_text("anna-operator is on it")
        page.reload()
        visit.is_live()
        page.get_by_role("button", name="Log out").click()
        expect(page.get_by_role("heading", name="Log in")).to_be_visible()
        assert [one for one in visit.complaints if "401" not in one] == []

    def test_who_loses_the_token_is_asked_again(self, shop, tokens, conn, backend, look):
        visit = look(backend.url, live=False)
        self.enter(visit, tokens["viewer"])
        visit.is_live()
        revoke_tokens(conn, name="anna-viewer", now=datetime.now(UTC))
        expect(visit.page.get_by_role("heading", name="Log in")).to_be_visible()
        expect(visit.page.locator("#products")).to_be_hidden()
        expect(visit.page.locator("#connection")).to_have_text("Not logged in")

    def test_who_logs_in_in_two_tabs_acts_and_logs_out_in_both(self, shop, tokens, backend, look):
        """As in the morning, when the sessions of all tabs are over: the last login is everybody's."""
        first = look(backend.url, live=False)
        second = Visit(first.page.context.new_page())
        second.page.goto(backend.url)
        for one in (first, second):
            expect(one.page.get_by_role("heading", name="Log in")).to_be_visible()
            self.enter(one, tokens["operator"])
            one.is_live()
        first.page.get_by_role("button", name="Acknowledge Price, Enamel mug").click()
        expect(first.page.locator(".said").first).to_have_text("Acknowledged.")
        self.enter_elsewhere(first, backend, tokens["operator"])
        first.page.get_by_role("button", name="Log out").click()
        for one in (first, second):
            expect(one.page.get_by_role("heading", name="Log in")).to_be_visible()

    def test_nobody_acts_as_somebody_who_logged_in_in_another_tab(
        self, shop, tokens, conn, backend, look
    ):
        visit = look(backend.url, live=False)
        self.enter(visit, tokens["operator"])
        visit.is_live()
        bob = create_token(conn, name="bob", role="operator", now=datetime.now(UTC))
        self.enter_elsewhere(visit, backend, bob)
        acknowledge = visit.page.get_by_role("button", name="Acknowledge Price, Enamel mug")
        for _ in range(2):
            acknowledge.click()
            said = visit.page.locator(".said").first
            expect(said).to_contain_text("Not done. bob has logged in in another tab")
            expect(acknowledge).to_be_visible()
        assert column(conn, "SELECT count(*) FROM alerts WHERE attention = 'reviewing'") == [0]

    def enter_elsewhere(self, visit, backend, token):
        """Log in in the same browser, but not in this page."""
        request = visit.page.context.request
        assert request.post(f"{backend.url}/api/session", data={"token": token}).ok

    def test_a_viewer_has_no_buttons_to_act_with(self, shop, tokens, backend, look):
        visit = look(backend.url, live=False)
        self.enter(visit, tokens["viewer"])
        visit.is_live()
        visit.tab("All")
        expect(visit.row("Enamel mug").locator(".alert")).to_be_visible()
        assert visit.page.locator(".alert button, button.all:visible").count() == 0
        expect(visit.page.locator("#who")).to_contain_text("may look, not act")


class TestEverywhere:
    @pytest.mark.parametrize("scheme", ["light", "dark"])
    def test_axe_finds_nothing_serious(self, shop, conn, backend, look, scheme):
        visit = look(backend.url, color_scheme=scheme, reduced_motion="reduce")
        page = visit.page
        visit.tab("All")
        expect(page.locator("svg.spark").first).to_be_visible()
        page.get_by_role("button", name="Snooze Price, Enamel mug").click()
        assert serious(page) == []
        page.locator("button.name").first.click()
        expect(page.locator("svg.chart")).to_be_visible()
        expect(page.locator("dialog .trail").first).to_be_visible()
        assert serious(page) == []
        create_token(conn, name="first", role="viewer", now=datetime.now(UTC))
        page.reload()
        expect(page.get_by_role("heading", name="Log in")).to_be_visible()
        assert serious(page) == []

    def test_a_phone_has_no_sideways_scroll(self, shop, conn, backend, look):
        visit = look(backend.url, viewport=PHONE, has_touch=True, is_mobile=True)
        page = visit.page
        visit.tab("All")
        expect(page.locator("svg.spark").first).to_be_visible()
        assert visit.overflow() == 0
        page.get_by_role("button", name="Note Price, Enamel mug").click()
        assert visit.overflow() == 0
        assert serious(page) == []
        page.locator("button.name").first.click()
        expect(page.locator("svg.chart")).to_be_visible()
        expect(page.locator("dialog .trail").first).to_be_visible()
        assert visit.overflow() == 0
        create_token(conn, name="first", role="viewer", now=datetime.now(UTC))
        page.reload()
        expect(page.get_by_role("heading", name="Log in")).to_be_visible()
        assert visit.overflow() == 0

    def test_the_theme_can_be_chosen_and_is_kept(self, shop, backend, look):
        visit = look(backend.url, color_scheme="light")
        page = visit.page
        ground = "getComputedStyle(document.documentElement).backgroundColor"
        light = page.evaluate(ground)
        page.get_by_role("button", name="Theme: auto").click()
        page.get_by_role("button", name="Theme: light").click()
        assert page.evaluate(ground) != light
        page.reload()
        expect(page.get_by_role("button", name="Theme: dark")).to_be_visible()
        assert page.evaluate(ground) != light
