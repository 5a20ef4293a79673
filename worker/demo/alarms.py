"""Which alerts must be open in the end, worked out from the simulated market alone.

Kept apart from the rules that are checked against it, as `truth` is: the thresholds that the seller
was promised, stated once more in whole numbers. The demo's sellers have no costs on record.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal

from worker.demo.truth import ExpectedState, StateKey

AlertKey = tuple[str, str, str, str, str]
"""Seller, marketplace, ASIN, item condition, kind."""

NOBODY_KNOWS = "nobody knows"


def expected_severity(state: ExpectedState) -> str | None:
    """How bad the price is; None: all clear. `NOBODY_KNOWS` where it may be worse than it looks."""
    price, low = state.your_price, state.market_low
    place, offers, winner = state.your_position, state.total_offers, state.buy_box_winner
    if price is None or low is None or place is None or offers is None or winner is None:
        return NOBODY_KNOWS
    above = (price - low) * 100

    def dearer_by(percent: int) -> bool:
        return above >= Decimal(percent) * low

    if offers >= 10 and dearer_by(50) and not winner and place * 10 >= offers * 8:  # noqa: PLR2004
        return "critical"
    if offers >= 5 and dearer_by(20) and not winner:  # noqa: PLR2004
        return "high"
    if offers >= 3 and dearer_by(10) and place > 3:  # noqa: PLR2004
        return "warning"
    return None


def expected_alerts(states: Mapping[StateKey, ExpectedState]) -> dict[AlertKey, str | None]:
    """The severity of each alert that must be open; None: none may be.

    Where nobody knows, nothing is said: an earlier alert stays as it was.
    """
    found: dict[AlertKey, str | None] = {}
    for key, state in states.items():
        severity = expected_severity(state)
        if severity != NOBODY_KNOWS:
            found[*key, "price"] = severity
        if state.has_buy_box is not None:
            nobody = not state.has_buy_box and key[-1] == "new"  # used goods often have none
            found[*key, "buy-box-suppressed"] = "high" if nobody else None
        found[*key, "pricing-health"] = "high" if state.health_issue else None
    return found


def compare_alerts(
    expected: Mapping[AlertKey, str | None], open_alerts: Iterable[tuple[AlertKey, str]]
) -> list[str]:
    """Every difference, in words; empty when equal."""
    found = dict(open_alerts)
    differences = []
    for key, wanted in expected.items():
        got = found.get(key)
        if got != wanted:
            name = "/".join(key)
            differences.append(
                f"alert {name}: must be {wanted or 'closed'}, is {got or 'not open'}"
            )
    return differences
