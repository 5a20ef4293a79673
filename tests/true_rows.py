"""A row of each table that is true, for tests of what the tables themselves refuse.

`put` writes one with some changes, and first the rows that it depends on. Each row says what it
must and a little more, so that a change of one column is a mistake of that column alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

import psycopg
import pytest

from tests.alert_rows import insert

AT = datetime(2025, 3, 4, 10, 15, tzinfo=UTC)
DAY = date(2026, 1, 1)

NOTIFICATION = {
    "received_at": AT,
    "received_on": AT.date(),
    "notification_type": "ANY_OFFER_CHANGED",
    "status": "waiting",
    "seller_id": "S1",
    "marketplace_id": "M1",
    "asin": "A1",
    "item_condition": "new",
    "event_time": AT,
    "event_key": "k1",
    "message_id": "m1",
    "body_hash": b"\x01" * 32,
    "notification_id": "n1",
    "trace_id": "t1",
    "source": "sqs",
    "envelope": "direct",
    "ingested_by": "i1",
}
BODY = {"notification_id": 1, "received_on": AT.date(), "body": "{}"}
FAILURE = {
    "stage": "ingest",
    "error_type": "malformed-json",
    "error_message": "it is not JSON",
    "first_failed_at": AT,
    "last_failed_at": AT,
    "trace_id": "t1",
    "source": "sqs",
    "worker_id": "w1",
    "body_hash": b"\x01" * 32,
    "raw_body": b"{",
}
STATE = {
    "marketplace_id": "M1",
    "asin": "A1",
    "item_condition": "new",
    "audience": "consumer",
    "seller_id": "S1",
    "severity": "success",
    "currency": "GBP",
    "your_price": 10,
    "market_low": 9,
    "your_position": 2,
    "severity_policy": "full",
    "severity_reasons": ["winner"],
    "event_time": AT,
    "trace_id": "t1",
    "worker_id": "w1",
    "updated_at": AT,
    "version": 1,
}
KNOWN_ECONOMICS = {
    "economics_unknown": None,
    "economics_at": AT,
    "margin_at_current_price": 20,
    "margin_at_market_low": 10,
    "min_viable_price": 5,
    "min_price_for_margin": 6,
    "recommended_price": 8,
    "recommendation_code": "beat-rival",
    "profit_at_stake_per_day": 0,
    "daily_sales": 1,
}
"""What the state of a product with costs says in addition."""
HISTORY = {
    "notification_row_id": 1,
    "recorded_at": AT,
    "event_time": AT,
    "seller_id": "S1",
    "marketplace_id": "M1",
    "asin": "A1",
    "item_condition": "new",
    "audience": "consumer",
    "kind": "market",
    "outcome": "applied",
    "severity": "info",
    "severity_policy": "full",
    "severity_reasons": [],
}
PRODUCT = {
    "seller_id": "S1",
    "marketplace_id": "M1",
    "asin": "B0CXYZ1234",
    "item_condition": "new",
    "fulfilment_channel": "amazon",
    "currency": "GBP",
    "updated_at": AT,
}
REFERRAL = {
    "rule_id": "r1",
    "marketplace_id": "M1",
    "kind": "referral",
    "category": "toys",
    "shape": "flat",
    "rate": 0.15,
    "currency": "GBP",
    "valid_from": DAY,
    "source": "a page",
    "source_date": DAY,
    "updated_at": AT,
}
TERMS = {
    "seller_id": "S1",
    "marketplace_id": "M1",
    "valid_from": DAY,
    "vat_registered": True,
    "fee_vat_recoverable": 1,
    "updated_at": AT,
}
REASSESSMENT = {"marketplace_id": "M1", "due_at": AT}
ALERT = {
    "id": 1,
    "seller_id": "S1",
    "marketplace_id": "M1",
    "asin": "B0CXYZ1234",
    "item_condition": "new",
    "kind": "price",
    "severity": "high",
    "first_seen": AT,
    "last_seen": AT,
    "last_event_time": AT,
    "waiting_since": AT,
}
EVENT = {
    "id": 1,
    "alert_id": 1,
    "at": AT,
    "who": "data",
    "change": "raised",
    "reason": "undercut",
    "told": "raised",
    "voice_why": "new",
}
MESSAGE = {
    "id": 1,
    "queue": "standard",
    "reach": "batch",
    "alert_id": 1,
    "fingerprint": "f",
    "marketplace_id": "M1",
    "asin": "B0CXYZ1234",
    "tell": "raised",
    "why": "undercut",
    "scheduled_at": AT,
    "reason": "the next list",
    "created_at": AT,
}
ROUTE = {
    "id": 1,
    "name": "phone",
    "channel": "mail",
    "url_encrypted": b"x",
    "url_masked": "mailto://...",
    "created_by": "ann",
}
DELIVERY = {
    "id": 1,
    "route_name": "phone",
    "channel": "mail",
    "reach": "batch",
    "heading": "one alert",
    "reason": "the route takes it",
    "next_attempt_at": AT,
    "due_at": AT,
    "created_at": AT,
}
TOKEN = {
    "id": 1,
    "name": "vera",
    "role": "viewer",
    "secret_hash": b"\x01" * 32,
    "created_at": AT,
}
REQUEST = {"who": "vera", "key": "k1", "request_hash": b"\x01" * 32, "asked_at": AT}

TRUE: dict[str, dict[str, Any]] = {
    "worker_notifications": NOTIFICATION,
    "notification_bodies": BODY,
    "worker_failures": FAILURE,
    "current_state": STATE,
    "competitive_history": HISTORY,
    "feed_epoch": {"epoch": "e1", "system_identifier": 1, "started_at": AT},
    "worker_heartbeats": {
        "worker_id": "w1", "role": "ingest", "started_at": AT, "last_seen": AT, "state": "running",
    },
    "worker_counters": {"name": "swept_products", "updated_at": AT},
    "products": PRODUCT,
    "fee_rules": REFERRAL,
    "seller_terms": TERMS,
    "fee_book": {"version": 1},
    "reassessments": REASSESSMENT,
    "alert_settings": {"clear_hold": "5 minutes"},
    "alerts": ALERT,
    "alert_events": EVENT,
    "alert_tallies": {"day": DAY, "what": "assessed", "n": 1},
    "alert_queues": MESSAGE,
    "alert_routes": ROUTE,
    "alert_deliveries": DELIVERY,
    "alert_delivery_items": {"delivery_id": 1, "queue_id": 1},
    "api_tokens": TOKEN,
    "api_requests": REQUEST,
    "schema_components": {"component": "another", "version": "1"},
}  # fmt: skip

HANGS_ON = {
    "alert_events": ("alerts",),
    "alert_queues": ("alerts",),
    "alert_delivery_items": ("alerts", "alert_queues", "alert_deliveries"),
}
OF_ONE_ROW = ("feed_epoch", "fee_book", "alert_settings")
"""A migrated database has it already."""


def put(conn: psycopg.Connection, table: str, **changes: Any) -> None:
    """Write the true row of a table with these changes."""
    for needed in HANGS_ON.get(table, ()):
        if not conn.execute(f"SELECT FROM {needed}").rowcount:
            insert(conn, needed, **TRUE[needed])
    if table in OF_ONE_ROW:
        conn.execute(f"DELETE FROM {table}")
    insert(conn, table, **(TRUE[table] | changes))


def refusing_check(conn: psycopg.Connection, table: str, changes: Mapping[str, Any]) -> str | None:
    """The name of the check that refuses the true row with these changes. It must be refused."""
    with pytest.raises(psycopg.errors.CheckViolation) as refused:
        put(conn, table, **changes)
    return refused.value.diag.constraint_name
