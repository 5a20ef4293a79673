"""What the reader of an alert is shown: figures of the state that the alert heard."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from economics.costing import Economics
from economics.market import Snapshot
from worker.analysis.state import ProductState

MARGINS_KNOWN = "margins_known"
"""Whether margins were ever known while the alert fired: if so, a missing one is a gap."""

HEALTH_AT = "health_at"
"""The time of the PRICING_HEALTH that the alert has heard of, as text."""

_MARKET = tuple(n for n in Snapshot.__struct_fields__ if n not in {"buy_box_sellers", "flags"})
_MONEY = (
    "margin_at_current_price",
    "margin_at_market_low",
    "min_viable_price",
    "recommended_price",
    "recommendation_reason",
    "profit_at_stake_per_day",
)


def facts_of(state: ProductState, *, margins_known: bool) -> dict[str, Any]:
    """The known figures by name: prices are landed, margins in percent."""
    found: dict[str, Any] = {"reasons": list(state.verdict.reasons)}
    if state.market is not None:
        found |= _known(state.market, _MARKET)
    if state.economics is not None:
        found |= _known(state.economics.view, _MONEY)
        found["risk_flags"] = list(state.economics.view.risk_flags)
    if state.gap_pct is not None:
        found["gap_pct"] = state.gap_pct
    if state.health is not None:
        found["health_issue"] = state.health.facts.issue_type
        found[HEALTH_AT] = _as_text(state.health.at)
    if state.moment is not None:
        found["event_time"] = state.moment.event_time
    return found | {MARGINS_KNOWN: margins_known}


def tells_health(facts: Mapping[str, object], state: ProductState) -> bool:
    """Whether an alert with these facts has heard of the state's very PRICING_HEALTH."""
    return state.health is not None and facts.get(HEALTH_AT) == _as_text(state.health.at)


def has_margins(economics: Economics | None) -> bool:
    """Whether costs and fees are known well enough for margins."""
    return economics is not None and economics.view.unknown_reason is None


def _as_text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat()


def _known(source: object, names: tuple[str, ...]) -> dict[str, Any]:
    return {name: value for name in names if (value := getattr(source, name)) is not None}
