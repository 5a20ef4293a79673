"""The dashboard backend in tests: a real server on a real socket, and clients that read streams."""

from __future__ import annotations

import contextlib
import json
import queue
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import httpx

from api.app import build_app, farewell, guarded
from api.server import build_server, listening_socket
from api.settings import ApiSettings
from db.feed import ALERT_CHANNEL, STATE_CHANNEL
from tests.interleave import PATIENCE_S, Background

QUICK = {"feed_poll_seconds": 0.5, "feed_pause_ms": 0, "stream_keepalive_seconds": 30}
"""Settings with which a test need not wait; it is the bells that make it quick."""


@dataclass
class Api:
    """A running server: where it is, and its application to look into."""

    url: str
    app: Any
    stop: Callable[[], None]

    def client(self, token: str | None = None, **options: Any) -> httpx.Client:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return httpx.Client(base_url=self.url, headers=headers, timeout=PATIENCE_S, **options)

    @property
    def hub(self) -> Any:
        return self.app.state.shared.hub


@contextmanager
def serving(database_url: str, **settings: Any) -> Iterator[Api]:
    """The application in a thread of its own, on a port of its own."""
    given = {**QUICK, "database_url": database_url, **settings}
    app = build_app(ApiSettings(**given))
    server = build_server(guarded(app), farewell=lambda: farewell(app), trusted_proxies="127.0.0.1")
    listener = listening_socket("127.0.0.1", 0)
    port = listener.getsockname()[1]
    thread = Background(server.run, sockets=[listener])

    def stop() -> None:
        server.should_exit = True
        thread.result()

    api = Api(f"http://127.0.0.1:{port}", app, stop)
    try:
        ready = threading.Event()
        while not (server.started and api.hub.live):
            assert not thread.done.is_set(), thread.result()
            ready.wait(0.005)
        yield api
    finally:
        if not thread.done.is_set():
            stop()


@dataclass(frozen=True)
class Event:
    """One server-sent event; `id` is the client's last event id after it."""

    name: str
    data: Any
    id: str


class Stream:
    """A client that reads a stream in a thread, over a plain socket, as a browser would.

    `last_id` is what it would send as Last-Event-ID; `retry_ms` what it was told to wait.
    """

    def __init__(
        self,
        url: str,
        *,
        token: str | None = None,
        since: str | None = None,
        last_id: str | None = None,
        headers: dict[str, str] | None = None,
        **query: Any,
    ) -> None:
        host, _, port = url.removeprefix("http://").partition(":")
        params = {"since": since, **query}
        path = "/api/notifications/stream?" + urlencode(
            {k: v for k, v in params.items() if v is not None}, doseq=True
        )
        given = {
            "Host": f"{host}:{port}",
            "Accept": "text/event-stream",
            **({"Authorization": f"Bearer {token}"} if token else {}),
            **({"Last-Event-ID": last_id} if last_id else {}),
            **(headers or {}),
        }
        self.last_id = last_id or since or ""
        self.retry_ms: int | None = None
        self.events: queue.Queue[Event | None] = queue.Queue()
        self.comments = queue.Queue()
        self._socket = socket.create_connection((host, int(port)), timeout=PATIENCE_S)
        head = "".join(f"{name}: {value}\r\n" for name, value in given.items())
        self._file = self._socket.makefile("rb")
        try:
            self._socket.sendall(f"GET {path} HTTP/1.1\r\n{head}\r\n".encode())
            self.status = int(self._file.readline().split()[1])
            self.headers = dict(self._headers())
        except (OSError, ValueError, IndexError):  # gone before it had answered
            self._file.close()
            self._socket.close()
            raise
        self._socket.settimeout(None)
        self._reading = Background(self._read)

    def next(self, name: str | None = None) -> Event:
        """The next event, or the next of this name; those before it are dropped."""
        while True:
            event = self.events.get(timeout=PATIENCE_S)
            assert event is not None, f"the stream ended while it waited for {name}"
            if name is None or event.name == name:
                return event

    END = object()

    def poll(self, timeout_s: float) -> Any:
        """The next event, None when none came in time, END at the end of the stream."""
        try:
            event = self.events.get(timeout=timeout_s)
        except queue.Empty:
            return None
        return self.END if event is None else event

    def close(self) -> None:
        """Cut it if it still runs, and give its socket back."""
        if not self._reading.done.is_set():
            self.cut()
        self._file.close()
        self._socket.close()

    def ended(self) -> list[Event]:
        """What came until the end of the stream, which must come."""
        events = []
        while (event := self.events.get(timeout=PATIENCE_S)) is not None:
            events.append(event)
        return events

    def cut(self) -> None:
        """End it from this side, without a word."""
        with_linger = b"\x01\x00\x00\x00\x00\x00\x00\x00"
        with contextlib.suppress(OSError):  # the other side, or another thread, was quicker
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, with_linger)
            self._socket.shutdown(socket.SHUT_RDWR)
        self._reading.done.wait(PATIENCE_S)

    def _headers(self) -> Iterator[tuple[str, str]]:
        while line := self._file.readline().decode().strip():
            name, _, value = line.partition(":")
            yield name.lower(), value.strip()

    def _read(self) -> None:
        name, data, last_id = "", [], self.last_id
        try:
            for line in self._lines():
                key, _, value = line.partition(":")
                value = value.removeprefix(" ")
                if not line:
                    self.last_id = last_id  # as browsers do: with the end of the event
                    if data:
                        self.events.put(Event(name, json.loads("\n".join(data)), self.last_id))
                    name, data = "", []
                elif key == "":
                    self.comments.put(value)
                elif key == "event":
                    name = value
                elif key == "data":
                    data.append(value)
                elif key == "id":
                    last_id = value
                elif key == "retry":
                    self.retry_ms = int(value)
        except (OSError, ValueError):
            pass  # cut, by either side
        finally:
            self.events.put(None)

    def _lines(self) -> Iterator[str]:
        """The lines of the body, taken out of their chunks. An unfinished line is no line."""
        rest = b""
        while size := int(self._file.readline() or b"0", 16):
            chunk = self._file.read(size)
            if len(chunk) < size:
                return
            self._file.readline()
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                yield line.decode()


