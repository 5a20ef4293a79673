"""GET /api/state: where the products stand."""

from __future__ import annotations

import json
from datetime import datetime
from decimal import Decimal
from typing import Annotated

from fastapi import APIRouter, Query, Request
from psycopg import Connection
from pydantic import BaseModel

from api.auth import Viewer
from api.models import (
    AlertWithTrail,
    Severity,
    State,
    TrailEntry,
    alert_body,
    state_body,
    state_key,
)
from api.paging import Page, page_token, read_page_token
from api.problems import ProblemError, responses
from api.routes.parameters import Asin, Asins, Limit, Marketplace, Marketplaces, PageToken
from api.state import connection
from db.connect import one_snapshot
from db.dashboard import (
    MAX_ALERTS_OF_A_PRODUCT,
    MAX_TRAIL,
    Filter,
    LastOffers,
    count_states,
    list_states,
    read_last_offers,
    read_product_alerts,
    read_product_states,
    read_titles,
    read_trails,
)
from db.feed import read_position

router = APIRouter(responses=responses(401, 403, 422, 429, 503))


class StateList(BaseModel):
    """A page of the states. `cursor` belongs to the first page: follow the stream from there."""

    states: list[State]
    cursor: str
    next_page: str | None
    counts: dict[str, int]


class Offer(BaseModel):
    """An offer as the last message showed it. `landed` is listing and shipping, less points."""

    seller_id: str
    own: bool
    landed: Decimal
    listing: Decimal
    shipping: Decimal
    points: int
    prime: bool | None
    fulfilled_by_amazon: bool | None
    winner: bool | None


class OfferList(BaseModel):
    """The offers on which a state was decided."""

    state_key: str
    event_time: datetime | None
    offers: list[Offer]


class Product(BaseModel):
    """All that is known of one product at one moment. `alerts_cut`: there are older alerts."""

    product_key: str
    title: str | None
    cursor: str
    states: list[State]
    offers: list[OfferList]
    alerts: list[AlertWithTrail]
    alerts_cut: bool


@router.get("/api/state", summary="Where the products stand, the worst first")
def list_of_states(
    request: Request,
    _caller: Viewer,
    marketplace: Marketplaces = None,
    severity: Annotated[list[Severity] | None, Query(max_length=5)] = None,
    asin: Asins = None,
    limit: Limit = 100,
    page: PageToken = None,
) -> StateList:
    """By severity, then by the money at stake. `counts` has every severity, whatever the filter."""
    at = read_page_token("states", page)
    with connection(request) as conn, one_snapshot(conn):
        cursor = at.cursor if at else read_position(conn)
        found = list_states(
            conn,
            Filter(marketplace, severity, asin),
            after=at.place if at else None,
            max_rows=limit + 1,
        )
        rows = [row for row, _ in found[:limit]]
        titles = read_titles(conn, rows)
        counts = count_states(conn)
    more = len(found) > limit
    return StateList.model_construct(
        states=[state_body(row, titles.get((row.marketplace_id, row.asin))) for row in rows],
        cursor=cursor,
        next_page=page_token("states", Page(cursor, found[limit - 1][1])) if more else None,
        counts=dict.fromkeys(("critical", "high", "warning", "success", "info"), 0) | counts,
    )


@router.get(
    "/api/state/{marketplace}/{asin}",
    summary="One product: its states, offers as last seen, alerts and their trails",
    responses=responses(404),
)
def product(
    request: Request,
    _caller: Viewer,
    marketplace: Marketplace,
    asin: Asin,
) -> Product:
    """What the product's page shows."""
    with connection(request) as conn, one_snapshot(conn):
        cursor = read_position(conn)
        states = read_product_states(conn, marketplace=marketplace, asin=asin)
        offers = read_last_offers(conn, marketplace=marketplace, asin=asin)
        title = next(iter(read_titles(conn, states).values()), None)
        alerts = _alerts(conn, marketplace, asin, title)
    if not states and not alerts:
        raise unknown_product(marketplace, asin)
    keys = {(s.item_condition, s.audience, s.seller_id): state_key(s) for s in states}
    return Product.model_construct(
        product_key=f"{marketplace}:{asin}",
        title=title,
        cursor=cursor,
        states=[state_body(row, title) for row in states],
        offers=[offer_list(one, keys[one[:3]]) for one in offers if one[:3] in keys],
        alerts=alerts[:MAX_ALERTS_OF_A_PRODUCT],
        alerts_cut=len(alerts) > MAX_ALERTS_OF_A_PRODUCT,
    )


def unknown_product(marketplace: str, asin: str) -> ProblemError:
    """The refusal where there is neither a state nor an alert."""
    return ProblemError(404, "unknown-product", f"Nothing is known of {marketplace}:{asin}.")


def offer_list(last: LastOffers, key: str) -> OfferList:
    """The offers in the facts of a message, the cheapest first."""
    facts = json.loads(last.facts)
    found = [_offer(one, last.seller_id) for one in facts.get("offers", ())]
    return OfferList.model_construct(
        state_key=key,
        event_time=last.event_time,
        offers=sorted(found, key=lambda offer: offer.landed),
    )


def _offer(facts: dict[str, str], own_seller: str) -> Offer:
    listing, shipping = Decimal(facts["listing"]), Decimal(facts.get("shipping", "0"))
    points = int(facts.get("points", 0))
    return Offer.model_validate(
        {
            **{name: facts.get(name) for name in ("prime", "fulfilled_by_amazon", "winner")},
            "seller_id": facts["seller_id"],
            "own": facts["seller_id"] == own_seller,
            "landed": listing + shipping - points,
            "listing": listing,
            "shipping": shipping,
            "points": points,
        }
    )


def _alerts(
    conn: Connection, marketplace: str, asin: str, title: str | None
) -> list[AlertWithTrail]:
    rows = read_product_alerts(conn, marketplace=marketplace, asin=asin)
    trails: dict[int, list[TrailEntry]] = {row.id: [] for row in rows}
    for entry in read_trails(conn, list(trails)):
        trails[entry.alert_id].append(TrailEntry.model_validate(entry))
    return [
        AlertWithTrail.model_construct(
            **dict(alert_body(row, title)),
            trail=trails[row.id][:MAX_TRAIL],
            trail_cut=len(trails[row.id]) > MAX_TRAIL,
        )
        for row in rows
    ]
