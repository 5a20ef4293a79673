"""GET /api/competitive-intelligence/trends/{asin}: how a product's prices went."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import groupby
from typing import Annotated

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict

from api.auth import Viewer
from api.models import Severity
from api.problems import responses
from api.routes.parameters import Asin, Marketplaces
from api.state import connection
from api.trends import FEWEST, downsample
from db.dashboard import MAX_HISTORY, TrendRow, read_trends

router = APIRouter(responses=responses(401, 403, 422, 429, 503))


class Point(BaseModel):
    """What one message said."""

    model_config = ConfigDict(from_attributes=True)

    event_time: datetime
    severity: Severity
    your_price: Decimal | None
    market_low: Decimal | None
    prime_low: Decimal | None
    buy_box_price: Decimal | None
    your_position: int | None
    total_offers: int | None
    buy_box_winner: bool | None


class Series(BaseModel):
    """One line of a chart: a condition and audience of one marketplace and own seller."""

    marketplace_id: str
    item_condition: str
    audience: str
    seller_id: str
    currency: str | None
    messages: int
    points: list[Point]


class Trends(BaseModel):
    """How an ASIN's prices went. `cut` is true when there was more than could be read."""

    asin: str
    since: datetime
    cut: bool
    series: list[Series]


@router.get(
    "/api/competitive-intelligence/trends/{asin}",
    summary="History for charts, thinned without losing an extreme",
)
def trends(
    request: Request,
    _caller: Viewer,
    asin: Asin,
    marketplace: Marketplaces = None,
    hours: Annotated[float, Query(gt=0, le=24 * 366, allow_inf_nan=False)] = 168,
    points: Annotated[
        int, Query(ge=FEWEST, le=2000, description="Points of each series, at most")
    ] = 200,
) -> Trends:
    """By event time. Each point is a message as it came, late ones too; none is an average."""
    since = datetime.now(UTC) - timedelta(hours=hours)
    with connection(request) as conn:
        rows = read_trends(conn, asin=asin, marketplaces=marketplace, since=since)
    ordered = sorted(rows[-MAX_HISTORY:], key=lambda row: (*_line(row), row.event_time))
    return Trends(
        asin=asin,
        since=since,
        cut=len(rows) > MAX_HISTORY,
        series=[_series(list(line), points) for _, line in groupby(ordered, _line)],
    )


def _line(row: TrendRow) -> tuple[str, str, str, str]:
    return (row.marketplace_id, row.item_condition, row.audience, row.seller_id)


def _series(rows: list[TrendRow], points: int) -> Series:
    newest = rows[-1]
    return Series(
        marketplace_id=newest.marketplace_id,
        item_condition=newest.item_condition,
        audience=newest.audience,
        seller_id=newest.seller_id,
        currency=newest.currency,
        messages=len(rows),
        points=[Point.model_validate(row) for row in downsample(rows, points)],
    )
