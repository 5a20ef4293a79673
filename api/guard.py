"""What every request passes first: origin, headers, counting.

Plain ASGI around the whole application, so that streams flow through it untouched and errors get
the headers as well.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.metrics import Metrics
from api.problems import problem

SECURITY_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        "connect-src 'self'; font-src 'self'; manifest-src 'self'; base-uri 'none'; "
        "form-action 'self'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cross-Origin-Opener-Policy": "same-origin",
}
HSTS = "max-age=31536000"

_GUARDED = ("/api", "/metrics")
METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}


class Guard:
    """Refuses foreign origins and large bodies, adds headers, counts and times answers."""

    def __init__(
        self, app: ASGIApp, *, metrics: Metrics, max_body_bytes: int, origins: Sequence[str]
    ) -> None:
        self._app = app
        self._metrics = metrics
        self._max_body_bytes = max_body_bytes
        self._origins = frozenset(origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse the request or pass it on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        send = self._dressed(scope, send)
        if scope["path"].startswith(_GUARDED) and self._is_foreign(headers):
            refusal = problem(403, "other-origin", "Requests from other sites are refused.")
            await refusal(scope, receive, send)
        elif not self._fits(headers.get("content-length", "0")):
            # without a length the application counts, and refuses with the same code
            refusal = problem(
                413,
                "content-too-large",
                f"A request body may have {self._max_body_bytes} bytes.",
                headers={"Connection": "close"},
            )
            await refusal(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    def _is_foreign(self, headers: Headers) -> bool:
        """Whether a browser says that another site asks. Programs send neither header."""
        origin = headers.get("origin")
        if origin is None:
            return headers.get("sec-fetch-site") in {"cross-site", "same-site"}
        own = headers.get("host", "")
        return origin.partition("://")[2] != own and origin not in self._origins

    def _fits(self, content_length: str) -> bool:
        return content_length.isdecimal() and int(content_length) <= self._max_body_bytes

    def _dressed(self, scope: Scope, send: Send) -> Send:
        began = time.perf_counter()

        async def dressed(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in SECURITY_HEADERS.items():
                    headers.setdefault(name, value)
                if scope["scheme"] == "https":
                    headers.setdefault("Strict-Transport-Security", HSTS)
                if scope["path"].startswith(_GUARDED):
                    headers.setdefault("Cache-Control", "no-store")
                    headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
                self._count(scope, message["status"], time.perf_counter() - began)
            await send(message)

        return dressed

    def _count(self, scope: Scope, status: int, seconds: float) -> None:
        # the route's pattern, not the path: there are as many paths as products
        route = getattr(scope.get("route"), "path", "unmatched")
        method = scope["method"] if scope["method"] in METHODS else "other"
        self._metrics.requests.labels(method, route, f"{status // 100}xx").inc()
        self._metrics.request_seconds.labels(route).observe(seconds)
