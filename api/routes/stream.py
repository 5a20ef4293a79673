"""GET /api/notifications/stream: every change within a second, and what was missed after a cut."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Header, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from psycopg_pool import ConnectionPool

from api.auth import Viewer
from api.feed.changes import changes_of
from api.feed.client import Client
from api.feed.events import Change, Wanted, cursor_alone, event, pieces
from api.feed.hub import Hub
from api.feed.stream import EventStream
from api.models import Severity
from api.problems import responses
from api.server import HANG_UP
from api.state import shared
from db.feed import Changes, read_changes

router = APIRouter()

FIRST_READ_S = 5.0
"""How long a stream waits for the feed's first read after the start of the process."""

MAX_FILTER = 100

EXAMPLE = """retry: 4211

event: cursor
data: {"cursor": "3f9c1d2e4b5a.1~1042:1042:", "live": true, "resumed": false}
id: 3f9c1d2e4b5a.1~1042:1042:

event: state
data: {"key": "A1F83G8C2ARO7P|B0CXYZ1234|new|consumer|A2OWNSELLER001", "severity": "high"}
id: 3f9c1d2e4b5a.1~1043:1043:

"""

Many = Annotated[list[str] | None, Query(max_length=MAX_FILTER)]


@router.get(
    "/api/notifications/stream",
    summary="Changes as server-sent events, without gaps",
    response_class=Response,
    responses={
        200: {
            "description": "Events: cursor, state, alert, left, reset, feed, farewell",
            "content": {"text/event-stream": {"schema": {"type": "string"}, "example": EXAMPLE}},
        },
        **responses(401, 403, 422, 429, 503),
    },
)
async def stream(
    request: Request,
    caller: Viewer,
    since: Annotated[
        str | None,
        Query(max_length=20_000, description="A cursor to go on from; Last-Event-ID wins"),
    ] = None,
    last_event_id: Annotated[str | None, Header(max_length=20_000)] = None,
    marketplace: Many = None,
    severity: Annotated[list[Severity] | None, Query(max_length=MAX_FILTER)] = None,
    asin: Many = None,
) -> Response:
    """The feed from the given cursor on, or from now.

    A change whose severity is outside the filter comes as `left`, so that what the client holds
    stays true. After `reset` the client reads `/api/state` and its alerts anew.
    """
    app = shared(request)
    await app.hub.wait_until_live(timeout_s=FIRST_READ_S)
    client = app.hub.join(
        Wanted(frozenset(marketplace or ()), frozenset(severity or ()), frozenset(asin or ())),
        owner=caller.name,
        token_id=caller.token_id,
        cut_off=request.scope["extensions"][HANG_UP]["call"],
    )
    try:
        opening = await _opening(
            app.hub, app.pool, client, last_event_id or since, app.settings.stream_max_gap
        )
    except BaseException:
        app.hub.leave(client)
        raise
    return EventStream(app.hub, client, opening, app.metrics, app.settings.stream_keepalive_seconds)


async def _opening(
    hub: Hub, pool: ConnectionPool, client: Client, cursor: str | None, max_gap: int
) -> list[bytes]:
    """What the stream begins with: where it stands, then what was missed. Settles the client."""
    here = hub.position
    if cursor is None or cursor == here:
        client.settle(here, read_gap=False)
        return [_cursor_event(hub, here, resumed=cursor is not None)]
    found, changes = await run_in_threadpool(_read_gap, pool, cursor, max_gap)
    client.settle(found.next_cursor, read_gap=True)
    if found.reset:
        reset = {"reason": found.reset, "cursor": found.next_cursor}
        return [
            _cursor_event(hub, found.next_cursor, resumed=False),
            event("reset", reset, cursor=found.next_cursor),
        ]
    return [
        _cursor_event(hub, cursor, resumed=True),
        *pieces(changes, client.wanted, found.next_cursor),
        cursor_alone(found.next_cursor),
    ]


def _read_gap(
    pool: ConnectionPool, cursor: str, max_gap: int
) -> tuple[Changes, tuple[Change, ...]]:
    with pool.connection() as conn:
        found = read_changes(conn, cursor, max_rows=max_gap)
        return found, changes_of(conn, found)


def _cursor_event(hub: Hub, cursor: str, *, resumed: bool) -> bytes:
    data = {"cursor": cursor, "live": hub.live, "resumed": resumed}
    return event("cursor", data, cursor=cursor)
