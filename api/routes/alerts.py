"""The alerts: by priority, and what people do with them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal

from fastapi import APIRouter, Header, Query, Request
from pydantic import BaseModel, ConfigDict

from api.acting import Act, act
from api.auth import Operator, Viewer
from api.models import Alert, AlertSeverity, alert_body
from api.paging import Page, page_token, read_page_token
from api.problems import ProblemError, responses
from api.routes.parameters import Asins, Limit, Marketplaces, PageToken
from api.state import connection
from db.acts import KeyReusedError
from db.connect import one_snapshot
from db.dashboard import Filter, count_alerts, list_alerts, read_titles
from db.feed import check_cursor, read_position

router = APIRouter(responses=responses(401, 403, 422, 429, 503))

RESOLVED_SHOWN = timedelta(days=7)


class AlertList(BaseModel):
    """A page of the alerts.

    `cursor` belongs to the first page: ask with it as `since`, or follow the stream from there.
    With `reset` the given `since` could not be used, and this is the whole list.
    """

    alerts: list[Alert]
    cursor: str
    next_page: str | None
    reset: str | None = None
    counts: dict[str, int]


class Done(BaseModel):
    """What became of the act on one alert."""

    id: int
    done: bool
    code: str
    message: str


class Answer(BaseModel):
    """One result for each id, in the order of the ids."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "results": [
                        {"id": 17, "done": True, "code": "acknowledged", "message": "Acknowledged."}
                    ]
                }
            ]
        }
    )

    results: list[Done]


@router.get("/api/notifications/prioritized", summary="Alerts by priority")
def prioritized(
    request: Request,
    _caller: Viewer,
    since: Annotated[
        str | None,
        Query(max_length=20_000, description="A cursor: only what changed after it"),
    ] = None,
    tab: Annotated[
        Literal["active", "snoozed", "resolved", "all"] | None,
        Query(description="Default: active, and all with `since`"),
    ] = None,
    marketplace: Marketplaces = None,
    severity: Annotated[list[AlertSeverity] | None, Query(max_length=3)] = None,
    asin: Asins = None,
    limit: Limit = 100,
    page: PageToken = None,
) -> AlertList:
    """By severity, then the money at stake, then the newest. Resolved ones stay for seven days."""
    at, now = read_page_token("alerts", page), datetime.now(UTC)
    resolved_after = now - RESOLVED_SHOWN
    with connection(request) as conn, one_snapshot(conn):
        cursor = at.cursor if at else read_position(conn)
        reset = None if since is None else check_cursor(conn, since)
        good_since = None if reset else since
        found = list_alerts(
            conn,
            Filter(marketplace, severity, asin),
            tab=tab or ("all" if good_since else "active"),
            now=now,
            resolved_after=resolved_after,
            since=good_since,
            after=at.place if at else None,
            max_rows=limit + 1,
        )
        rows, more = [row for row, _ in found[:limit]], len(found) > limit
        titles = read_titles(conn, rows)
        counts = count_alerts(conn, now=now, resolved_after=resolved_after)
    return AlertList.model_construct(
        alerts=[alert_body(row, titles.get((row.marketplace_id, row.asin))) for row in rows],
        cursor=cursor,
        next_page=page_token("alerts", Page(cursor, found[limit - 1][1])) if more else None,
        reset=reset,
        counts={name: getattr(counts, name) for name in counts.__slots__},
    )


@router.post(
    "/api/notifications/acknowledge",
    summary="Acknowledge, snooze, resolve, reopen, assign or note alerts",
    responses=responses(400, 409, 413),
)
def acknowledge(
    request: Request,
    caller: Operator,
    body: Act,
    idempotency_key: Annotated[
        str | None,
        Header(
            min_length=1,
            max_length=200,
            pattern=r"^[\x21-\x7e]+$",
            description="The same key again gives the same answer and does nothing, for a day",
        ),
    ] = None,
) -> Answer:
    """Each alert is acted on by itself: `done` says whether it was, `message` why not.

    All of it happens in one transaction, together with keeping the answer for the key.
    """
    try:
        with connection(request) as conn, conn.transaction():
            results = act(conn, body, caller.name, key=idempotency_key, now=datetime.now(UTC))
    except KeyReusedError:
        raise ProblemError(
            409, "key-reused", "This Idempotency-Key was used for another request."
        ) from None
    return Answer.model_validate({"results": results})
