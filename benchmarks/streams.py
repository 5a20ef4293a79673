"""`python -m benchmarks.streams`: many browsers on one backend, while changes are committed.

Measures the time from just before the commit to the client, over every event of every client; what
a client costs in memory; and that a client that reads nothing is cut off and harms nobody. All of
it, the clients too, shares the machine. The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import uvloop
from prometheus_client.parser import text_string_to_metric_families

from benchmarks import server
from benchmarks.process import ROOT
from db.connect import connect

PRODUCTS = 2000
DATABASE = "bench_streams"
PATIENCE_S = 60.0
STAMP = re.compile(rb'"trace_id":"(\d{19})"')
ASK = b"GET /api/notifications/stream HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"

FILL = """
INSERT INTO current_state (
    marketplace_id, asin, item_condition, audience, seller_id, severity, severity_policy,
    severity_reasons, trace_id, worker_id, updated_at, version, currency, your_price, market_low,
    competitor_low, prime_low, your_position, total_offers, gap_pct, buy_box_winner, has_buy_box,
    buy_box_price, buy_box_sellers, event_time
)
SELECT 'A1F83G8C2ARO7P', 'B' || lpad(n::text, 9, '0'), 'new', 'consumer', 'A2OWNSELLER001', 'high',
       'full', ARRAY['lost the Buy Box to A1RIVAL0000001', 'competitor 2.5 %% below own price'],
       '0', 'bench', now(), 1, 'GBP', 20.49, 19.99, 19.99, 20.10, 2, 5, 2.5, false, true, 19.99,
       ARRAY['A1RIVAL0000001'], now()
