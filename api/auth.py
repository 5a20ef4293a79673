"""Who asks, and whether they may: tokens for programs, a cookie session for the page.

Until the first token is made, whoever reaches the loopback address directly may do everything:
a demo needs no ceremony. Everybody else is asked for a token.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Literal

from fastapi import Depends, Request
from fastapi.security import APIKeyCookie, HTTPBearer
from psycopg_pool import ConnectionPool

from api.limits import RateLimit
from api.problems import ProblemError
from api.settings import ApiSettings, is_loopback
from db.tokens import Role, any_token_made, find_token

COOKIE = "buybox_session"
CSRF_HEADER = "X-CSRF-Token"
LOCAL = "local"
PROXIED = frozenset(
    {"forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip"}
)
"""Headers of requests that came through a proxy; no browser sends them by itself."""

_bearer = HTTPBearer(auto_error=False, description="A token made by `buybox tokens create`")
_cookie = APIKeyCookie(name=COOKIE, auto_error=False, description="The page's session")


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks. `name` is what alert_events shows; `token_id` is None on open loopback."""

    name: str
    role: Role
    token_id: int | None
    via: Literal["token", "session", "loopback"]
    csrf: str | None = None
    expires_at: datetime | None = None


class Gatekeeper:
    """Looks up secrets and counts requests. Called in threads."""

    def __init__(self, pool: ConnectionPool, settings: ApiSettings) -> None:
        self._pool = pool
        self._on_loopback = settings.on_loopback
        per_minute = settings.api_requests_per_minute
        self._requests = RateLimit(per_minute, at_once=per_minute // 6)
        self._failures = RateLimit(60, at_once=20)

    def caller(self, request: Request) -> Caller:
        """Who asks. Raises ProblemError: 401, 403 or 429."""
        address = request.client.host if request.client else "unknown"
        found = self._find(request)
        if found is None:
            self._spend(self._failures, address)
            raise ProblemError(
                401,
                "no-token",
                "Send a token (Authorization: Bearer bbx_...) or log in at the page. "
                "`buybox tokens create` makes one.",
                headers={"WWW-Authenticate": "Bearer"},
            )
        self._spend(self._requests, found.name)
        if found.via == "session" and request.method not in {"GET", "HEAD"}:
            given = request.headers.get(CSRF_HEADER, "")
            if not hmac.compare_digest(given.encode(), (found.csrf or "").encode()):
                raise ProblemError(
                    403, "csrf", f"Send the session's csrf_token in the header {CSRF_HEADER}."
                )
        return found

    def by_secret(self, secret: str, via: Literal["token", "session"]) -> Caller | None:
        """Whose secret this is. For a session, also the CSRF token that its posts must carry."""
        with self._pool.connection() as conn:
            token = find_token(conn, secret, now=datetime.now(UTC))
        if token is None or (via == "session") != (token.issued_from is not None):
            return None
        csrf = csrf_of(secret) if via == "session" else None
        return Caller(token.name, token.role, token.id, via, csrf, token.expires_at)

    def allow_login(self, address: str) -> None:
        """Count a try to log in. Raises ProblemError 429."""
        self._spend(self._failures, address)

    def _find(self, request: Request) -> Caller | None:
        scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            return self.by_secret(secret, "token")
        cookie = request.cookies.get(COOKIE)
        if cookie:
            found = self.by_secret(cookie, "session")
            if found:
                return found
        # another scheme is not meant for us: a proxy with a password of its own passes it on
        return None if scheme else self._local(request)

    def _local(self, request: Request) -> Caller | None:
        """Somebody on this machine, before the first token: directly, with a loopback in Host.

        A web page whose name suddenly resolves to 127.0.0.1 has its own name in Host.
        """
        headers = request.headers
        # nginx by default adds no header, puts our own address into Host, and speaks HTTP/1.0
        direct = request.scope["http_version"] != "1.0" and not PROXIED & set(headers)
        by_name = is_loopback(_hostname(headers.get("host", "")))
        if not (self._on_loopback and direct and by_name):
            return None
        with self._pool.connection() as conn:
            return None if any_token_made(conn) else Caller(LOCAL, "operator", None, "loopback")

    @staticmethod
    def _spend(limit: RateLimit, who: str) -> None:
        wait_s = limit.spend(who)
        if wait_s:
            raise ProblemError(
                429,
                "too-many-requests",
                f"Too many requests; try again in {wait_s:.1f} s.",
                headers={"Retry-After": str(int(wait_s) + 1)},
            )


def csrf_of(session_secret: str) -> str:
    """What a session's posts must carry: known only to those who may read its answers."""
    return hmac.new(session_secret.encode(), b"buybox csrf", hashlib.sha256).hexdigest()


def _hostname(host: str) -> str:
    if host.startswith("["):
        return host.partition("]")[0] + "]"
    return host.partition(":")[0]


def _viewer(
    request: Request,
    _token: Annotated[object, Depends(_bearer)],
    _session: Annotated[object, Depends(_cookie)],
) -> Caller:
    gatekeeper: Gatekeeper = request.app.state.gatekeeper
    return gatekeeper.caller(request)


def _operator(caller: Annotated[Caller, Depends(_viewer)]) -> Caller:
    if caller.role != "operator":
        raise ProblemError(
            403, "not-an-operator", "This token may look but not act: its role is viewer."
        )
    return caller


Viewer = Annotated[Caller, Depends(_viewer)]
Operator = Annotated[Caller, Depends(_operator)]
