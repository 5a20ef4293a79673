"""GET /api/health: whether the process is sound, and whether it can do its work. Needs no token."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict

from api.state import shared

router = APIRouter()

MISSED_ECHOES = 3
"""Bells of our own that may fail to arrive before the bells count as dead."""


class Live(BaseModel):
    """The process itself."""

    live: bool


class Ready(BaseModel):
    """Whether changes reach the browsers at this moment, and if not, why."""

    ready: bool
    problems: list[str]


class Health(BaseModel):
    """Both, with the ages in seconds that decide them."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "live": True,
                    "ready": True,
                    "problems": [],
                    "feed_connected": True,
                    "last_echo_age_seconds": 1.2,
                    "last_read_age_seconds": 1.2,
                    "clients": 4,
                }
            ]
        }
    )

    live: bool
    ready: bool
    problems: list[str]
    feed_connected: bool
    last_echo_age_seconds: float
    last_read_age_seconds: float
    clients: int


def examine(request: Request) -> Health:
    """How the process is. Asks nobody: what the hub knows is a few seconds old at most."""
    app = shared(request)
    feed = app.hub.health()
    poll_s = app.settings.feed_poll_seconds
    problems = []
    if not feed.reader_alive:
        problems.append("the feed's reader has ended; the process must be started again")
    if not feed.live:
        problems.append("the database cannot be reached: no change is read")
    elif feed.read_age_s > poll_s * MISSED_ECHOES:
        problems.append(f"the feed was last read {feed.read_age_s:.0f} s ago")
    if feed.echo_age_s > poll_s * MISSED_ECHOES:
        problems.append(
            f"bells do not arrive: none of our own for {feed.echo_age_s:.0f} s. Is DATABASE_URL a "
            f"direct connection? Until then changes come every {poll_s:g} s"
        )
    return Health(
        live=feed.reader_alive,
        ready=not problems,
        problems=problems,
        feed_connected=feed.live,
        last_echo_age_seconds=round(feed.echo_age_s, 3),
        last_read_age_seconds=round(feed.read_age_s, 3),
        clients=feed.clients,
    )


@router.get("/api/health", summary="Liveness and readiness with their reasons")
async def health(request: Request) -> Health:
    """Always 200; read what it says."""
    return examine(request)


@router.get(
    "/api/health/live",
    summary="200 while the process is sound",
    responses={503: {"model": Live, "description": "Start it again"}},
)
async def live(request: Request, response: Response) -> Live:
    """For the platform's health check: 503 if a restart would help, not if the database is away."""
    found = examine(request)
    response.status_code = 200 if found.live else 503
    return Live(live=found.live)


@router.get(
    "/api/health/ready",
    summary="200 while changes reach the browsers",
    responses={503: {"model": Ready, "description": "Not now; see problems"}},
)
async def ready(request: Request, response: Response) -> Ready:
    """For whatever decides where requests go, and for alarms."""
    found = examine(request)
    response.status_code = 200 if found.ready else 503
    return Ready(ready=found.ready, problems=found.problems)
