"""What the parts of one running application share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg
from fastapi import FastAPI, Request
from psycopg_pool import ConnectionPool

from api.auth import Gatekeeper
from api.feed.hub import Hub
from api.metrics import Metrics
from api.settings import ApiSettings
from api.worker_status import StatusBoard


@dataclass(slots=True)
class Shared:
    """Made once when the application starts."""

    settings: ApiSettings
    pool: ConnectionPool
    hub: Hub
    metrics: Metrics
    gatekeeper: Gatekeeper
    board: StatusBoard


def shared(request: Request) -> Shared:
    """What the application of this request shares."""
    return of_app(request.app)


def of_app(app: FastAPI) -> Shared:
    """What this application shares, once it has started."""
    found: Shared = app.state.shared
    return found


@contextmanager
def connection(request: Request) -> Iterator[psycopg.Connection]:
    """A connection of the pool, in autocommit, for as long as a request needs it."""
    with shared(request).pool.connection() as conn:
        yield conn