FROM generate_series(1, %s) AS n
"""

CHANGE = """
WITH changed AS (
    UPDATE current_state
    SET trace_id = %(stamp)s, version = version + 1, updated_at = clock_timestamp(),
        changed_in = pg_current_xact_id()
    WHERE marketplace_id = 'A1F83G8C2ARO7P' AND asin = %(asin)s
    RETURNING marketplace_id || ':' || asin AS product, severity
)
SELECT pg_notify('buybox_state', buybox_bell_payload(ARRAY[product], ARRAY[severity])) FROM changed
"""


class Reader(asyncio.Protocol):
    """One stream, read as fast as it comes."""

    def __init__(self, lags_ms: Counter[int], ready: asyncio.Event, waited_for: list[int]) -> None:
        self._lags_ms, self._ready, self._waited_for = lags_ms, ready, waited_for
        self._rest, self._begun = b"", False
        self.lost = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for the stream."""
        transport.write(ASK)  # type: ignore[attr-defined]  # a TCP transport

    def data_received(self, data: bytes) -> None:
        """Note how old each event is; an event may come in two parts."""
        now = time.time_ns()
        data = self._rest + data
        if not self._begun and b"event: cursor" in data:
            self._begun = True
            self._waited_for[0] -= 1
            if not self._waited_for[0]:
                self._ready.set()
        for stamp in STAMP.findall(data):
            self._lags_ms[(now - int(stamp)) // 1_000_000] += 1
        whole = data.rfind(b"\n\n")
        self._rest = data[whole:] if whole >= 0 else data

    def connection_lost(self, _error: Exception | None) -> None:
        """A stream that ends during the measurement is a failure."""
        self.lost = True


async def read_streams(port: int, count: int) -> None:
    """The clients' process: says when all are there, reads until it is told to stop, sums up."""
    lags_ms: Counter[int] = Counter()
    ready, waited_for = asyncio.Event(), [count]
    loop = asyncio.get_running_loop()
    readers = []
    for _ in range(count):
        _, reader = await loop.create_connection(
            lambda: Reader(lags_ms, ready, waited_for), "127.0.0.1", port
        )
        readers.append(reader)
    await asyncio.wait_for(ready.wait(), PATIENCE_S)
    print("ready", flush=True)
    await loop.run_in_executor(None, sys.stdin.readline)
    print(json.dumps({"lags_ms": sorted(lags_ms.items()), "lost": sum(r.lost for r in readers)}))


def write_changes(database_url: str, *, per_s: float, seconds: float) -> int:
    """Commit one change after another, evenly; returns how many."""
    written, began = 0, time.perf_counter()
    with connect(database_url, role="bench") as conn:
        while (at := written / per_s) < seconds:
            time.sleep(max(0.0, began + at - time.perf_counter()))
            asin = f"B{written % PRODUCTS + 1:09d}"
            conn.execute(CHANGE, {"stamp": str(time.time_ns()), "asin": asin})
            conn.commit()
            written += 1
    return written


@contextmanager
def backend(database_url: str, folder: Path, streams: int) -> Iterator[tuple[int, psutil.Process]]:
    """The API as a process; its port and itself."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = int(probe.getsockname()[1])
    settings = {
        "DATABASE_URL": database_url,
        "API_PORT": str(port),
        "API_MAX_STREAMS_PER_TOKEN": str(streams + 10),
        "API_MAX_STREAMS": str(streams + 10),
        "STREAM_MAX_PENDING": "1000",
        "API_REQUESTS_PER_MINUTE": "1000000",
        "PATH": "/usr/bin:/bin",
    }
    with (folder / "api.log").open("wb") as log:
        child = subprocess.Popen(
            [sys.executable, "-m", "api"], cwd=ROOT, env=settings, stdout=log, stderr=log
        )
    try:
        _until_ready(port)
        yield port, psutil.Process(child.pid)
    finally:
        child.terminate()
        child.wait(10)


def _until_ready(port: int) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/health/ready", timeout=5):
                return
        except OSError:
            time.sleep(0.05)
    raise TimeoutError("the API did not become ready")


def silent_client(port: int) -> socket.socket:
    """A client that asks for the stream and never reads."""
    one = socket.socket()
    one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    one.connect(("127.0.0.1", port))
    one.sendall(ASK)
    return one


def percentile(lags_ms: list[tuple[int, int]], part: float) -> int | None:
    """The lag that this part of the events did not exceed."""
    left = sum(n for _, n in lags_ms) * part
    for lag, count in lags_ms:
        left -= count
        if left <= 0:
            return lag
    return None


def measure(
    database_url: str, folder: Path, *, streams: int, per_s: float, seconds: float
) -> dict[str, Any]:
    """One run."""
    with connect(database_url, autocommit=True) as conn:
        conn.execute(FILL, (PRODUCTS,))
        conn.execute("VACUUM ANALYZE current_state")
    with backend(database_url, folder, streams) as (port, api):
        before = api.memory_info().rss
        clients = _start_clients(port, streams)
        idle = api.memory_info().rss
        silent = silent_client(port)
        cpu = api.cpu_times()
        written = write_changes(database_url, per_s=per_s, seconds=seconds)
        spent = api.cpu_times()
        time.sleep(1.5)  # what was written last is still on its way
        busy = api.memory_info().rss
        slow = _slow_ends(port)
        found = _stop_clients(clients)
        silent.close()
    lags = [(int(ms), int(n)) for ms, n in found["lags_ms"]]
    delivered = sum(n for _, n in lags)
    return {
        "streams": streams,
        "changes_per_s": per_s,
        "changes": written,
        "delivered": delivered,
        "missing": written * streams - delivered,
        "streams_lost": found["lost"],
        "p50_ms": percentile(lags, 0.5),
        "p99_ms": percentile(lags, 0.99),
        "max_ms": lags[-1][0] if lags else None,
        "idle_kb_per_client": round((idle - before) / streams / 1024, 1),
        "busy_kb_per_client": round((busy - before) / streams / 1024, 1),
        "api_cpu_share": round((spent.user + spent.system - cpu.user - cpu.system) / seconds, 2),
        "silent_clients_cut_off": slow,
    }


def _start_clients(port: int, streams: int) -> subprocess.Popen[str]:
    child = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.streams", "--read", str(port), str(streams)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    if child.stdout is None or child.stdout.readline() != "ready\n":
        child.kill()
        raise RuntimeError("the clients did not all get a stream")
    return child


def _stop_clients(child: subprocess.Popen[str]) -> dict[str, Any]:
    out, _ = child.communicate("\n", timeout=PATIENCE_S)
    found: dict[str, Any] = json.loads(out)
    return found


def _slow_ends(port: int) -> int:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as answer:
        text = answer.read().decode()
    return int(
        sum(
            sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
            if sample.name == "sse_stream_ends_total" and sample.labels["reason"] == "slow"
        )
    )


def main(argv: list[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.streams", description=__doc__)
    parser.add_argument("--streams", type=int, default=500)
    parser.add_argument("--per-s", type=float, default=100, help="changes committed a second")
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--read", type=int, nargs=2, metavar=("PORT", "COUNT"), help="the clients")
    given = parser.parse_args(argv)
    if given.read:
        uvloop.run(read_streams(*given.read))
        return 0
    folder = Path(tempfile.mkdtemp(prefix="buybox-streams-"))
    try:
        with server.running(folder) as postgres, postgres.database(DATABASE) as url:
            found = measure(
                url, folder, streams=given.streams, per_s=given.per_s, seconds=given.seconds
            )
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(json.dumps(found))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
