"""The page's session: a token once, then a cookie that scripts cannot read."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from api.auth import COOKIE, Caller, Viewer, csrf_of
from api.problems import ProblemError, responses
from api.state import connection, shared
from db.tokens import Role, create_token, forget_sessions, revoke_tokens

router = APIRouter(responses=responses(401, 403, 422, 429, 503))


class Login(BaseModel):
    """A token made by `buybox tokens create`."""

    token: str = Field(min_length=1, max_length=200, examples=["bbx_..."])


class Session(BaseModel):
    """Who is logged in. Posts carry `csrf_token`, unless it is null, in the header X-CSRF-Token."""

    name: str
    role: Role
    csrf_token: str | None
    expires_at: datetime | None


@router.post("/api/session", summary="Log in", responses=responses(400, 413))
def log_in(request: Request, response: Response, body: Login) -> Session:
    """Exchange a token for a session cookie (HttpOnly, SameSite=Strict)."""
    app, now = shared(request), datetime.now(UTC)
    app.gatekeeper.allow_login(request.client.host if request.client else "unknown")
    found = app.gatekeeper.by_secret(body.token, "token")
    if found is None:
        raise ProblemError(401, "no-such-token", "This token is not known, or no longer good.")
    lasts = timedelta(hours=app.settings.api_session_hours)
    expires_at = min(now + lasts, found.expires_at or now + lasts)
    with connection(request) as conn:
        forget_sessions(conn, now=now)
        secret = create_token(
            conn,
            name=found.name,
            role=found.role,
            now=now,
            expires_at=expires_at,
            issued_from=found.token_id,
        )
    response.set_cookie(
        COOKIE,
        secret,
        max_age=int((expires_at - now).total_seconds()),
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
        path="/",
    )
    return Session(
        name=found.name, role=found.role, csrf_token=csrf_of(secret), expires_at=expires_at
    )


@router.get("/api/session", summary="Who am I")
def who_am_i(_request: Request, caller: Viewer) -> Session:
    """The caller, whether known by token, session or loopback."""
    return _session(caller)


@router.delete("/api/session", summary="Log out", status_code=204)
def log_out(request: Request, response: Response, caller: Viewer) -> None:
    """End the session; streams opened with it end within seconds."""
    if caller.via == "session":
        with connection(request) as conn:
            revoke_tokens(conn, now=datetime.now(UTC), session_id=caller.token_id)
    response.delete_cookie(COOKIE, path="/", httponly=True, samesite="strict")


def _session(caller: Caller) -> Session:
    return Session(
        name=caller.name,
        role=caller.role,
        csrf_token=caller.csrf,
        expires_at=caller.expires_at,
    )
