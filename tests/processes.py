"""Real processes and real obstacles for the acceptance tests.

An SQS emulator in a thread, a proxy before it that can hold back a kind of call, a proxy before
Postgres that can be cut, and the project's own processes, killed by their own id only.
"""

from __future__ import annotations

import contextlib
import http.client
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

from psycopg.conninfo import conninfo_to_dict, make_conninfo

T = TypeVar("T")

ROOT = Path(__file__).parent.parent
INGEST = (sys.executable, "-m", "worker.ingest")
WORKER = (sys.executable, "-m", "procrastinate", "--app=worker.app.app", "worker")
KILLABLE = (sys.executable, "-m", "tests.killing_worker", *WORKER[-2:])
BUYBOX = (sys.executable, "-m", "worker.cli.main")


def wait_for(condition: Callable[[], T], what: str, *, timeout_s: float = 30.0) -> T:
    """The first true value of the condition; an assertion that names what never came."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        value = condition()
        if value:
            return value
        time.sleep(0.02)
    raise AssertionError(f"after {timeout_s:.0f} s still not: {what}")


class Process:
    """A process of ours with its output in a file."""

    def __init__(self, command: tuple[str, ...], env: Mapping[str, str], log: Path) -> None:
        self.log = log
        clean = {k: v for k, v in os.environ.items() if k in ("PATH", "HOME", "LANG", "TMPDIR")}
        with log.open("ab") as stream:
            self._popen = subprocess.Popen(
                command,
                cwd=ROOT,
                env={
                    **clean,
                    "AWS_ACCESS_KEY_ID": "testing",
                    "AWS_SECRET_ACCESS_KEY": "testing",
                    "AWS_EC2_METADATA_DISABLED": "true",
                    "PYTHONUNBUFFERED": "1",
                    **env,
                },
                stdout=stream,
                stderr=subprocess.STDOUT,
            )

    @property
    def pid(self) -> int:
        return self._popen.pid

    def output(self) -> str:
        return self.log.read_text(errors="replace")

    def alive(self) -> bool:
        return self._popen.poll() is None

    def says(self, text: str, *, timeout_s: float = 30.0) -> None:
        """Wait until the text is in the output."""

        def said() -> bool:
            if text in self.output():
                return True
            assert self.alive(), f"it exited with {self._popen.returncode}:\n{self.output()}"
            return False

        wait_for(said, f"{text!r} in the output:\n{self.output()[-3000:]}", timeout_s=timeout_s)

    def terminate(self, *, timeout_s: float = 15.0) -> int:
        """SIGTERM; returns the exit code."""
        self._popen.send_signal(signal.SIGTERM)
        return self._popen.wait(timeout_s)

    def kill(self) -> None:
        """SIGKILL, now."""
        self._popen.kill()
        self._popen.wait(10)

    def wait(self, timeout_s: float) -> int:
        return self._popen.wait(timeout_s)

    def close(self) -> None:
        if self.alive():
            self.kill()


class PostServer:
    """An HTTP server on loopback that gives each POST to `answer`. What waits for `_go` may end."""

    def __init__(self, *, port: int = 0) -> None:
        self._go = threading.Event()
        one = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                one.answer(self)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def let_go(self) -> None:
        self._go.set()

    def close(self) -> None:
        self.let_go()
        self._server.shutdown()
        self._server.server_close()


class HoldingProxy(PostServer):
    """An HTTP proxy before the SQS emulator that holds back calls of one kind until let go.

    `hold("DeleteMessageBatch")`: from now on such calls wait; `held` is set when one does. `seen`
    lists the calls that came.
    """

    def __init__(self, upstream: str, *, port: int = 0) -> None:
        self._upstream = urlsplit(upstream).netloc
        self._kind: str | None = None
        self.held = threading.Event()
        self.seen: list[str] = []
        super().__init__(port=port)
        self.url = f"http://127.0.0.1:{self.port}"

    def hold(self, kind: str) -> None:
        self._go.clear()
        self.held.clear()
        self._kind = kind

    def let_go(self) -> None:
        self._kind = None
        super().let_go()

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        body = request.rfile.read(int(request.headers.get("Content-Length", 0)))
        kind = request.headers.get("X-Amz-Target", "").partition(".")[2]
        self.seen.append(kind)
        if kind == self._kind:
            self.held.set()
            self._go.wait(60)
        with contextlib.suppress(OSError):
            upstream = http.client.HTTPConnection(self._upstream, timeout=60)
            upstream.request(request.command, request.path, body, dict(request.headers))
            answer = upstream.getresponse()
            content = answer.read()
            request.send_response(answer.status)
            for name, value in answer.getheaders():
                if name.lower() not in ("transfer-encoding", "content-length", "connection"):
                    request.send_header(name, value)
            request.send_header("Content-Length", str(len(content)))
            request.end_headers()
            request.wfile.write(content)
            upstream.close()


class CuttableProxy:
    """A TCP proxy before Postgres.

    `cut()` drops every connection and refuses new ones. `freeze()` keeps them but carries nothing
    any more, like a proxy whose server is gone: each side's own TCP finds nothing amiss. Given an
    application's name, only its connections freeze.
    """

    def __init__(self, database_url: str) -> None:
        given = conninfo_to_dict(database_url)
        host, port = str(given.get("host") or "localhost"), int(given.get("port") or 5432)
        self._target = (host, port)
        self._open = True
        self._frozen: bytes | None = None
        self.refused = 0
        self._sockets: set[socket.socket] = set()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._port = self._listener.getsockname()[1]
        self.database_url = make_conninfo(
            database_url, host="127.0.0.1", port=self._port, sslmode="disable"
        )
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        self._open = False
        for one in list(self._sockets):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def freeze(self, application: str = "") -> None:
        self._frozen = application.encode()

    def mend(self) -> None:
        self._open = True

    def close(self) -> None:
        self.cut()
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            if not self._open:
                self.refused += 1
                client.close()
                continue
            threading.Thread(target=self._pump, args=(client,), daemon=True).start()

    def _pump(self, client: socket.socket) -> None:
        host, port = self._target
        if host.startswith("/"):
            server = socket.socket(socket.AF_UNIX)
            server.connect(f"{host}/.s.PGSQL.{port}")
        else:
            server = socket.create_connection((host, port))
        pair = {client: server, server: client}
        self._sockets |= set(pair)
        greeting = b""  # the first message names the application
        try:
            while True:
                ready, _, _ = select.select(list(pair), [], [])
                for one in ready:
                    data = one.recv(65536)
                    if not data:
                        return
                    greeting = greeting or data
                    if self._frozen is None or self._frozen not in greeting:
                        pair[one].sendall(data)
        except OSError:
            return
        finally:
            self._sockets -= set(pair)
            for one in pair:
                one.close()


def unused_port() -> int:
    """A loopback port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@contextlib.contextmanager
def processes(tmp_path: Path) -> Iterator[Callable[..., Process]]:
    """Starts processes of ours and leaves none behind."""
    started: list[Process] = []

    def start(command: tuple[str, ...], name: str, **env: str) -> Process:
        process = Process(command, env, tmp_path / f"{name}.log")
        started.append(process)
        return process

    try:
        yield start
    finally:
        for process in started:
            process.close()
