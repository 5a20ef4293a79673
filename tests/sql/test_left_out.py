"""What a row leaves out, because it is at its default, is in its table as if it had been sent."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from msgspec.structs import replace
from psycopg.rows import dict_row

from db import products
from db.params import records
from db.rows import HistoryRow, StateRow

AT = datetime(2025, 3, 4, 10, 15, tzinfo=UTC)
LATER = AT + timedelta(minutes=1)
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
TOLD_MARKET = {
    "currency": "GBP",
    "your_price": Decimal("11.50"),
    "market_low": Decimal("9.10"),
    "competitor_low": Decimal("9.20"),
    "prime_low": Decimal("9.30"),
    "your_position": 3,
    "total_offers": 7,
    "gap_pct": Decimal("20.8"),
    "buy_box_winner": False,
    "has_buy_box": True,
    "buy_box_price": Decimal("9.40"),
    "buy_box_sellers": ["S2"],
    "flags": ["buy-box-suppressed"],
    "margin_at_current_price": Decimal(21),
    "margin_at_market_low": Decimal(11),
    "margin_at_prime_low": Decimal(12),
    "min_viable_price": Decimal("8.10"),
}
TOLD_STATE = StateRow(
    **{**OF_BOTH, "severity": "high", "severity_policy": "mvp", "severity_reasons": ["undercut"]},
    **TOLD_MARKET,
    trace_id="t2",
    version=2,
    event_key="k1",
    event_time=AT,
    publish_time=LATER,
    notification_row_id=11,
    last_own_price=Decimal("11.40"),
    last_own_price_at=AT + timedelta(seconds=1),
    last_own_publish_time=AT + timedelta(seconds=2),
    last_own_event_key="k2",
    your_price_changed_at=AT + timedelta(seconds=3),
    winner_seen_at=AT + timedelta(seconds=4),
    health_issue="x",
    health_at=AT + timedelta(seconds=5),
    health_event_key="k3",
    health={"type": "health", "currency": "GBP", "issue_type": "x"},
    doubt_reason="invalid-price",
    doubt_since=AT + timedelta(seconds=6),
    min_price_for_margin=Decimal("8.20"),
    recommended_price=Decimal("8.90"),
    recommendation_code="beat-rival",
    recommendation_reason="a cent below",
    risk_flags=["margin-squeeze"],
    unfollowable=[{"seller": "S3", "landed": "4.00"}],
    profit_at_stake_per_day=Decimal("3.20"),
    daily_sales=Decimal("2.50"),
    own_channel="amazon",
    economics_at=AT + timedelta(seconds=7),
    low_points=[[AT.isoformat(), "9.00", "S2"]],
)
UNTOLD_STATE = replace(
    BARE_STATE,
    own_price_unknown="outside the offers sent",
    event_key="k0",
    event_time=LATER,
    publish_time=AT,
)
TOLD_HISTORY = HistoryRow(
    **OF_BOTH | {"severity_reasons": ["undercut"]},
    **TOLD_MARKET,
    notification_row_id=11,
    event_time=AT,
    kind="market",
    outcome="applied",
    own_price_unknown="outside the offers sent",
)
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


def test_a_state_written_anew_is_new_in_every_column(conn):
    """And goes back to the defaults: what was known and is no longer is not kept by being left out."""
    of_a_key = {"marketplace_id", "asin", "item_condition", "audience", "seller_id"}
    told, untold = as_plain(TOLD_STATE), as_plain(UNTOLD_STATE)
    same = {name for name in told if told[name] == untold[name]}
    assert same == of_a_key | FILLED_BY_THE_DATABASE.keys(), "all others are to be seen to change"

    for version, state in enumerate((TOLD_STATE, UNTOLD_STATE, TOLD_STATE), start=1):
        row = replace(state, version=version, event_time=AT + timedelta(minutes=version))
        assert products.upsert_states(conn, [row], now=AT, worker_id="w")
        [found] = products.lock_states(conn, [("M1", "A1")])
        assert as_plain(replace(found, **FILLED_BY_THE_DATABASE)) == as_plain(row)


def test_a_state_says_who_wrote_it_last_and_when(conn):
    for version, (who, at) in enumerate((("w1", AT), ("w2", LATER)), start=1):
        row = replace(BARE_STATE, version=version)
        assert products.upsert_states(conn, [row], now=at, worker_id=who)
    [found] = products.lock_states(conn, [("M1", "A1")])
    assert (found.worker_id, found.updated_at) == ("w2", LATER)


def test_a_history_row_of_a_message_without_a_market_has_no_flags_and_no_prices(conn):
    products.append_history(conn, [BARE_HISTORY], now=AT)
    row = conn.execute(
        "SELECT flags, buy_box_sellers, your_price, margin_at_current_price FROM competitive_history"
    ).fetchone()
    assert row == ([], None, None, None)


def test_a_history_row_keeps_every_column(conn):
    told = as_plain(TOLD_HISTORY)
    assert [name for name, value in told.items() if value in (None, [])] == []
    products.append_history(conn, [TOLD_HISTORY], now=LATER)
    with conn.cursor(row_factory=dict_row) as cursor:
        row = cursor.execute("SELECT * FROM competitive_history").fetchone()
    assert row.pop("recorded_at") == LATER
    assert {name: row[name] for name in told} == {
        name: getattr(TOLD_HISTORY, name) for name in told
    }
