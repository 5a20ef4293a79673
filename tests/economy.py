"""Costs and fees in a database, for tests of what T2 and re-assessment make of them."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

from db import catalogue
from tests.catalogue import fee_row, product_row
from tests.factories import ASIN, GB, OWN_SELLER, RIVALS, offer
from tests.interleave import analyst, column, deliver, letter, work
from worker.analysis.reassessment import reassess_waiting

MIDNIGHT = date(2025, 3, 5)
LONG_AGO = date(2020, 1, 1)


def fees(marketplace_id=GB, *, rate="0.15", currency="GBP", prefix="uk", **given):
    """A whole schedule of one category: a referral fee, a fulfilment fee, and nothing else."""
    common = {
        "marketplace_id": marketplace_id,
        "currency": currency,
        "valid_from": LONG_AGO,
        "minimum": None,
    } | given
    nothing = {"category": None, "shape": None, "rate": Decimal(0)}
    return [
        fee_row(rule_id=f"{prefix}-referral", category="home", **common)._replace(
            rate=Decimal(rate)
        ),
        fee_row(rule_id=f"{prefix}-fulfilment", kind="fulfilment", **common)._replace(
            category=None,
            shape=None,
            rate=None,
            amount=Decimal("2.50") if currency != "JPY" else Decimal(250),
            size_tier="small",
            fulfilment_channel="amazon",
        ),
        fee_row(rule_id=f"{prefix}-closing", kind="closing", **common)._replace(
            category="home", shape=None, rate=None, amount=Decimal(0)
        ),
        fee_row(rule_id=f"{prefix}-digital", kind="digital-services", **common)._replace(
            applies_to=("referral",), **nothing
        ),
        fee_row(rule_id=f"{prefix}-vat", kind="vat-on-fees", **common)._replace(**nothing),
    ]


def set_fees(conn, *rows):
    with conn.transaction():
        return catalogue.import_fee_rules(conn, rows or fees(), now=datetime.now(UTC))


def set_terms(conn, *, marketplace_id=GB, wanted_margin="0", valid_from=LONG_AGO, registered=True):
    terms = catalogue.SellerTermsRow(
        OWN_SELLER,
        marketplace_id,
        valid_from,
        None,
        registered,
        Decimal(1 if registered else 0),
        Decimal(wanted_margin),
    )
    with conn.transaction():
        return catalogue.set_terms(conn, terms, now=datetime.now(UTC))


def product(asin=ASIN, **given):
    """A product sent by Amazon that costs 4.00."""
    known = {
        "asin": asin,
        "inbound_postage": Decimal(0),
        "prep": Decimal(0),
        "category": "home",
        "size_tier": "small",
        "sale_vat_rate": Decimal("0.20"),
    }
    return product_row(**(known | given))


def set_products(conn, *rows):
    with conn.transaction():
        with catalogue.stage_products(conn) as put:
            for line, row in enumerate(rows or [product()], start=2):
                put(line, row)
        columns = catalogue.ProductRow._fields
        return catalogue.apply_staged_products(conn, columns, now=datetime.now(UTC))


def set_all(conn, *rows):
    """Fees, terms and costs, and nothing waiting to be re-assessed."""
    set_fees(conn)
    set_terms(conn)
    set_products(conn, *rows)
    conn.execute("DELETE FROM reassessments")
    conn.execute("DELETE FROM procrastinate_jobs")


def offers(own="20.00", rival="18.00", *, winner=False):
    """An own offer sent by Amazon, and a rival in the Buy Box unless it is ours."""
    return [
        offer(OWN_SELLER, Decimal(own), fba=True, winner=winner),
        offer(RIVALS[0], Decimal(rival), winner=not winner),
    ]


def catch_up(conn, **more):
    """Re-assess everything that waits; returns the states that changed."""
    return reassess_waiting(conn, analyst("worker-2", **more), seconds=20)


CHEAPER = product(unit_cost=Decimal("3.00"))
MARGIN, CHEAP_MARGIN = Decimal("43.00"), Decimal("49.00")


def asins(count):
    return [f"B0{n:08d}" for n in range(count)]


def tell(conn, *names, **given):
    """A message of each product, analysed."""
    names = names or (ASIN,)
    deliver(conn, *(letter(asin=name, **{"offers": offers(), **given}) for name in names))
    for name in names:
        assert work(conn, f"{GB}:{name}", max_rows=500).processed
    conn.execute("DELETE FROM procrastinate_jobs")


def margins(conn):
    return column(conn, "SELECT margin_at_current_price FROM current_state ORDER BY asin")


def versions(conn):
    return column(conn, "SELECT version FROM current_state ORDER BY asin")


def waiting(conn):
    return column(conn, "SELECT count(*) FROM reassessments")[0]


NAMES = asins(7)
BAD = NAMES[1]
OTHER_MARGIN = Decimal("37.00")


def seven_states(conn):
    """States of NAMES, and nothing waiting."""
    set_all(conn, *(product(name) for name in NAMES))
    tell(conn, *NAMES)


def dearer(conn):
    """Fees that concern a whole marketplace, worked through in pages."""
    set_fees(conn, *fees(rate="0.20"))


def cheaper(conn):
    """Costs of NAMES, asked for in pieces."""
    set_products(conn, *(product(name, unit_cost=Decimal(3)) for name in NAMES))
