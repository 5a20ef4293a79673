"""Errors as application/problem+json (RFC 9457): each with a code for programs and a sentence."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

import psycopg
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from psycopg_pool import PoolTimeout
from pydantic import BaseModel, ConfigDict
from starlette.exceptions import HTTPException

from api.feed.hub import NotLiveError, TooManyStreamsError
from db.connect import MIGRATED, first_line
from process.logs import get_logger

log = get_logger(__name__)

BUSY = (
    psycopg.errors.QueryCanceled,
    psycopg.errors.LockNotAvailable,
    psycopg.errors.DeadlockDetected,
)
"""What a database says that is there but did not get to it: most often somebody holds a lock."""

MEDIA_TYPE = "application/problem+json"

NAMES = {
    413: "Content Too Large",
    414: "URI Too Long",
    416: "Range Not Satisfiable",
    422: "Unprocessable Content",
}
"""Statuses by their names of RFC 9110: Python has older names for them before 3.13."""


class Problem(BaseModel):
    """Why a request was not answered as asked. `type` is a code that does not change."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "type": "no-token",
                    "title": "Unauthorized",
                    "status": 401,
                    "detail": "Send a token: Authorization: Bearer bbx_...",
                }
            ]
        }
    )

    type: str
    title: str
    status: int
    detail: str
    errors: list[dict[str, str]] | None = None


class ProblemError(Exception):
    """A request that is refused, with what its sender is told."""

    def __init__(
        self, status: int, code: str, detail: str, *, headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(detail)
        self.status, self.code, self.detail, self.headers = status, code, detail, headers


def problem(
    status: int,
    code: str,
    detail: str,
    *,
    headers: dict[str, str] | None = None,
    errors: list[dict[str, str]] | None = None,
) -> Response:
    """A problem as an answer."""
    body: dict[str, Any] = {
        "type": code,
        "title": _name(status),
        "status": status,
        "detail": detail,
    }
    if errors:
        body["errors"] = errors
    return JSONResponse(body, status, headers, MEDIA_TYPE)


def install(app: FastAPI) -> None:
    """Make every error of the application a problem."""
    app.add_exception_handler(ProblemError, _refused)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(TooManyStreamsError, _too_many)
    app.add_exception_handler(MIGRATED, _migrated)
    for away in (psycopg.OperationalError, PoolTimeout, NotLiveError):
        app.add_exception_handler(away, _away)
    app.add_exception_handler(Exception, _unexpected)


def responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """For the OpenAPI document: which problems an endpoint may answer with."""
    return {
        status: {
            "description": _name(status),
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
        for status in statuses
    }


def _name(status: int) -> str:
    return NAMES.get(status) or HTTPStatus(status).phrase


async def _refused(_request: Request, error: Exception) -> Response:
    assert isinstance(error, ProblemError)  # noqa: S101  registered for it
    return problem(error.status, error.code, error.detail, headers=error.headers)


async def _invalid(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101
    errors = [
        {"where": ".".join(str(part) for part in one["loc"]), "message": str(one["msg"])}
        for one in error.errors()
    ]
    return problem(422, "invalid-request", "The request is not as documented.", errors=errors)


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101
    code = _name(error.status_code).lower().replace(" ", "-")
    headers = dict(error.headers or {})
    # the framework knows the methods of the first endpoint of a path only
    route = getattr(request.scope.get("route"), "path", None)
    if "Allow" in headers and (methods := request.app.openapi()["paths"].get(route)):
        headers["Allow"] = ", ".join(sorted(methods)).upper()
    return problem(error.status_code, code, str(error.detail), headers=headers)


async def _too_many(_request: Request, error: Exception) -> Response:
    return problem(429, "too-many-streams", str(error), headers={"Retry-After": "30"})


async def _migrated(request: Request, error: Exception) -> Response:
    log.warning("database_migrated", path=request.url.path, error=first_line(error))
    return problem(
        503,
        "database-migrated",
        "The database was migrated meanwhile; nothing was changed. Try again.",
        headers={"Retry-After": "1"},
    )


async def _away(request: Request, error: Exception) -> Response:
    # all connections are in use, or none can be made: the hub is live only if the database is
    waited = isinstance(error, PoolTimeout) and request.app.state.shared.hub.live
    if waited or isinstance(error, BUSY):
        log.warning("database_busy", path=request.url.path, error=first_line(error))
        return problem(
            503,
            "database-busy",
            "The database did not get to it in time; nothing was changed. "
            "Try again in a few seconds.",
            headers={"Retry-After": "3"},
        )
    log.warning("database_away", error=first_line(error))
    return problem(
        503,
        "database-away",
        "The database cannot be reached at the moment. Try again in a few seconds.",
        headers={"Retry-After": "3"},
    )


async def _unexpected(request: Request, error: Exception) -> Response:
    log.error("request_failed", path=request.url.path, exc_info=error)
    return problem(500, "internal", "Something went wrong here; it has been written down.")
