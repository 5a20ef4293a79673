"""GET /api/state/{marketplace}/{asin}/explanation: what its prices are worth, line by line."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from fastapi import APIRouter, Request

from api.auth import Viewer
from api.explained import Explanation, ProductExplanation
from api.models import key_of_state
from api.problems import responses
from api.routes.parameters import Asin, Marketplace
from api.routes.states import unknown_product
from api.state import connection
from db.catalogue import FeeRuleRow, ProductRow, SellerTermsRow
from db.connect import one_snapshot
from db.dashboard import read_product_alerts
from db.explain import MarketRow, read_costs, read_fees, read_markets
from economics.case import case_from_row, explain_case
from economics.costing import choose_product
from economics.fee_rules import Unknown, local_day
from economics.rows import costs_from_row
from economics.told import as_values

router = APIRouter(responses=responses(401, 403, 422, 429, 503))


@router.get(
    "/api/state/{marketplace}/{asin}/explanation",
    summary="One product: the sum of each of its prices, line by line, and what is not known",
    responses=responses(404),
)
def explanation(
    request: Request, _caller: Viewer, marketplace: Marketplace, asin: Asin
) -> ProductExplanation:
    """What `buybox explain` tells, for each state of the product.

    VAT, each fee with its rule and dates, costs and profit: at the own price, the market low, the
    Prime low and the recommended price, with the fees of the newest message's day.
    """
    now = datetime.now(UTC)
    with connection(request) as conn, one_snapshot(conn):
        markets = read_markets(conn, marketplace, asin)
        if not markets and not read_product_alerts(conn, marketplace=marketplace, asin=asin):
            raise unknown_product(marketplace, asin)
        products = read_costs(conn, marketplace, asin) if markets else []
        fees = [
            read_fees(conn, marketplace, market.seller_id, market.event_time or now)
            for market in markets
        ]
    return ProductExplanation.model_construct(
        product_key=f"{marketplace}:{asin}",
        explanations=[
            _explained((marketplace, asin), market, products, known, now)
            for market, known in zip(markets, fees, strict=True)
        ],
    )


def _explained(
    product: tuple[str, str],
    market: MarketRow,
    products: Sequence[ProductRow],
    fees: tuple[Sequence[FeeRuleRow], Sequence[SellerTermsRow]],
    now: datetime,
) -> Explanation:
    """One state, with the costs that the analysis chooses for it."""
    place, asin = product
    case, at = case_from_row(market, place), market.event_time or now
    whose = market.seller_id, market.item_condition
    theirs = [costs_from_row(p) for p in products if (p.seller_id, p.item_condition) == whose]
    costs = choose_product(theirs, case.channel)
    chosen = None if isinstance(costs, Unknown) else costs
    return Explanation.model_validate(
        {
            "state_key": key_of_state(
                place, asin, market.item_condition, market.audience, market.seller_id
            ),
            "sku": chosen.sku if chosen else None,
            "fulfilment_channel": chosen.fulfilment_channel if chosen else None,
            "currency": market.currency,
            "event_time": market.event_time,
            "doubt_since": market.doubt_since,
            "fees_on": local_day(place, at) or at.date(),
            **as_values(explain_case(case, costs, *fees, at)),
        }
    )
