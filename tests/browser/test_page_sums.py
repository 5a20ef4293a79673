"""The drawer's sums: line by line with rules, unknowns in the command's words, keys, phones."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import PHONE, serious
from tests.economy import fees, set_fees, set_terms
from tests.shop import call_it, open_shop, tell

MUG = "Enamel mug"
SCRIPT = "<script>window.hacked = 1</script>"
EXPLANATION = re.compile(r"/explanation$")


@pytest.fixture
def shop(conn):
    open_shop(conn)


def open_drawer(visit, name):
    visit.tab("All")
    visit.row(name).locator("button.name").click()
    return visit.page.get_by_role("dialog")


def lines(sum_):
    """The cells of each line, as they stand."""
    return [row.locator("th, td").all_inner_texts() for row in sum_.locator("tbody tr").all()]


def test_the_sum_at_the_own_price_line_by_line_and_profit_last(shop, backend, look):
    """27.50: VAT 4.583, 15 % 4.125, parcel 2.50, cost 4.00; 22.9167 - 10.63 is 12.29."""
    visit = look(backend.url)
    drawer = open_drawer(visit, MUG)
    own = drawer.locator("details.sum", has_text="own price")
    expect(own.locator("summary")).to_have_text("own price £27.50 profit £12.29, margin 53.61 %")
    expect(own.locator("caption")).to_have_text("The sum at the own price, £27.50")
    shown = lines(own)
    assert [(name, amount) for name, amount, _ in shown] == [
        ("price", "£27.50"),
        ("VAT of the sale (20 %)", "-£4.58"),
        ("referral fee", "-£4.13"),
        ("fulfilment fee", "-£2.50"),
        ("closing fee", "£0.00"),
        ("digital services fee", "£0.00"),
        ("VAT on fees", "£0.00"),
        ("VAT on fees that comes back (100 %)", "£0.00"),
        ("unit cost", "-£4.00"),
        ("inbound postage", "£0.00"),
        ("prep cost", "£0.00"),
        ("profit", "£12.29"),
    ]
    assert "15 %, from 2020-01-01" in shown[2][2]
    assert "uk-referral · " in shown[2][2]
    assert own.locator("tbody th:not([scope=row]), thead th:not([scope=col])").count() == 0
    assert visit.complaints == []


def test_each_price_has_its_table_which_the_keyboard_opens(shop, backend, look):
    visit = look(backend.url)
    drawer = open_drawer(visit, MUG)
    names = drawer.locator("details.sum summary strong")
    expect(names).to_have_text(["own price", "market low", "Prime low", "recommended"])
    low = drawer.locator("details.sum", has_text="market low")
    expect(low.locator("table")).to_be_hidden()
    low.locator("summary").focus()
    visit.page.keyboard.press("Enter")
    expect(drawer.get_by_role("table", name="The sum at the market low, £18.00")).to_be_visible()
    assert lines(low)[-1][:2] == ["profit", "£5.80"]  # 15.00 - 2.70 - 2.50 - 4.00
    expect(drawer).to_contain_text("buybox explain UK B0CXYZ1234 --price AMOUNT")


def test_what_was_opened_stays_open_when_the_product_changes(shop, conn, backend, look):
    visit = look(backend.url)
    drawer = open_drawer(visit, MUG)
    low = drawer.locator("details.sum", has_text="market low")
    own = drawer.locator("details.sum", has_text="own price")
    low.locator("summary").click()
    own.locator("summary").click()
    low.locator("summary").focus()
    tell(conn, "B0CXYZ1234", "26.00", "18.00", rivals=11)
    expect(own.locator("summary")).to_contain_text("£26.00")
    expect(low.locator("table")).to_be_visible()
    expect(own.locator("table")).to_be_hidden()
    expect(low.locator("summary")).to_be_focused()


def test_without_costs_it_says_how_to_import_them(shop, backend, look):
    visit = look(backend.url)
    drawer = open_drawer(visit, "B0DEUTSCH6")
    gaps = drawer.get_by_role("list", name="What is not known")
    expect(gaps).to_contain_text(
        "not known: fees, profit and margin: no costs are known for the product"
    )
    expect(gaps).to_contain_text("import its costs: buybox products import FILE.csv")
    expect(drawer.locator(".sums table")).to_have_count(0)
    assert serious(visit.page) == []


def test_a_price_that_is_not_known_is_said_and_the_others_are_summed(conn, backend, look):
    set_fees(conn)
    set_terms(conn)
    call_it(conn, "B0CXYZ1234", MUG)
    tell(conn, "B0CXYZ1234", None, "18.00")
    visit = look(backend.url)
    drawer = open_drawer(visit, MUG)
    expect(drawer.locator(".nosum").first).to_have_text("own price not known")
    expect(drawer.locator(".gaps")).to_contain_text(
        "own price: the own offer is not among those that Amazon sent (20 at most)"
    )
    expect(drawer.locator("details.sum[open] summary strong")).to_have_text("market low")


def test_while_it_is_read_and_when_it_cannot_be(shop, backend, look):
    visit = look(backend.url)
    held = []

    def hold(route):
        held.append(route)

    visit.page.route(EXPLANATION, hold)
    drawer = open_drawer(visit, MUG)
    expect(drawer.locator(".sums").get_by_role("status")).to_have_text("Reading ...")
    held.pop().abort()
    expect(drawer.get_by_role("alert")).to_have_text("The server cannot be reached.")
    expect(drawer).to_contain_text("Lowest price without a loss")  # the rest is there
    visit.page.unroute(EXPLANATION)
    drawer.get_by_role("button", name="Try again").click()
    expect(drawer.locator("details.sum").first).to_be_visible()


def test_what_a_rule_says_is_text(conn, backend, look):
    set_fees(conn, *(rule._replace(source=SCRIPT, note=SCRIPT) for rule in fees()))
    set_terms(conn)
    call_it(conn, "B0CXYZ1234", MUG)
    tell(conn, "B0CXYZ1234", "27.50", "18.00")
    visit = look(backend.url)
    drawer = open_drawer(visit, MUG)
    expect(drawer.locator("details.sum .rules").nth(2)).to_contain_text(SCRIPT)
    assert visit.page.evaluate("window.hacked") is None
    assert visit.complaints == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("phone", [False, True], ids=["wide", "phone"])
def test_all_tables_open_nothing_is_cut_and_axe_finds_nothing(shop, backend, look, scheme, phone):
    more = {"viewport": PHONE, "has_touch": True, "is_mobile": True} if phone else {}
    visit = look(backend.url, color_scheme=scheme, reduced_motion="reduce", **more)
    drawer = open_drawer(visit, MUG)
    expect(drawer.locator("details.sum")).to_have_count(4)
    for one in drawer.locator("details.sum:not([open]) summary").all()[::-1]:
        one.click()
    expect(drawer.locator("details.sum[open] table")).to_have_count(4)
    assert visit.overflow() == 0
    cut = "(all) => all.filter((one) => one.scrollWidth > one.clientWidth + 1).length"
    assert drawer.locator(".sum .scroll").evaluate_all(cut) == 0
    assert serious(visit.page) == []
