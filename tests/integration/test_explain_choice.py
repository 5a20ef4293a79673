"""`buybox explain`: which product is meant, what cannot be meant, and how the answer is shown."""

from __future__ import annotations

import re
from dataclasses import replace
from decimal import Decimal

import pytest
from rich.console import Console
from typer.testing import CliRunner

from economics.marketplaces import all_marketplaces
from economics.viable import DeadZone
from tests.catalogue import product_row
from tests.explaining import COSTED, EXAMPLE, WRITTEN, fill, happens, put
from tests.factories import ASIN, GB, OWN_SELLER, any_offer_changed, offer
from worker.catalogue.explaining import Question, answer
from worker.cli.explained import as_json, show
from worker.cli.main import app

# which product is meant ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("UX", ASIN), "the nearest: US, UK"),
        (("Atlantis", ASIN), "one of AE, AU"),
        ((GB[:-1] + "X", ASIN), GB),
        (("UK", "B0"), "no ASIN"),
        (("UK", ASIN, "--condition", "mint"), "new, used"),
        (("UK", ASIN, "--channel", "pigeon"), "amazon, merchant"),
        (("UK", ASIN, "--price", "free"), "no price"),
        (("UK", ASIN, "--price", "0"), "no price"),
        (("UK", ASIN, "--price", "NaN"), "no price"),
        (("UK", ASIN, "--price", "1e400"), "no price"),
        (("UK", ASIN, "--price", "18_99"), "no price"),
        (("UK", ASIN, "--price", "-5"), "no price"),
        (("UK", ASIN, "--price", "9.999"), "more decimals than GBP has"),
        (("UK", ASIN, "--at", "04/03/2026"), "--at"),
    ],
)
def test_what_cannot_be_meant_is_wrong_usage(buybox, arguments, sentence):
    done = buybox(*arguments)
    assert done.exit_code == 2
    assert sentence in done.stderr


def test_a_product_nobody_has_heard_of_is_told(buybox):
    done = buybox("UK", ASIN)
    assert done.exit_code == 1
    assert f"nothing is known of {ASIN} in UK" in done.stderr
    assert "buybox products import" in done.stderr


def test_another_condition_and_another_seller_are_named(conn, buybox):
    put(conn, product_row(item_condition="used"))
    done = buybox("UK", ASIN)
    assert done.exit_code == 1
    assert "not known in condition new, only in: used (--condition)" in done.stderr
    assert buybox("UK", ASIN, "--condition", "used").exit_code == 0
    done = buybox("UK", ASIN, "--seller", "A2NOBODY", "--condition", "used")
    assert done.exit_code == 1
    assert f"known of {OWN_SELLER}" in done.stderr


def test_the_state_and_the_costs_are_those_of_the_condition_that_is_asked_for(conn, explained):
    cheap = product_row(**COSTED, item_condition="used", sku="USED-1")._replace(
        unit_cost=Decimal(1)
    )
    fill(conn, EXAMPLE, product_row(**COSTED, sku="NEW-1"), cheap)
    happens(
        conn,
        *(
            any_offer_changed(
                event_time="2026-03-04T10:00:00Z", item_condition=condition, offers=[own]
            )
            for condition, own in (
                ("new", offer(OWN_SELLER, Decimal(20), fba=True)),
                ("used", offer(OWN_SELLER, Decimal(10), fba=True)),
            )
        ),
    )
    for condition, sku, price in (("new", "NEW-1", "20"), ("used", "USED-1", "10")):
        found = explained("UK", ASIN, "--condition", condition)
        assert (found["sku"], found["sums"][0]["price"]) == (sku, price)


def test_of_several_sellers_one_is_chosen(conn, buybox):
    put(conn, product_row(), product_row(seller_id="A2SECOND"))
    done = buybox("UK", ASIN)
    assert done.exit_code == 2
    assert "A2OWNSELLER001, A2SECOND; choose one with --seller" in done.stderr
    done = buybox("UK", ASIN, "--seller", "A2SECOND")
    assert done.exit_code == 0
    assert "seller A2SECOND" in done.stdout


def test_of_several_skus_one_is_chosen_or_the_one_that_is_offered(conn, buybox, explained):
    put(
        conn,
        product_row(sku="MUG-1"),
        product_row(sku="MUG-2", unit_cost=Decimal(5)),
        product_row(sku="MUG-3", fulfilment_channel="merchant"),
    )
    done = buybox("UK", ASIN)
    assert done.exit_code == 2
    assert "MUG-1 (amazon), MUG-2 (amazon), MUG-3 (merchant); choose one" in done.stderr
    assert explained("UK", ASIN, "--sku", "MUG-2")["sku"] == "MUG-2"
    assert explained("UK", ASIN, "--channel", "merchant")["sku"] == "MUG-3"
    assert buybox("UK", ASIN, "--sku", "MUG-9").exit_code == 1
    offers = [offer(OWN_SELLER, Decimal(20), fba=False)]
    happens(conn, any_offer_changed(event_time="2026-03-04T10:00:00Z", offers=offers))
    assert explained("UK", ASIN)["sku"] == "MUG-3"
    assert explained("UK", ASIN, "--sku", "MUG-2")["sku"] == "MUG-2"


def test_skus_that_cost_the_same_are_one_product(conn, explained):
    put(conn, product_row(sku="MUG-1", title="Mug"), product_row(sku="MUG-2", tags=["core"]))
    assert explained("UK", ASIN)["sku"] == "MUG-1"


