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
