"""The application: its parts, put together once when it starts."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import psycopg
from fastapi import FastAPI
from fastapi.concurrency import run_in_threadpool
from fastapi.middleware.cors import CORSMiddleware
from psycopg_pool import ConnectionPool, PoolTimeout

from api import problems
from api.auth import Gatekeeper
from api.feed.hub import Hub
from api.feed.reader import ReadFeed
from api.guard import Guard
from api.metrics import Metrics
from api.openapi import describe
from api.routes import alerts, explanation, health, page, session, states, stream, trends, workers
from api.settings import ApiSettings
from api.state import Shared, of_app
from api.worker_status import StatusBoard
from db.connect import connection_pool, first_line
from db.feed import read_changes
from db.tokens import any_token_made, read_living_tokens
from process.logs import get_logger
from process.watchdog import NOBODY, Expected, Watchdog

log = get_logger(__name__)

POOL_WAIT_S = 3.0
RECHECK_TOKENS_S = 5.0
"""How long a revoked token's streams may go on."""


def build_app(
    settings: ApiSettings, *, read: ReadFeed = read_changes, watchdog: Watchdog = NOBODY
) -> FastAPI:
    """The application. `read` reads the feed: the tests show what a naive one loses.

    The watchdog ends the process when it hangs; without one nothing does.
    """
    metrics = Metrics()

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        pool = connection_pool(
            settings.dsn,
            role="api",
            max_size=settings.api_pool_size,
            autocommit=True,
            timeout_s=POOL_WAIT_S,
            statement_timeout="10s",
            watch=watchdog.guard("a request"),
        )
        hub = _hub(settings, metrics, read, watchdog.expect("the feed's reader"))
        app.state.gatekeeper = gatekeeper = Gatekeeper(pool, settings)
        app.state.shared = Shared(
            settings, pool, hub, metrics, gatekeeper, StatusBoard(pool, metrics)
        )
        hub.start()
        recheck = asyncio.create_task(_recheck_tokens(hub, pool))
        try:
            yield
        finally:
            recheck.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await recheck
            await run_in_threadpool(hub.stop)
            await run_in_threadpool(pool.close)

    app = FastAPI(
        title="buybox",
        lifespan=lifespan,
        openapi_url="/api/openapi.json",
        docs_url=None,  # these pages load scripts from other sites
        redoc_url=None,
        max_body_size=settings.api_max_body_bytes,
    )
    for module in (stream, alerts, states, explanation, trends, workers, health, session):
        app.include_router(module.router)
    page.install(app)
    problems.install(app)
    describe(app)
    if settings.origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.origins,
            allow_methods=["GET", "POST"],
            allow_headers=["Authorization", "Content-Type", "Idempotency-Key", "Last-Event-ID"],
        )
    app.state.guard = Guard(
        app,
        metrics=metrics,
        max_body_bytes=settings.api_max_body_bytes,
        origins=settings.origins,
    )
    return app


def guarded(app: FastAPI) -> Guard:
    """The application inside its guard: what a server is given."""
    guard: Guard = app.state.guard
    return guard


def farewell(app: FastAPI) -> None:
    """See the streams off; the process is about to end."""
    if hasattr(app.state, "shared"):
        of_app(app).hub.farewell()


def _hub(settings: ApiSettings, metrics: Metrics, read: ReadFeed, turns: Expected) -> Hub:
    return Hub(
        settings.dsn,
        metrics,
        poll_s=settings.feed_poll_seconds,
        pause_s=settings.feed_pause_ms / 1000,
        max_pending=settings.stream_max_pending,
        max_streams=settings.api_max_streams,
        max_streams_per_owner=settings.api_max_streams_per_token,
        turns=turns,
        read=read,
    )


async def _recheck_tokens(hub: Hub, pool: ConnectionPool) -> None:
    """A stream's token is checked once, when it opens; this checks those of all open streams."""
    while True:
        await asyncio.sleep(RECHECK_TOKENS_S)
        owners = hub.owners()
        if owners:
            try:
                hub.dismiss(await run_in_threadpool(_ended, pool, owners))
            except (psycopg.Error, PoolTimeout) as error:
                log.warning("tokens_not_rechecked", error=first_line(error))


def _ended(pool: ConnectionPool, owners: set[int | None]) -> set[int | None]:
    """The owners that may no longer look."""
    ids = {owner for owner in owners if owner is not None}
    with pool.connection() as conn:
        ended: set[int | None] = set(ids - read_living_tokens(conn, ids, now=datetime.now(UTC)))
        if None in owners and any_token_made(conn):
            ended.add(None)
    return ended
