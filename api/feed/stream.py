"""One stream: a client's events as an HTTP answer that does not end by itself."""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections import deque
from collections.abc import Iterable

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from api.feed.client import Client, Leave
from api.feed.events import event, retry_after
from api.feed.hub import RETRY_MS, Hub
from api.metrics import Metrics

HEADERS = {
    "Cache-Control": "no-store",
    "X-Accel-Buffering": "no",  # nginx would keep events until its buffer is full
}

GONE = Leave("gone")
"""The client left by itself."""


class EventStream(Response):
    """Sends the opening, then what the hub brings, until either side ends it.

    It holds no database connection. However the answer ends, the client leaves the hub.
    """

    media_type = "text/event-stream"

    def __init__(
        self,
        hub: Hub,
        client: Client,
        opening: Iterable[bytes],
        metrics: Metrics,
        keepalive_s: float,
    ) -> None:
        self.status_code = 200
        self.background = None
        self.init_headers(HEADERS)
        self._hub = hub
        self._client = client
        self._opening = deque(opening)
        self._metrics = metrics
        self._keepalive_s = keepalive_s

    async def __call__(self, _scope: Scope, receive: Receive, send: Send) -> None:
        """Send until the end."""
        watch = asyncio.create_task(self._watch(receive))
        try:
            await send(
                {
                    "type": "http.response.start",
                    "status": self.status_code,
                    "headers": self.raw_headers,
                }
            )
            await self._send(send, retry_after(random.randint(*RETRY_MS)))
            while self._opening:  # freed as it is sent: a gap is megabytes, and streams last days
                await self._send(send, self._opening.popleft())
            await self._follow(send)
            await self._say_farewell(send)
        finally:
            watch.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await watch
            self._hub.leave(self._client)

    async def _follow(self, send: Send) -> None:
        sent_at = time.monotonic()
        while not self._client.ended():
            patience_s = max(0.0, sent_at + self._keepalive_s - time.monotonic())
            pieces = await self._client.take(patience_s=patience_s)
            if pieces is None:
                pieces = (self._client.sign_of_life(self._hub.position),)
            for piece in pieces:
                await self._send(send, piece)
                sent_at = time.monotonic()
                if self._client.ended():
                    return

    async def _say_farewell(self, send: Send) -> None:
        leave = self._client.leaving
        if leave is not None and leave.retry_ms is not None:
            text = {"reason": leave.reason, "retry_ms": leave.retry_ms}
            await self._send(send, retry_after(leave.retry_ms) + event("farewell", text))
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _send(self, send: Send, piece: bytes) -> None:
        """Waits while the client does not read; returns at once when its connection has ended."""
        await send({"type": "http.response.body", "body": piece, "more_body": True})
        self._metrics.deliveries.inc()

    async def _watch(self, receive: Receive) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        self._client.end(GONE)
