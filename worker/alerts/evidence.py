"""What the state of a product says to its alerts, and whether it is evidence. Pure.

A policy's condition that needs something unknown is not satisfied, so a severity can look better
just because less is known. What is unknown is therefore assumed to be as bad as it can be; if the
severity could then be worse, the better one is no evidence.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal

from msgspec.structs import replace

from economics.market import SUPPRESSED_BUY_BOX
from worker.alerts.events import Sighting
from worker.alerts.facts import tells_health
from worker.alerts.values import Alert, AlertSubject, Kind, rank
from worker.analysis.judge import standing_of
from worker.analysis.severity import PolicyName, Severity, Standing, assess
from worker.analysis.state import ProductState, SeveritySettings, Subject

CAUSE_SEVERITY: Severity = "high"
"""For a suppressed Buy Box and PRICING_HEALTH: sales stop, and the price alerts are muted."""

_FEW_OFFERS = (1, 3, 5, 10)
"""Where the policies' thresholds lie; beyond each, more offers only make a position look better."""

_AS_GOOD_AS_NOTHING = Decimal("1e-9")
_ALL_LOST = Decimal(-1000)


def what_is_missing(
    standing: Standing, policy: PolicyName, *, sales_threshold: Decimal, costs_known: bool = False
) -> str | None:
    """What would have to be known to believe the severity of this standing; None if nothing.

    `costs_known` says that the seller's costs are there, so that an unknown margin is a gap in the
    data and not its usual state.
    """
    if standing.your_price is None:
        return "the own offer is unknown"
    if not _unknown(standing, costs_known=costs_known):
        return None
    seen = assess(standing, policy, sales_threshold=sales_threshold).severity
    for guess in _worst_cases(standing, costs_known=costs_known):
        if rank(assess(guess, policy, sales_threshold=sales_threshold).severity) > rank(seen):
            return f"unknown: {', '.join(_unknown(standing, costs_known=costs_known))}"
    return None


def _unknown(standing: Standing, *, costs_known: bool) -> list[str]:
    names = ["market_low", "your_position", "total_offers", "buy_box_winner"]
    if costs_known:
        names += ["margin_at_your_price_pct", "margin_at_market_low_pct"]
    return [name.replace("_", " ") for name in names if getattr(standing, name) is None]


def _worst_cases(standing: Standing, *, costs_known: bool) -> Iterator[Standing]:
    """The standing with its gaps filled in, in each way that may be the worst."""
    s = standing
    if costs_known:
        s = replace(
            s,
            margin_at_your_price_pct=_or(s.margin_at_your_price_pct, _ALL_LOST),
            margin_at_market_low_pct=_or(s.margin_at_market_low_pct, _ALL_LOST),
        )
    s = replace(s, market_low=s.market_low or _AS_GOOD_AS_NOTHING)
    winners = [s.buy_box_winner] if s.buy_box_winner is not None else [False, True]
    counts = [s.total_offers] if s.total_offers is not None else list(_FEW_OFFERS)
    for winner in winners:
        for count in counts:
            last = max(count, 1) + 20 if s.your_position is None else s.your_position
            yield replace(s, buy_box_winner=winner, total_offers=count, your_position=last)


def _or(value: Decimal | None, other: Decimal) -> Decimal:
    return other if value is None else value


# sightings ----------------------------------------------------------------------------------------


def kinds_of(subject: Subject) -> tuple[Kind, Kind, Kind]:
    """The alerts a product may have: about price, a suppressed Buy Box and PRICING_HEALTH."""
    return _BUSINESS_KINDS if subject.audience == "business" else _KINDS


def severities_of(state: ProductState) -> dict[Kind, Severity]:
    """How bad it is for each of a product's alerts. Empty while nothing is known of the product."""
    if not _times(state):
        return {}
    suppressed = _is_suppressed(state)
    price, box, health = kinds_of(state.subject)
    return {
        price: state.severity,
        box: CAUSE_SEVERITY if suppressed else "success",
        health: CAUSE_SEVERITY if state.health else "success",
    }


def sighting_of(
    state: ProductState,
    kind: Kind,
    severity: Severity,
    settings: SeveritySettings,
    facts: Mapping[str, object],
    *,
    costs_known: bool = False,
    health_alert: Alert | None = None,
) -> Sighting:
    """What a state that has seen something says to one of its alerts; `severity` is how bad it is.

    `health_alert` is the product's newest about PRICING_HEALTH. Amazon says that once and never
    takes it back: messages about offers don't repeat it, and price alerts stay muted while that
    alert is open.
    """
    has_box = state.market.has_buy_box if state.market else None
    if kind.endswith("pricing-health"):
        missing = None
    elif kind.endswith("buy-box-suppressed"):
        missing = state.doubt_reason if has_box is not None else "nobody said who has the Buy Box"
    else:
        missing = _price_missing(state, settings, costs_known=costs_known)
    s = state.subject
    said = None
    if health_alert is not None and tells_health(health_alert.facts, state):
        said = health_alert
    return Sighting(
        AlertSubject(s.seller_id, s.marketplace_id, s.asin, s.item_condition, kind),
        severity,
        max(_times(state)),
        missing,
        buy_box_suppressed=_is_suppressed(state),
        pricing_health=state.health is not None and (said is None or said.is_open),
        echo=said is not None and kind.endswith("pricing-health"),
        facts=facts,
    )


def _is_suppressed(state: ProductState) -> bool:
    return state.market is not None and SUPPRESSED_BUY_BOX in state.market.flags


def _times(state: ProductState) -> list[datetime]:
    times = [state.moment.event_time] if state.moment else []
    times += [state.health.at] if state.health else []
    return times


_KINDS: tuple[Kind, Kind, Kind] = ("price", "buy-box-suppressed", "pricing-health")
_BUSINESS_KINDS: tuple[Kind, Kind, Kind] = (
    "business-price",
    "business-buy-box-suppressed",
    "business-pricing-health",
)


def _price_missing(
    state: ProductState, settings: SeveritySettings, *, costs_known: bool
) -> str | None:
    if state.market is None:
        return "no offers seen yet"
    if state.doubt_reason is not None:
        return f"the newest message can't be believed ({state.doubt_reason})"
    return what_is_missing(
        standing_of(state.market, state.economics),
        state.policy,
        sales_threshold=settings.sales_threshold,
        costs_known=costs_known,
    )
