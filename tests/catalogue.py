"""Products and fee rules as files and rows, for tests: good defaults, anything can be overridden."""

from __future__ import annotations

import csv
import io
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

from db.catalogue import FeeRuleRow, ProductRow
from tests.factories import ASIN, GB, OWN_SELLER
from worker.catalogue.fees import COLUMNS as FEE_COLUMNS
from worker.catalogue.products import COLUMNS as PRODUCT_COLUMNS

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
LATER = datetime(2026, 3, 2, 12, tzinfo=UTC)
EXAMPLE = Path(__file__).parent.parent / "docs" / "products_example.csv"

GOOD_PRODUCT = {
    "seller_id": OWN_SELLER,
    "marketplace_id": GB,
    "asin": ASIN,
    "item_condition": "new",
    "fulfilment_channel": "amazon",
    "sku": "MUG-01",
    "currency": "GBP",
    "title": "Mug, enamelled",
    "unit_cost": "4.00",
    "inbound_postage": "0.35",
    "own_postage": "",
    "prep": "0.10",
    "category": "home-products",
    "weight_g": "410",
    "size_tier": "standard-parcel",
    "sale_vat_rate": "0.20",
    "min_price": "9.99",
    "max_price": "24.99",
    "estimated_daily_sales": "3.5",
    "tags": "core|kitchen",
}
GOOD_FEE = {
    "rule_id": "uk-referral-toys",
    "marketplace_id": GB,
    "seller_id": "",
    "kind": "referral",
    "category": "toys-and-games",
    "size_tier": "",
    "weight_up_to_g": "",
    "fulfilment_channel": "",
    "shape": "flat",
    "price_up_to": "",
    "rate": "0.15",
    "amount": "",
    "minimum": "0.25",
    "applies_to": "",
    "currency": "GBP",
    "valid_from": "2026-01-01",
    "valid_to": "",
    "source": "a page",
    "source_date": "2025-12-01",
    "note": "",
}


def csv_line(cells) -> bytes:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerow(cells)
    return out.getvalue().encode()


def product_line(**changes) -> bytes:
    return csv_line((GOOD_PRODUCT | changes).values())


def product_file(*lines: bytes) -> io.BytesIO:
    return io.BytesIO(csv_line(PRODUCT_COLUMNS) + b"".join(lines))


def fee_file(*changes: dict) -> io.BytesIO:
    return io.BytesIO(
        csv_line(FEE_COLUMNS) + b"".join(csv_line((GOOD_FEE | more).values()) for more in changes)
    )


def product_row(**changes) -> ProductRow:
    return ProductRow(
        seller_id=OWN_SELLER,
        marketplace_id=GB,
        asin=ASIN,
        item_condition="new",
        fulfilment_channel="amazon",
        sku="",
        currency="GBP",
        title=None,
        unit_cost=Decimal("4.00"),
        inbound_postage=None,
        own_postage=None,
        prep=None,
        category=None,
        weight_g=None,
        size_tier=None,
        sale_vat_rate=None,
        min_price=None,
        max_price=None,
        estimated_daily_sales=None,
        tags=[],
    )._replace(**changes)


def fee_row(**changes) -> FeeRuleRow:
    return FeeRuleRow(
        rule_id="uk-referral-toys",
        marketplace_id=GB,
        seller_id=None,
        kind="referral",
        category="toys-and-games",
        size_tier=None,
        weight_up_to_g=None,
        fulfilment_channel=None,
        shape="flat",
        price_up_to=None,
        rate=Decimal("0.15"),
        amount=None,
        minimum=Decimal("0.25"),
        applies_to=(),
        currency="GBP",
        valid_from=date(2026, 1, 1),
        valid_to=None,
        source="a page",
        source_date=date(2025, 12, 1),
        note="",
    )._replace(**changes)
