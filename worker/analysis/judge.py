"""From a market and what it is worth to its severity. Pure."""

from __future__ import annotations

from decimal import Decimal

from msgspec.structs import replace

from economics.costing import Economics
from economics.market import Snapshot
from worker.analysis.severity import PolicyName, Standing, Verdict, assess, gap_pct


def standing_of(market: Snapshot, economics: Economics | None = None) -> Standing:
    """The severity policies' view of a market. Without economics, margins and sales are unknown."""
    view = None if economics is None else economics.view
    return Standing(
        your_price=market.your_price,
        market_low=market.market_low,
        your_position=market.your_position,
        total_offers=market.total_offers,
        buy_box_winner=market.buy_box_winner,
        margin_at_your_price_pct=None if view is None else view.margin_at_current_price,
        margin_at_market_low_pct=None if view is None else view.margin_at_market_low,
        daily_sales=None if economics is None else economics.daily_sales,
    )


def judge(
    market: Snapshot,
    economics: Economics | None,
    policy: PolicyName,
    sales_threshold: Decimal,
) -> tuple[Verdict, Decimal | None]:
    """The severity of a market with its reasons, and its gap in percent."""
    standing = standing_of(market, economics)
    verdict = assess(standing, policy, sales_threshold=sales_threshold)
    if market.own_price_unknown:
        verdict = replace(verdict, reasons=(*verdict.reasons, market.own_price_unknown))
    return verdict, gap_pct(standing)
