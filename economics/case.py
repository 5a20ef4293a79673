"""From a state, its costs and its fees, as rows, to their explanation. Pure.

The command line and the dashboard both take this way, so that they say the same.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from economics.costing import is_raced, own_channel
from economics.explanation import Explanation, explain
from economics.facts import MarketFacts, facts_from_json
from economics.fee_rules import Channel, ProductCosts, Unknown
from economics.fee_schedule import schedule_for
from economics.market import Snapshot
from economics.rows import Row, fee_rule, points_from_column, seller_terms

_PRICES = (
    "currency",
    "your_price",
    "own_price_unknown",
    "market_low",
    "competitor_low",
    "prime_low",
    "buy_box_winner",
)


@dataclass(frozen=True, slots=True)
class Case:
    """A market as its state tells it.

    `market` None: no offers have come; `facts` None: those of the newest message are no longer
    kept. `channel` is how the own offer is sent. `racing`: the low was being raced down at
    that time.
    """

    market: Snapshot | None = None
    facts: MarketFacts | None = None
    channel: Channel | None = None
    racing: bool = False


NO_STATE = Case()


def case_from_row(row: Row, marketplace_id: str) -> Case:
    """The market of a state: its prices, its facts as JSON text and its last lows."""
    columns = row._asdict()
    event_time, text = columns["event_time"], columns["facts"]
    known = event_time is not None and columns["currency"] is not None
    found = None if text is None else facts_from_json(text)
    facts = found if isinstance(found, MarketFacts) else None
    own_price, seller = columns["your_price"], columns["seller_id"]
    return Case(
        market=Snapshot(**{name: columns[name] for name in _PRICES}) if known else None,
        facts=facts,
        channel=None if facts is None else own_channel(facts, own_price, seller, marketplace_id),
        racing=event_time is not None
        and is_raced(points_from_column(columns["low_points"]), event_time),
    )


def explain_case(
    case: Case,
    costs: ProductCosts | Unknown,
    rules: Iterable[Row],
    terms: Iterable[Row],
    at: datetime,
    *,
    asked: Decimal | None = None,
) -> Explanation:
    """Explain the case with the fees of this instant (aware), and the price `asked` about."""
    if isinstance(costs, Unknown):
        return explain(None, costs, case.market, case.facts, asked=asked, racing=case.racing)
    schedule = schedule_for(map(fee_rule, rules), map(seller_terms, terms), costs, at)
    return explain(costs, schedule, case.market, case.facts, asked=asked, racing=case.racing)
