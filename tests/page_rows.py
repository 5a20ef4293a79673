"""Rows as the page gets them from the server: enough of them for its pure functions."""

from __future__ import annotations

from typing import Any


def alert(number: int, **more: Any) -> dict[str, Any]:
    given = {
        "key": str(number), "id": number, "product_key": "P", "marketplace_id": "M", "asin": "A",
        "item_condition": "new", "seller_id": "S", "title": None, "severity": "high",
        "kind": "price", "condition": "firing", "attention": "new", "resolution": None, "resolved_at": None,
        "snooze_until": None, "first_seen": "2026-03-04T10:00:00Z", "profit_at_stake_per_day": None,
    }  # fmt: skip
    if more.get("attention") == "resolved":
        given |= {"resolution": "manual", "resolved_at": "2026-03-04T11:00:00Z"}
    return given | more


def state(**more: Any) -> dict[str, Any]:
    return {
        "key": "s", "product_key": "P", "marketplace_id": "M", "asin": "A", "item_condition": "new",
        "audience": "consumer", "seller_id": "S", "title": "Mug", "severity": "high",
        "profit_at_stake_per_day": None,
    } | more  # fmt: skip


def product(name: str, severity: str = "high", **more: Any) -> dict[str, Any]:
    """The state of a product of its own, with all that its row shows."""
    figures = {
        "currency": "GBP", "your_price": "20.00", "own_price_unknown": None, "market_low": "19.00",
        "prime_low": None, "gap_pct": None, "your_position": None, "total_offers": 2, "version": 1,
        "buy_box_winner": None, "buy_box_sellers": [], "has_buy_box": True, "buy_box_price": None,
        "margin_at_current_price": None, "margin_at_market_low": None, "economics_unknown": "x",
        "doubt_reason": None, "event_time": "2026-03-04T11:00:00Z", "last_own_price": None,
    }  # fmt: skip
    own = {"key": name, "product_key": name, "asin": name, "title": name, "severity": severity}
    return state(**(figures | own | more))


def told(number: int, **more: Any) -> dict[str, Any]:
    """An alert with all that its line says."""
    also = {
        "last_seen": "2026-03-04T12:00:00Z", "occurrences": 1, "facts": {"reasons": ["dear"]}, "note": None,
        "still_true_since": None, "escalation_level": 0, "better_since": None, "unstable_since": None,
        "assignee": None, "acknowledged_by": None, "acknowledged_at": None, "delivered_at": None,
        "snoozed_by": "bob", "resolved_by": "bob", "superseded_by": None, "currency": "GBP",
    }  # fmt: skip
    return alert(number, **(also | more))
