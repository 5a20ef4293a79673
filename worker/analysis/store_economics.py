"""Economics between the domain's values and the columns of a state, in both directions."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, cast, get_args

from db.params import by_name
from db.rows import StateRow
from economics.assess_economics import EconomicsView
from economics.costing import Economics
from economics.risks import RiskFlag
from economics.rows import channel

NOT_ASSESSED = "not assessed yet"

MARGINS = (
    "margin_at_current_price",
    "margin_at_market_low",
    "margin_at_prime_low",
    "min_viable_price",
)
"""Fields of the view that the history keeps too."""

_PLAIN = (
    *MARGINS,
    "min_price_for_margin",
    "recommended_price",
    "recommendation_code",
    "recommendation_reason",
    "profit_at_stake_per_day",
)
_plain_of, _margins_of = by_name(*_PLAIN), by_name(*MARGINS)
_FLAGS = frozenset(get_args(RiskFlag))


def economics_columns(economics: Economics | None) -> dict[str, Any]:
    """The state's columns of this."""
    if economics is None:
        return {"economics_unknown": NOT_ASSESSED}
    view = economics.view
    return {
        **_plain_of(view),
        "risk_flags": list(view.risk_flags),
        "unfollowable": [
            {"seller": seller, "landed": str(landed)} for seller, landed in view.unfollowable
        ],
        "daily_sales": economics.daily_sales,
        "own_channel": economics.channel,
        "economics_unknown": view.unknown_reason,
        "economics_at": economics.at,
    }


def history_columns(economics: Economics | None) -> dict[str, Any]:
    """The history's columns of this."""
    if economics is None:
        return {}
    return _margins_of(economics.view)


def economics_from_row(row: StateRow) -> Economics | None:
    """What `economics_columns` gave; None for a state that was never assessed."""
    if row.economics_at is None:
        return None
    view = EconomicsView(
        **_plain_of(row),
        risk_flags=tuple(_flag(text) for text in row.risk_flags),
        unfollowable=tuple((r["seller"], Decimal(r["landed"])) for r in row.unfollowable),
        unknown_reason=row.economics_unknown,
    )
    return Economics(row.economics_at, view, channel(row.own_channel), row.daily_sales)


def _flag(text: str) -> RiskFlag:
    if text not in _FLAGS:
        raise ValueError(f"{text!r} is no risk flag")
    return cast("RiskFlag", text)