def test_costs_of_another_channel_than_the_offer_s_are_not_taken(conn, buybox, explained):
    put(conn, product_row(fulfilment_channel="merchant"))
    happens(conn, any_offer_changed(event_time="2026-03-04T10:00:00Z"))
    done = buybox("UK", ASIN)
    assert done.exit_code == 1
    assert (
        "sent by amazon, and no costs are known for that, only for: no SKU (merchant)"
        in done.stderr
    )
    assert explained("UK", ASIN, "--channel", "merchant")["fulfilment_channel"] == "merchant"


# the page -----------------------------------------------------------------------------------------


def test_a_narrow_terminal_gets_one_price_after_the_other_and_nothing_is_cut(conn, buybox):
    fill(conn)
    happens(conn, any_offer_changed(event_time="2026-03-04T10:00:00Z"))
    text = buybox("UK", ASIN, width=60).stdout
    profits = [line.split()[-1] for line in text.splitlines() if line.strip().startswith("profit ")]
    assert profits == ["7.39", "6.71", "7.05", "6.70"]
    assert "…" not in text
    assert "rule: referral fee · r0 · 15 %, at least 0.25 · from 2020-01-01 · every price" in text


def test_a_rule_of_the_seller_s_own_is_marked(conn, buybox):
    own = [replace(one, seller_id=OWN_SELLER) if one.kind == "referral" else one for one in EXAMPLE]
    fill(conn, own)
    text = buybox("UK", ASIN, "--price", "10", "--at", "2026-03-04").stdout
    assert "referral fee" in text
    assert text.count("(own)") == text.count("r0 (own)") == 1


def test_what_there_is_nothing_to_say_of_is_left_out(conn, buybox):
    fill(conn, EXAMPLE, product_row(**COSTED)._replace(unit_cost=Decimal("0.00")))
    text = buybox("UK", ASIN, "--price", "10", "--at", "2026-03-04").stdout
    assert re.search(r"ROI\s*\n", text), "no return on nothing"
    assert "None" not in text
    assert "wanted margin" not in text


def test_the_heading_says_whose_product_it_is_and_what_is_known_of_it(conn, buybox):
    fill(conn, EXAMPLE, product_row(**COSTED, title="Mug", sku="MUG-1"))
    happens(conn, any_offer_changed(event_time="2026-03-04T10:00:00Z"))
    assert buybox("UK", ASIN).stdout.splitlines()[:2] == [
        f"{ASIN} in UK · seller {OWN_SELLER} · new · sent by amazon · MUG-1 · Mug",
        "newest message: 2026-03-04 10:00:00 UTC · fees of: 2026-03-04 · amounts in GBP",
    ]


def test_what_is_unusual_of_a_state_is_said_and_each_fact_has_its_key(conn, capsys):
    fill(conn, EXAMPLE, product_row(**COSTED, title="Mug", sku="MUG-1"))
    found = answer(conn, Question(all_marketplaces()[GB], ASIN), now=WRITTEN)
    without_end = (DeadZone(Decimal("9.00"), None), DeadZone(Decimal("19.00"), Decimal("19.50")))
    found = replace(
        found, audience="business", doubt_since=WRITTEN,
        explanation=replace(found.explanation, dead_zones=without_end),
    )  # fmt: skip
    show(Console(width=200), found)
    told = capsys.readouterr().out
    assert "newest message: none yet, business buyers · fees of: 2026-03-01" in told
    assert "a newer message, of 2026-03-01 12:00:00 UTC, could not be believed" in told
    assert "from just above 9.00 on, each price earns less than 9.00 does" in told
    assert "from just above 19.00 to 19.50, each price earns less than 19.00 does" in told
    known = {name: value for name, value in as_json(found).items() if isinstance(value, str)}
    assert known.items() >= {
        "marketplace_id": GB, "country": "GB", "asin": ASIN, "seller_id": OWN_SELLER,
        "item_condition": "new", "audience": "business", "fulfilment_channel": "amazon",
        "sku": "MUG-1", "title": "Mug", "currency": "GBP", "fees_on": "2026-03-01",
        "doubt_since": "2026-03-01T12:00:00+00:00",
    }.items()  # fmt: skip


def test_what_others_wrote_is_shown_and_not_obeyed(conn, buybox):
    fill(
        conn,
        [replace(one, source="[red]a page[/red]") for one in EXAMPLE],
        product_row(**COSTED, title="[bold]Mug[/bold] \x1b[2J", sku="[link=x]"),
    )
    text = buybox("UK", ASIN, "--price", "10", "--at", "2026-03-04").stdout
    assert "[bold]Mug[/bold] \\x1b[2J" in text
    assert "[link=x]" in text
    assert "[red]a page[/red]" in text
    assert "\x1b" not in text


def test_a_database_without_the_tables_is_told(buybox, empty_database_url):
    done = buybox("UK", ASIN, url=empty_database_url)
    assert done.exit_code == 1
    assert "buybox migrate" in done.stderr


def test_it_has_help_with_examples():
    done = CliRunner().invoke(app, ["explain", "--help"], env={"COLUMNS": "200"})
    assert done.exit_code == 0
    assert "buybox explain UK B0CXYZ1234 --price 18.99" in done.output
