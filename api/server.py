"""uvicorn, with what streams need of it.

A socket that notices the dead, a way to hang up, and a farewell before the wait for connections.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable
from typing import Any

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

GRACEFUL_S = 4
"""Streams end at once by themselves; requests that are under way have this long."""

VANISHED_MS = 30_000
"""The kernel cuts off a peer that has taken nothing for this long: gone, or not reading."""

REQUEST_S = 30.0
"""A request must arrive whole within this, from its first byte; the first, from its connection."""

SEND_BUFFER_BYTES = 262_144
"""What the kernel holds for a client that does not read; left to itself it takes megabytes."""

MAX_HEAD_BYTES = 131_072
"""Of a request without its body: a cursor and the place of a page fit in twice."""

MAX_WAITING = 100
"""Requests of one connection that may have come before the answers to those before them. Browsers
and proxies send none; the parser would take as many as come."""

HANG_UP = "buybox.hang_up"


class TooManyWaitingError(Exception):
    """More requests came at once than may wait."""


class Connection(HttpToolsProtocol):
    """A connection that its application can end at once, and that holds no endless request.

    Closing politely would first wait until the client has read what is buffered, and the clients
    that are cut off are those that do not read.

    The parser keeps an unfinished head however long it grows, and no token has been asked for by
    then. So all bytes are counted that neither end a head nor bring part of a body. And since every
    connection is an open file of the process, a request must arrive in time.
    """

    _unended_bytes = 0
    _too_late: asyncio.TimerHandle | None = None
    _under_way: RequestResponseCycle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """As the base class; the first request must come in time."""
        super().connection_made(transport)
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """As the base class; no request is waited for any more, and none answered.

        The base class tells only the last that came, behind which others may wait for their turn.
        """
        self._wait_no_more()
        if self._under_way is not None:
            self._under_way.disconnected = True
            self._under_way.message_event.set()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """As the base class; refuses a head that is too long."""
        self._unended_bytes += len(data)
        if self._too_late is None:
            self._wait()
        super().data_received(data)
        if self._unended_bytes > MAX_HEAD_BYTES and not self.transport.is_closing():
            if self.cycle is None or self.cycle.response_complete:
                self.send_400_response(f"The head of a request may have {MAX_HEAD_BYTES} bytes.")
            else:
                self.transport.abort()

    def on_message_begin(self) -> None:
        """A request begins. One too many ends the connection: the parser makes a 400 of it."""
        if len(self.pipeline) >= MAX_WAITING:
            raise TooManyWaitingError
        super().on_message_begin()
        self.scope["extensions"] = {HANG_UP: {"call": self.transport.abort}}

    def on_headers_complete(self) -> None:
        """The head is whole."""
        self._unended_bytes = 0
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """A part of the body."""
        self._unended_bytes = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """The request is whole."""
        self._unended_bytes = 0
        self._wait_no_more()
        super().on_message_complete()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._under_way = cycle
        super()._start_asgi_task(cycle, app)

    def _wait(self) -> None:
        self._too_late = self.loop.call_later(REQUEST_S, self.transport.abort)

    def _wait_no_more(self) -> None:
        if self._too_late is not None:
            self._too_late.cancel()
            self._too_late = None


class Server(uvicorn.Server):
    """A server that says farewell before it waits for its connections."""

    def __init__(self, config: uvicorn.Config, *, farewell: Callable[[], None]) -> None:
        super().__init__(config)
        self._farewell = farewell

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop accepting, see the streams off, wait for the rest."""
        for server in self.servers:
            server.close()
        self._farewell()
        await super().shutdown(sockets)


def build_server(
    app: Callable[..., object], *, farewell: Callable[[], None], trusted_proxies: str
) -> Server:
    """A server for the application. It listens where it is told when it is run."""
    config = uvicorn.Config(
        app,
        loop="uvloop",
        http=Connection,
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        date_header=True,
        proxy_headers=True,
        forwarded_allow_ips=trusted_proxies,
        timeout_graceful_shutdown=GRACEFUL_S,
        backlog=2048,
    )
    return Server(config, farewell=farewell)


def listening_socket(host: str, port: int) -> socket.socket:
    """A socket to listen on. Raises OSError when the address cannot be had."""
    family, kind, protocol, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # accepted connections inherit these
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, VANISHED_MS)
        listener.bind(address)
    except OSError:
        with contextlib.suppress(OSError):
            listener.close()
        raise
    return listener
