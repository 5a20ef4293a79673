"""Receivers on loopback: an HTTP server and an SMTP server that answer, hang and die as told."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

from tests.interleave import until
from tests.processes import PostServer

HANG, DROP, SLOW, ENDLESS = "hang", "drop", "slow", "endless"
"""Say nothing, and close when let go; close when the message has been read; 200 when let go; 200,
and then go on without end until nobody listens, or when let go."""


@dataclass(frozen=True)
class Post:
    """What came in."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]


class HttpReceiver(PostServer):
    """An HTTP server whose answers are set beforehand; the last one is repeated.

    An answer is HANG, DROP, SLOW, ENDLESS, a status, or a status with headers.
    """

    def __init__(self, *answers: Any, port: int = 0) -> None:
        self.answers = list(answers) or [200]
        self.posts: list[Post] = []
        super().__init__(port=port)

    def address(self, path: str = "/hook", *, user: str = "") -> str:
        return f"json://{user}127.0.0.1:{self.port}{path}"

    def until_posts(self, count: int) -> list[Post]:
        until(lambda: len(self.posts) >= count, f"{count} posts came in")
        return self.posts

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        body = request.rfile.read(int(request.headers.get("Content-Length", 0)))
        headers = {name.lower(): value for name, value in request.headers.items()}
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        self.posts.append(Post(request.path, headers, json.loads(body)))
        request.close_connection = True
        if answer == DROP:
            return
        if answer == HANG:
            self._go.wait(60)
            return
        if answer == ENDLESS:
            self._go_on(request)
            return
        if answer == SLOW:
            self._go.wait(60)
            answer = 200
        status, more = answer if isinstance(answer, tuple) else (answer, {})
        request.send_response(status)
        for name, value in more.items():
            request.send_header(name, value)
        request.send_header("Content-Length", "0")
        request.end_headers()

    def _go_on(self, request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.end_headers()
        with suppress(OSError):
            while not self._go.is_set():
                request.wfile.write(b" " * 65_536)


class SmtpReceiver:
    """An SMTP server. Its answer to a mail is HANG, DROP or a line such as "451 later"."""

    def __init__(self, *answers: str, login: tuple[str, str] | None = None, port: int = 0) -> None:
        self.answers = list(answers) or ["250 queued"]
        self.mails: list[EmailMessage] = []
        self.envelopes: list[tuple[str, list[str]]] = []
        self._loop_stop: asyncio.Event | None = None

        def knows(_server, _session, _envelope, _mechanism, given):
            right = (given.login, given.password) == tuple(word.encode() for word in login or ())
            return AuthResult(success=right, handled=False)

        # Only tried, not required: a client without a password is let in, a wrong one is not.
        more = {"auth_require_tls": False, "authenticator": knows} if login else {}
        self._controller = _AnyPort(
            self, hostname="127.0.0.1", port=port, ident="test", server_hostname="localhost", **more
        )
        self._controller.start()
        self.port = self._controller.server.sockets[0].getsockname()[1]

    def url(self, login: str = "") -> str:
        return f"smtp://{login}127.0.0.1:{self.port}"

    def close(self) -> None:
        if self._loop_stop is not None:
            self._controller.loop.call_soon_threadsafe(self._loop_stop.set)
        self._controller.stop()

    async def handle_RCPT(
        self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any
    ) -> str:
        if address.startswith("nobody"):
            return f"550 {address} is not here"
        if address.startswith("later"):
            return "450 come back later"
        envelope.rcpt_tos.append(address)
        return "250 yes"

    async def handle_DATA(self, server: Any, _session: Any, envelope: Any) -> str:
        self.mails.append(message_from_bytes(envelope.content, policy=policy.default))
        self.envelopes.append((envelope.mail_from, envelope.rcpt_tos))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if answer == DROP:
            server.transport.abort()
            return "250 never heard"
        if answer == HANG:
            self._loop_stop = asyncio.Event()
            await asyncio.wait_for(self._loop_stop.wait(), 60)
            return "421 too late"
        return answer


class _AnyPort(Controller):
    """On a free port. The base class connects to it once to see that it is up."""

    def _trigger_server(self) -> None:
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()
