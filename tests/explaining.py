"""A seller's products, fees and messages in a database, and the table that explains them."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from decimal import Decimal

from typer.testing import CliRunner, Result

from db import catalogue
from db.catalogue import FeeRuleRow, SellerTermsRow
from tests.catalogue import product_row
from tests.economics_strategies import rules
from tests.factories import GB, OWN_SELLER
from tests.interleave import deliver, letter, work
from worker.cli.main import app

WRITTEN = datetime(2026, 3, 1, 12, tzinfo=UTC)
CELL = re.compile(r"\s{2,}")
EXAMPLE = rules(referral="0.15", minimum="0.25", fulfilment="2.50", digital="0.02", fee_vat="0.20")
SIZE = "standard-parcel"
COSTED = {
    "size_tier": SIZE,
    "inbound_postage": Decimal("0.00"),
    "prep": Decimal("0.00"),
    "category": "home",
    "sale_vat_rate": Decimal("0.20"),
}


def explain(*arguments, url: str, width: int = 200) -> Result:
    """The command as people type it."""
    env = {"DATABASE_URL": url, "COLUMNS": str(width), "NO_COLOR": "1"}
    return CliRunner().invoke(app, ["explain", *map(str, arguments)], env=env)


def fill(conn, fees=EXAMPLE, *products, registered=True, recoverable="1", wanted="0", place=GB):
    """Fees, terms and products; without any products given, that of the reference example."""
    catalogue.import_fee_rules(conn, [as_row(one) for one in fees], now=WRITTEN)
    terms = SellerTermsRow(
        OWN_SELLER, place, date(2020, 1, 1), None, registered, Decimal(recoverable), Decimal(wanted)
    )
    catalogue.set_terms(conn, terms, now=WRITTEN)
    put(conn, *(products or [product_row(**COSTED)]))


def as_row(rule) -> FeeRuleRow:
    """The rule as the table accepts it: a size for fulfilment, a fee for digital services."""
    row = FeeRuleRow(*(getattr(rule, field) for field in FeeRuleRow._fields))
    if rule.kind == "fulfilment":
        row = row._replace(size_tier=SIZE)
    if rule.kind == "digital-services" and not rule.applies_to:
        row = row._replace(applies_to=("referral",))
    return row


def put(conn, *products):
    with conn.transaction():
        with catalogue.stage_products(conn) as stage:
            for number, row in enumerate(products, start=1):
                stage(number, row)
        catalogue.apply_staged_products(conn, catalogue.ProductRow._fields, now=WRITTEN)


def happens(conn, *messages):
    """The messages come in and are analysed."""
    deliver(conn, *(letter(message) for message in messages))
    work(conn)


def table(text: str) -> dict[str, list[str]]:
    """The rows of the first table, that of the sums, by their names."""
    lines = [CELL.split(line.strip()) for line in text.splitlines()]
    found: dict[str, list[str]] = {}
    for name, *cells in lines:
        if cells:
            found.setdefault(name, cells)
    return found
