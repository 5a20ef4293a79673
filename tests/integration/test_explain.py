"""`buybox explain` against a real database: the figures, and what is not known."""

from __future__ import annotations

import io
import re
from dataclasses import asdict, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from db import catalogue
from db import explain as explain_rows
from economics.breakdown import Breakdown, break_down
from tests.catalogue import product_row
from tests.economics_strategies import drawn_cases, rules, schedule
from tests.economy import fees, set_fees
from tests.explaining import COSTED, EXAMPLE, SIZE, WRITTEN, fill, happens, table
from tests.factories import ASIN, JP, OWN_SELLER, RIVALS, US, any_offer_changed, offer
from worker.catalogue.fees import read_fees, starter_files
from worker.catalogue.rejects import Rejects

DOCUMENT = Path(__file__).parents[2] / "docs" / "fees.md"


# figures ------------------------------------------------------------------------------------------


def test_the_worked_example_to_the_penny(conn, buybox):
    """9.63: VAT 1.605, 15 % 1.4445, FBA 2.50, 2 % of 3.94 is 0.0788, VAT on them 0.29+0.50+0.02."""
    fill(conn, wanted="0.1")
    done = buybox("UK", ASIN, "--price", "9.63", "--at", "2026-03-04")
    assert done.exit_code == 0, done.output
    shown = {name: cells[0] for name, cells in table(done.stdout).items()}
    expected = {
        "price": "9.63",
        "VAT of the sale (20 %)": "-1.61",
        "referral fee": "-1.44",
        "fulfilment fee": "-2.50",
        "closing fee": "0.00",
        "digital services fee": "-0.08",
        "VAT on fees": "-0.81",
        "VAT on fees that comes back (100 %)": "0.81",
        "unit cost": "-4.00",
        "inbound postage": "0.00",
        "prep cost": "0.00",
        "profit": "0.00",
    }
    assert {name: shown[name] for name in expected} == expected
    assert sum(Decimal(expected[n]) for n in expected if n != "profit") == 0
    assert "lowest price that loses nothing: 9.63" in done.stdout
    assert "lowest price that keeps the wanted margin of 10 %: 10.96" in done.stdout


def test_the_worked_example_of_a_seller_who_is_not_vat_registered(conn, explained):
    """8.66: 15 % 1.30, FBA 2.50, 2 % 0.08, VAT 0.26+0.50+0.02 that does not come back, cost 4.00."""
    fill(conn, registered=False, recoverable="0")
    found = explained("UK", ASIN, "--price", "8.66", "--at", "2026-03-04")
    lines = {line["name"]: line["amount"] for line in found["sums"][0]["lines"]}
    assert lines["VAT of the sale"] == "0.00"
    assert (lines["referral fee"], lines["VAT on fees"]) == ("-1.30", "-0.78")
    assert lines["VAT on fees that comes back"] == "0.00"
    assert found["sums"][0]["profit"] == "0.00"
    assert found["min_viable_price"] == {"price": "8.66", "none_because": None}


def test_the_prices_of_the_newest_message_stand_side_by_side(conn, buybox, explained):
    fill(conn)
    happens(conn, any_offer_changed(event_time="2026-03-04T10:00:00Z"))
    done = buybox("gb", ASIN.lower())
    assert done.exit_code == 0, done.output
    rows = table(done.stdout)
    assert rows["own price"] == ["market low", "Prime low", "recommended"]
    assert rows["price"] == ["20.49", "19.49", "19.99", "19.48"]
    assert rows["profit"] == ["7.39", "6.71", "7.05", "6.70"]
    assert rows["margin"][0] == "43.30 %"
    assert rows["ROI"][0] == "184.87 %"
    assert "newest message: 2026-03-04 10:00:00 UTC · fees of: 2026-03-04" in done.stdout
    assert "recommended: 19.48. Just under 19.49" in done.stdout
    sums = explained("GB", ASIN)["sums"]
    assert [one["profit"] for one in sums] == rows["profit"]


