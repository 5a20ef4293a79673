"""A state looked at anew because costs, fees or terms changed, or a day began. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime

from msgspec.structs import replace

from economics.costing import Economy, is_raced, price_again, price_market
from economics.facts import MarketFacts
from economics.fee_rules import local_day
from worker.analysis.judge import judge
from worker.analysis.state import ProductState, SeveritySettings


def reassess(
    state: ProductState,
    facts: MarketFacts | None,
    economy: Economy,
    settings: SeveritySettings,
    *,
    now: datetime,
) -> ProductState:
    """The state with the costs and fees of now; the same state when no value changes.

    `facts` are those of the state's own newest message, None where they are no longer kept.
    """
    if state.market is None or state.moment is None:
        return state
    at = max(now, state.moment.event_time)
    key, racing = state.subject.product, is_raced(state.low_points, state.moment.event_time)
    if facts is None:
        economics = price_again(economy, key, state.market, state.economics, at, racing=racing)
    else:
        economics = price_market(economy, key, state.market, facts, at, racing=racing)
    verdict, gap = judge(state.market, economics, settings.policy, settings.sales_threshold)
    anew = replace(state, economics=economics, verdict=verdict, gap_pct=gap, policy=settings.policy)
    if state.economics is not None:
        as_dated = replace(anew, economics=replace(economics, at=state.economics.at))
        if as_dated == state:
            return state
    return anew


def scopes_between(
    days: Iterable[tuple[str, str | None, date]], since: datetime, until: datetime
) -> list[tuple[str, str | None]]:
    """The (marketplace, seller) in which one of the days began after `since`, up to `until`.

    A day begins at midnight in its marketplace. A marketplace with no clock we know has no days.
    """
    found = set()
    for marketplace_id, seller_id, day in days:
        first, last = local_day(marketplace_id, since), local_day(marketplace_id, until)
        if first is not None and last is not None and first < day <= last:
            found.add((marketplace_id, seller_id))
    return sorted(found, key=lambda scope: (scope[0], scope[1] or ""))