@contextmanager
def streaming(url: str, **options: Any) -> Iterator[Stream]:
    """A stream that is cut at the end."""
    stream = Stream(url, **options)
    try:
        yield stream
    finally:
        stream.close()


INSERT_STATE = """
INSERT INTO current_state (
    marketplace_id, asin, item_condition, audience, seller_id, severity, severity_policy,
    severity_reasons, trace_id, worker_id, updated_at, version, currency, your_price, own_price_unknown
) VALUES (%(marketplace)s, %(asin)s, 'new', 'consumer', 'S', %(severity)s, 'full', '{}', 't', 'w',
          clock_timestamp(), 1, 'GBP', %(price)s, NULL)
ON CONFLICT (marketplace_id, asin, item_condition, audience, seller_id) DO UPDATE
SET severity = EXCLUDED.severity, your_price = EXCLUDED.your_price,
    version = current_state.version + 1, updated_at = clock_timestamp(),
    changed_in = pg_current_xact_id()
RETURNING version
"""

INSERT_ALERT = """
INSERT INTO alerts (
    seller_id, marketplace_id, asin, item_condition, kind, severity, first_seen, last_seen,
    last_event_time, waiting_since, profit_at_stake_per_day, currency, note, attention, resolution,
    resolved_at, resolved_by, snooze_until, snoozed_by
) VALUES ('S', %(marketplace)s, %(asin)s, 'new', %(kind)s, %(severity)s, now(), now(), now(), now(),
          %(stake)s, 'GBP', %(note)s, %(attention)s,
          CASE WHEN %(attention)s = 'resolved' THEN 'manual' END,
          CASE WHEN %(attention)s = 'resolved' THEN now() END,
          CASE WHEN %(attention)s = 'resolved' THEN 'me' END,
          now() + %(snoozed)s::interval, CASE WHEN %(snoozed)s::text IS NOT NULL THEN 'me' END)
RETURNING id
"""

UPDATE_ALERT = """
UPDATE alerts SET occurrences = occurrences + 1, changed_in = pg_current_xact_id(),
                  updated_at = clock_timestamp()
WHERE id = %s
RETURNING occurrences
"""

MARKETPLACE = "A1F83G8C2ARO7P"


def write_state(conn, asin="B000000001", *, marketplace=MARKETPLACE, severity="success", price=10):
    """Change a state as T2 does, and ring; returns its version."""
    values = {"marketplace": marketplace, "asin": asin, "severity": severity, "price": price}
    (version,) = conn.execute(INSERT_STATE, values).fetchone()
    ring(conn, STATE_CHANNEL)
    return version


def write_alert(
    conn,
    asin="B000000001",
    *,
    marketplace=MARKETPLACE,
    severity="critical",
    kind="price",
    stake=None,
    note=None,
    attention="new",
    snoozed=None,
):
    """A new alert, and its bell; returns its id."""
    given = {k: v for k, v in locals().items() if k != "conn"}
    (alert_id,) = conn.execute(INSERT_ALERT, given).fetchone()
    ring(conn, ALERT_CHANNEL)
    return alert_id


def kind(answer):
    """The status and the type of a problem, which every refusal is."""
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    body = answer.json()
    assert body["status"] == answer.status_code
    return (answer.status_code, body["type"])


def touch_alert(conn, alert_id):
    """Change an alert, and ring; returns how often it has occurred."""
    (occurrences,) = conn.execute(UPDATE_ALERT, (alert_id,)).fetchone()
    ring(conn, ALERT_CHANNEL)
    return occurrences


def ring(conn, channel):
    conn.execute("SELECT pg_notify(%s, '{}')", (channel,))


@dataclass
class Holder:
    """What a client holds after what it was told: the latest of each row, and all that was said."""

    rows: dict[tuple[str, str], int] = field(default_factory=dict)
    told: list[tuple[str, str, int]] = field(default_factory=list)

    def hear(self, event: Event) -> None:
        if event.name in {"state", "alert"}:
            count = event.data["version" if event.name == "state" else "occurrences"]
            self.rows[event.name, event.data["key"]] = count
            self.told.append((event.name, event.data["key"], count))