def test_each_fee_is_shown_with_its_rule_dates_and_source(conn, buybox, explained):
    fees = [replace(one, valid_to=date(2027, 1, 1)) for one in EXAMPLE]
    fill(conn, fees)
    text = buybox("UK", ASIN, "--price", "20.49", "--at", "2026-03-04").stdout
    line = next(line for line in text.splitlines() if re.match(r"\s*referral fee +r0", line))
    for part in (
        "15 %, at least 0.25",
        "from 2020-01-01 until 2027-01-01",
        "asked",
        "a test (2020-01-01)",
    ):
        assert part in line
    found = explained("UK", ASIN, "--price", "20.49", "--at", "2026-03-04")["rules"]
    assert [one["rule_id"] for one in found] == [
        "r0", "f0", "gb-closing", "gb-digital-services", "gb-vat-on-fees",
    ]  # fmt: skip
    assert found[0]["rate"] == "0.15"


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(drawn_cases(), st.integers(1, 1500))
def test_the_table_shows_the_breakdown_s_figures_and_they_add_up(conn, buybox, case, price):
    case = replace(case, cost=case.cost // 100 * 100)
    conn.execute("TRUNCATE fee_rules, seller_terms, products")
    product = case.as_costs()
    row = product_row(**asdict(product))._replace(title=None, size_tier=SIZE)
    share = Decimal(case.recoverable) / 10_000
    fill(
        conn, case.as_rules(), row,
        recoverable=share, wanted=case.as_terms().wanted_margin, place=case.marketplace_id,
    )  # fmt: skip
    asked = case.price(price)
    pure = break_down(
        product, schedule(case.as_rules(), of_terms=case.as_terms(), of_costs=product), asked
    )
    assert isinstance(pure, Breakdown)

    country = "JP" if case.marketplace_id == JP else "UK"
    done = buybox(country, ASIN, "--price", asked, "--at", "2026-03-04")
    assert done.exit_code == 0, done.output
    shown = {
        re.sub(r" \([\d.]+ %\)$", "", name): cells[0] for name, cells in table(done.stdout).items()
    }
    names = {"referral": "referral fee", "fulfilment": "fulfilment fee", "closing": "closing fee",
             "digital-services": "digital services fee", "vat-on-fees": "VAT on fees"}  # fmt: skip
    expected = {names[fee.kind]: -fee.amount for fee in pure.fees}
    expected |= {"price": asked, "VAT of the sale": -pure.sale_vat}
    expected |= {"VAT on fees that comes back": pure.vat_recovered}
    expected |= {name: -amount for name, amount in pure.costs}
    assert {name: Decimal(shown[name]) for name in expected} == expected
    assert Decimal(shown["profit"]) == pure.worth.profit
    assert shown["margin"] == f"{pure.worth.margin_pct} %"
    lines = [*expected.values(), Decimal(shown.get("rounding", 0))]
    assert sum(lines) == pure.worth.profit
    if share in {0, 1}:
        assert "rounding" not in shown


def test_yen_have_no_decimals(conn, buybox):
    fees = [
        replace(one, marketplace_id=JP, currency="JPY", amount=amount)
        for one, amount in zip(
            rules(referral="0.15", fulfilment="434", fee_vat="0.10"),
            [None, Decimal(434), Decimal(0), None, None],
            strict=True,
        )
    ]
    product = product_row(
        **COSTED | {"sale_vat_rate": Decimal("0.10")}, marketplace_id=JP, currency="JPY"
    )._replace(unit_cost=Decimal(800))
    fill(conn, fees, product, place=JP)
    shown = table(buybox("JP", ASIN, "--price", "2000", "--at", "2026-03-04").stdout)
    # 1818.18 - 300 - 434 - 800 = 284.18; the VAT of 181.82 is 182.
    assert shown["price"][0] == "2000"
    assert shown["VAT of the sale (10 %)"][0] == "-182"
    assert shown["profit"][0] == "284"
    assert "more decimals than JPY has" in buybox("JP", ASIN, "--price", "2000.5").stderr


def test_the_fees_are_those_of_the_message_s_day_or_of_the_day_asked_for(conn, explained):
    cheap = [replace(one, valid_to=date(2026, 6, 1)) for one in EXAMPLE if one.kind == "referral"]
    dear = [
        replace(one, rule_id="dear", rate=Decimal("0.30"), valid_from=date(2026, 6, 1))
        for one in cheap
    ]
    dear = [replace(one, valid_to=None) for one in dear]
    fill(conn, [*(one for one in EXAMPLE if one.kind != "referral"), *cheap, *dear])
    happens(conn, any_offer_changed(event_time="2026-05-31T22:59:00Z"))  # 23:59 in London
    assert explained("UK", ASIN)["sums"][0]["rules"][0] == "r0"
    later = explained("UK", ASIN, "--at", "2026-06-01")
    assert (later["sums"][0]["rules"][0], later["fees_on"]) == ("dear", "2026-06-01")


def test_a_race_to_the_bottom_is_seen_in_the_messages_of_two_hours(conn, explained):
    fill(conn)
    falling = [
        any_offer_changed(
            event_time=f"2026-03-04T10:{minute:02d}:00Z",
            offers=[
                offer(RIVALS[minute % 2], Decimal(20) - minute),
                offer(OWN_SELLER, 30, fba=True),
            ],
        )
        for minute in range(7)
    ]
    happens(conn, *falling[:6])
    assert "race-to-bottom" not in explained("UK", ASIN)["risk_flags"]
    happens(conn, falling[6])
    assert "race-to-bottom" in explained("UK", ASIN)["risk_flags"]


def test_floors_zones_risks_and_rivals_are_told(conn, buybox, explained):
    tiers = rules(referral=("whole-price", ("20", "0.08"), (None, "0.15")), digital="0.02")
    fill(conn, tiers, product_row(**COSTED, estimated_daily_sales=Decimal(2)), wanted="0.2")
    offers = [
        offer(RIVALS[0], Decimal("5.00"), winner=True),
        offer(OWN_SELLER, Decimal("20.50"), fba=True),
    ]
    happens(conn, any_offer_changed(event_time="2026-03-04T10:00:00Z", offers=offers))
    text = buybox("UK", ASIN).stdout
    assert "dead zone: from just above 20.00 to 22.1" in text
    assert "dead-zone" in text
    assert f"rivals that cannot be followed: {RIVALS[0]} at 5.00" in text
    assert "profit at stake a day" in text
    found = explained("UK", ASIN)
    assert found["dead_zones"][0]["after"] == "20.00"
    assert found["unfollowable"] == [{"seller_id": RIVALS[0], "price": "5.00"}]


# what is not known --------------------------------------------------------------------------------


def test_a_product_without_costs_shows_its_prices_and_says_what_to_do(conn, buybox, explained):
    happens(conn, any_offer_changed(event_time="2026-03-04T10:00:00Z"))
    done = buybox("UK", ASIN)
    assert done.exit_code == 0
    assert table(done.stdout)["price"] == ["20.49", "19.49", "19.99", "not known"]
    assert (
        "no costs are known for the product; import its costs: buybox products import"
        in done.stdout
    )
    found = explained("UK", ASIN)
    assert found["sums"][0]["profit"] is None
    assert found["min_viable_price"] == {"price": None, "none_because": None}
    assert found["unknown"][0]["why"] == "no costs are known for the product"


def test_a_marketplace_without_fees_is_not_free_of_fees(conn, buybox):
    fill(conn, [], product_row(**COSTED, marketplace_id=US, currency="USD"), place=US)
    done = buybox("US", ASIN, "--price", "10", "--at", "2026-03-04")
    assert done.exit_code == 0
    assert "no referral fee rule for category home in US on 2026-03-04; add the rule" in done.stdout
    assert "profit" not in table(done.stdout)


def test_a_product_without_a_price_has_its_floors(conn, buybox):
    fill(conn)
    done = buybox("UK", ASIN, "--at", "2026-03-04")
    assert table(done.stdout)["price"] == ["not known"] * 4
    assert "lowest price that loses nothing: 9.63" in done.stdout
    assert "no message with offers of the product has come; name a price: --price" in done.stdout


def test_a_price_no_sale_of_which_pays_is_told(conn, buybox):
    fill(conn, rules(referral="0.90"))
    assert "lowest price that loses nothing: none, at every price" in buybox("UK", ASIN).stdout


def test_clothing_in_europe_is_unknown_until_its_highest_tier_is_added(conn, buybox):
    """docs/fees.md says which row completes it."""
    starter = [rule for file in starter_files() for rule in read_fees(file, Rejects())]
    product = product_row(
        **COSTED | {"category": "clothing-and-accessories"}, fulfilment_channel="merchant"
    )._replace(own_postage=Decimal(3))
    fill(conn, starter, product)
    ask = ("UK", ASIN, "--price", "19.99", "--at", "2026-03-04")
    assert "have no tier without an upper end; look with buybox fees list" in buybox(*ask).stdout

    row = re.search(r"^rule_id,.*\n.*\n", DOCUMENT.read_text("utf-8"), re.MULTILINE)
    rejects = Rejects()
    catalogue.import_fee_rules(conn, read_fees(io.BytesIO(row[0].encode()), rejects), now=WRITTEN)
    assert rejects.lines == 0, rejects.first
    shown = table(buybox(*ask).stdout)
    assert shown["referral fee"][0] == "-2.00"  # 10 % of 19.99


@pytest.mark.parametrize(
    ("place", "currency", "at"),
    [
        (JP, "JPY", datetime(2026, 3, 3, 20, tzinfo=UTC)),
        (US, "USD", datetime(2026, 3, 5, 3, tzinfo=UTC)),
    ],
)
def test_where_it_is_another_day_than_in_greenwich_its_fees_are_at_hand(conn, place, currency, at):
    days = {"valid_from": date(2026, 3, 4), "valid_to": date(2026, 3, 5)}
    set_fees(conn, *fees(place, currency=currency, **days))
    found, _ = explain_rows.read_fees(conn, place, OWN_SELLER, at)
    assert len(found) == 5
