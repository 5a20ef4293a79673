"""What can be told from its surroundings: edges of controls, the chosen tab, in every scheme."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from playwright.sync_api import expect

from db.tokens import create_token
from tests.shop import CRITICAL, MUG, open_mug, tell

LEAST = 3.0
"""WCAG 1.4.11: of what a control is known by, to what is beside it."""

FAINT = """(least) => {
    const paint = document.createElement("canvas").getContext("2d", {willReadFrequently: true});
    const rgba = (colour) => {
        paint.clearRect(0, 0, 1, 1);
        paint.fillStyle = colour;
        paint.fillRect(0, 0, 1, 1);
        return [...paint.getImageData(0, 0, 1, 1).data];
    };
    const light = (colour) => {
        const [r, g, b] = rgba(colour).map((one) => one / 255)
            .map((one) => (one <= 0.04045 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4));
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const contrast = (one, other) => {
        const [a, b] = [light(one), light(other)];
        return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    };
    const ground = (element) => {
        for (let one = element; one; one = one.parentElement) {
            const colour = getComputedStyle(one).backgroundColor;
            if (rgba(colour)[3] === 255) return colour;
        }
        return "white";
    };
    const seen = [...document.querySelectorAll("input, textarea, button, rect.strip, .swatch")]
        .filter((one) => one.checkVisibility() && one.getBoundingClientRect().width > 1);
    const faint = seen.flatMap((one) => {
        const style = getComputedStyle(one);
        const filled = one.matches("rect.strip.own, rect.strip.other") ? style.fill
            : one.matches(".swatch") ? style.backgroundColor
            : style.borderTopStyle === "none" ? "transparent" : style.borderTopColor;
        if (rgba(filled)[3] === 0) return [];
        const ratio = Math.min(contrast(filled, ground(one.parentElement)),
            one.matches(".swatch, rect, button") ? Infinity : contrast(filled, ground(one)));
        return ratio < least ? [`${one.className.baseVal ?? (one.className || one.id)}`
            + ` ${one.tagName} ${ratio.toFixed(2)}`] : [];
    });
    return [seen.length, [...new Set(faint)]];
}"""
"""How many such things are seen, and which of them can hardly be told from what is beside them."""


@pytest.fixture
def mug(conn):
    open_mug(conn)
    tell(conn, MUG, **CRITICAL)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_edge_of_what_can_be_filled_in_or_pressed_is_seen(mug, conn, backend, look, scheme):
    visit = look(backend.url, color_scheme=scheme, reduced_motion="reduce")
    page = visit.page
    page.get_by_role("button", name="Note Price").click()
    expect(page.get_by_role("textbox", name="Note")).to_be_visible()
    seen, faint = page.evaluate(FAINT, LEAST)
    assert seen > 8
    assert faint == []
    page.locator("button.name").click()
    expect(page.locator("dialog rect.strip.other").first).to_be_visible()
    assert page.evaluate(FAINT, LEAST)[1] == []
    create_token(conn, name="first", role="viewer", now=datetime.now(UTC))
    page.reload()
    expect(page.get_by_role("heading", name="Log in")).to_be_visible()
    assert page.evaluate(FAINT, LEAST)[1] == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_with_forced_colours_only_the_chosen_tab_is_underlined(mug, backend, look, scheme):
    visit = look(backend.url, forced_colors="active", color_scheme=scheme)
    visit.tab("All")
    lines = visit.page.get_by_role("tab").evaluate_all(
        "(all) => all.map((one) => [one.children[one.children.length - 2].textContent,"
        " getComputedStyle(one).borderBottomColor !== getComputedStyle(one).backgroundColor])"
    )
    assert [name for name, seen in lines if seen] == ["All"]


def test_with_forced_colours_the_key_of_the_chart_has_its_colours(mug, backend, look):
    visit = look(backend.url, forced_colors="active")
    visit.page.locator("button.name").click()
    swatch = visit.page.locator("dialog .swatch.other")
    expect(swatch).to_be_visible()
    colours = "(one) => [getComputedStyle(one).backgroundColor, getComputedStyle(one).fill]"
    strip = visit.page.locator("dialog rect.strip.other").first
    assert swatch.evaluate(colours)[0] == strip.evaluate(colours)[1]


def test_forced_colours_are_light_or_dark_whatever_theme_was_chosen(mug, backend, look):
    visit = look(backend.url, forced_colors="active", color_scheme="dark")
    mark = visit.page.get_by_role("tab", name="Critical").locator(".shape")
    colour = "(one) => getComputedStyle(one).color"
    before = mark.evaluate(colour)
    visit.page.get_by_role("button", name="Theme: auto").click()
    expect(visit.page.get_by_role("button", name="Theme: light")).to_be_visible()
    assert mark.evaluate(colour) == before
