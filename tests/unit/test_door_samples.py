"""Every published sample and what the door makes of it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from economics.facts import facts_from_json, facts_to_json
from tests.factories import arrival
from worker.ingest.door import read
from worker.ingest.notification import Notification, Rejection

SAMPLES = Path(__file__).parents[1] / "data" / "spapi"
WAITING = {"any_offer_changed", "b2b_any_offer_changed", "pricing_health"}

SELLER = "A3TH9S8BH6GOGM"
US = "ATVPDKIKX0DER"
ACCOUNT = "amzn1.merchant.o.A21CXK3C4ERTY8"
OUTCOMES = {  # file: (seller, marketplace, asin), or the kind of the rejection
    "account_status_changed.amzn-docs-guide.json": (None, None, None),
    "any_offer_changed.amzn-docs-guide.json": ("merchantId", "marketplaceId", "ysp2k4cziG"),
    "any_offer_changed.amzn-models-schema.json": (SELLER, US, "123"),
    "any_offer_changed.amzn-samples-pricing.json": ("AMY6FKRUBY7XV", US, "B00V5DG6IQ"),
    "any_offer_changed.mws-legacy.bizon-mws-sdk.xml": "malformed-json",
    "any_offer_changed.peddler-real-fixture.json": ("ASELLER0000002", US, "B0TEST1234"),
    "b2b_any_offer_changed.amzn-docs-guide.json": ("A3EZFOFNDPFB8R", US, "B007IBIWZY"),
    "branded_item_content_change.amzn-models-schema.json": (None, US, "B1234567"),
    "data_kiosk_query_processing_finished.amzn-models-schema.json": (ACCOUNT, None, None),
    "detail_page_traffic_event.amzn-models-schema.json": (ACCOUNT, US, None),
    "fba_outbound_shipment_status.amzn-models-schema.json": ("merchantId", None, None),
    "fee_promotion.amzn-models-schema.json": ("AJH434853485", "ATIV93840DER", None),
    "feed_processing_finished.amzn-models-schema-2.json": ("amzn1.vg.6213651", None, None),
    "feed_processing_finished.amzn-models-schema.json": (SELLER, None, None),
    "fulfillment_order_status.amzn-models-schema.json": (SELLER, None, None),
    "item_inventory_event_change.amzn-models-schema.json": (ACCOUNT, US, None),
    "item_product_type_change.amzn-models-schema.json": (None, US, "B1234567"),
    "item_sales_event_change.amzn-models-schema.json": (ACCOUNT, US, None),
    "listings_item_issues_change.payload-1.0.amzn-models-schema.json": (
        "AXXXXXXXXXXXXX", US, "BT6RZ7JM4H",
    ),
    "listings_item_issues_change.payload-2023-12-13.amzn-models-schema.json": (
        "AXXXXXXXXXXXXX", US, "BT6RZ7JM4H",
    ),
    "listings_item_mfn_quantity_change.amzn-models-schema.json": ("AXXXXXXXXXXXXX", None, None),
    "listings_item_status_change.amzn-models-schema.json": ("A3AYAZLIQ7AX77", US, "BT6RZ7JM4H"),
    "mfn_order_status_change.amzn-docs-guide.json": ("AXXXXXXXXXXXXX", None, None),
    "order_change.amzn-models-schema.json": (SELLER, US, None),
    "pricing_health.amzn-models-schema.json": ("A3EZFOFNDPFB8R", US, "B007IBIWZY"),
    "pricing_health.amzn-samples-pricing.json": ("AMY6FKRUBY7XV", US, "B00V5DG6IQ"),
    "product_type_definitions_change.amzn-models-schema.json": ("AXXXXXXXXXXX", US, None),
    "report_processing_finished.amzn-models-schema-2.json": ("amzn1.vg.6213651", None, None),
    "report_processing_finished.amzn-models-schema.json": (SELLER, None, None),
    "shipment_tracking_milestone_changed.amzn-models-schema.json": (None, None, None),
    "transaction_update.amzn-models-schema.json": (SELLER, "ATIV93840DER", None),
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(p.name for p in SAMPLES.iterdir() if p.suffix != ".md"))
def test_every_sample_has_its_known_outcome(name):
    expected = OUTCOMES[name]
    result = read(arrival((SAMPLES / name).read_bytes()), now=datetime(2026, 1, 1, tzinfo=UTC))
    if isinstance(expected, str):
        assert isinstance(result, Rejection)
        assert result.error_type == expected
        return
    assert isinstance(result, Notification)
    assert (result.seller_id, result.marketplace_id, result.asin) == expected
    kind = name.partition(".")[0]
    assert result.notification_type == kind.upper()
    assert result.status == ("waiting" if kind in WAITING else "ignored")
    assert (result.facts is not None) == (result.status == "waiting")
    if result.facts is not None:
        assert facts_from_json(facts_to_json(result.facts)) == result.facts
