"""What a row leaves out, because it is at its default, is in its table as if it had been sent."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from msgspec.structs import replace

from db import products
from db.params import records
from db.rows import HistoryRow, StateRow

AT = datetime(2025, 3, 4, 10, 15, tzinfo=UTC)
FILLED_BY_THE_DATABASE = {"worker_id": None, "updated_at": None, "changed_in": None}

OF_BOTH = {
    "marketplace_id": "M1",
    "asin": "A1",
    "item_condition": "new",
    "audience": "consumer",
    "seller_id": "S1",
    "severity": "info",
    "severity_policy": "full",
    "severity_reasons": [],
}
BARE_STATE = StateRow(**OF_BOTH, trace_id="t1", version=1, economics_unknown="not assessed yet")
BARE_HISTORY = HistoryRow(
    **OF_BOTH, notification_row_id=1, event_time=AT, kind="market", outcome="rejected"
)


def as_plain(row):
    """Its values as JSON has them, those at their defaults too."""
    return {
        name: json.loads(json.dumps(getattr(row, name), default=str))
        for name in row.__struct_fields__
    }


def test_a_state_of_which_nothing_is_known_comes_back_as_it_was(conn):
    assert len(json.loads(records([BARE_STATE]))[0]) == 11, "the rest is left out"
    assert products.upsert_states(conn, [BARE_STATE], now=AT, worker_id="w")
    [found] = products.lock_states(conn, [("M1", "A1")])
    assert as_plain(replace(found, **FILLED_BY_THE_DATABASE)) == as_plain(BARE_STATE)


def test_a_state_goes_back_to_the_defaults(conn):
    """What was known and is no longer is not kept by being left out."""
    told = replace(
        BARE_STATE,
        buy_box_sellers=["S2"],
        flags=["buy-box-suppressed"],
        low_points=[[AT, "9.00", "S2"]],
        last_own_price=9,
        last_own_price_at=AT,
        last_own_publish_time=AT,
        last_own_event_key="k",
        health_issue="x",
        health_at=AT,
        health={"type": "health", "currency": "GBP", "issue_type": "x"},
        doubt_reason="invalid-price",
        doubt_since=AT,
    )
    assert products.upsert_states(conn, [told], now=AT, worker_id="w")
    assert products.upsert_states(conn, [replace(BARE_STATE, version=2)], now=AT, worker_id="w")
    [found] = products.lock_states(conn, [("M1", "A1")])
    assert as_plain(replace(found, **FILLED_BY_THE_DATABASE, version=1)) == as_plain(BARE_STATE)


def test_a_history_row_of_a_message_without_a_market_has_no_flags_and_no_prices(conn):
    products.append_history(conn, [BARE_HISTORY], now=AT)
    row = conn.execute(
        "SELECT flags, buy_box_sellers, your_price, margin_at_current_price FROM competitive_history"
    ).fetchone()
    assert row == ([], None, None, None)
