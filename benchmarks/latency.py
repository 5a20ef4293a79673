"""From the commit of T1 to the bell: how long a message waits at a given load."""

from __future__ import annotations

import bisect
import json
import threading
import time
from dataclasses import asdict, dataclass, field
from typing import Any

from benchmarks.contenders import DATABASE, OURS_AT_WORK, Plan
from benchmarks.measure import used_folder, wait_for_workers
from benchmarks.process import Crew, crew
from benchmarks.server import Server
from db.connect import connect
from db.feed import listen_for, start_listening

WARM_UP_S = 1.0
SETTLE_S = 5.0


@dataclass(slots=True)
class Latency:
    """Milliseconds at one load. `unheard` are messages of which no bell was heard in time.

    `late` ones have none to wait for: a newer message of their product, from the other client, came
    first, and they change nothing but the history.
    """

    rate: float
    messages: int = 0
    late: int = 0
    unheard: int = 0
    p50_ms: float | None = None
    p99_ms: float | None = None
    p999_ms: float | None = None
    max_ms: float | None = None


@dataclass(slots=True)
class Bells:
    """The bells heard, by product; those whose list was cut to fit count for every product."""

    by_product: dict[str, list[float]] = field(default_factory=dict)
    cut: list[float] = field(default_factory=list)

    def hear(self, payload: str, when: float) -> None:
        """Note a bell."""
        found = json.loads(payload)
        for product, _ in found["changed"]:
            self.by_product.setdefault(product, []).append(when)
        if found["more"]:
            self.cut.append(when)

    def first_after(self, product: str, when: float) -> float | None:
        """The first bell for a product not before that time."""
        found = [
            times[place]
            for times in (self.by_product.get(product, []), self.cut)
            if (place := bisect.bisect_left(times, when)) < len(times)
        ]
        return min(found, default=None)


def measure_latency(server: Server, plan: Plan, rate: float, seconds: float) -> Latency:
    """Messages at an even rate for some seconds; the first second is not counted."""
    result = Latency(round(rate, 1))
    with (
        server.database(DATABASE) as url,
        crew(used_folder(plan.folder, "latency"), url) as group,
    ):
        for number in range(plan.workers):
            group.worker(f"worker-{number + 1}")
        wait_for_workers(url, group, OURS_AT_WORK, plan.workers)
        for part in range(plan.ingesters):
            group.client(
                "ours",
                f"ingest-{part + 1}",
                plan.bodies,
                skip=plan.skip,
                count=int(rate * seconds * 1.2) + plan.ingesters,
                part=part,
                parts=plan.ingesters,
                rate=rate / plan.ingesters,
                seconds=seconds,
            )
        bells, stop = Bells(), threading.Event()
        ears = threading.Thread(target=_listen, args=(url, bells, stop), daemon=True)
        ears.start()
        try:
            group.go()
            filed = _await(group, seconds + SETTLE_S)
            _settle(url)
        finally:
            stop.set()
            ears.join(timeout=5)
        _count(url, filed, bells, result)
    return result


def as_json(found: Latency) -> dict[str, Any]:
    """The figures."""
    return asdict(found)


def _listen(url: str, bells: Bells, stop: threading.Event) -> None:
    with connect(url, role="listener", autocommit=True) as conn:
        start_listening(conn)
        while not stop.is_set():
            for payload in listen_for(conn, timeout_s=0.2):
                bells.hear(payload, time.time())


def _await(group: Crew, seconds: float) -> list[dict[str, Any]]:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        filed = group.filed()
        if filed is not None:
            return filed
        group.check()
        time.sleep(0.05)
    return group.filed() or []


def _settle(url: str) -> None:
    deadline = time.monotonic() + SETTLE_S
    with connect(url, role="bench", autocommit=True) as conn:
        while time.monotonic() < deadline:
            row = conn.execute(
                "SELECT EXISTS (SELECT FROM worker_notifications WHERE status = 'waiting')"
            ).fetchone()
            if row and not row[0]:
                break
            time.sleep(0.1)
    time.sleep(0.3)  # for the last bell


def _count(url: str, filed: list[dict[str, Any]], bells: Bells, result: Latency) -> None:
    """A message's bell is the first for its product after its mark was written.

    A bell before that belongs to an earlier transaction: only one at a time has the product.
    """
    with connect(url, role="bench", autocommit=True) as conn:
        marks = {
            message_id: (product, processed_at, outcome)
            for message_id, product, processed_at, outcome in conn.execute(
                "SELECT message_id, product_key, extract(epoch FROM processed_at)::float8, outcome "
                "FROM worker_notifications WHERE status = 'processed'"
            )
        }
    waits: list[float] = []
    for client in filed:
        for message_ids, committed_at in client["commits"]:
            if committed_at < client["first_at"] + WARM_UP_S:
                continue
            for message_id in message_ids:
                product, processed_at, outcome = marks.get(message_id, ("", None, None))
                if outcome == "late":
                    result.late += 1
                    continue
                rang = None if processed_at is None else bells.first_after(product, processed_at)
                if rang is None:
                    result.unheard += 1
                else:
                    waits.append(max(0.0, rang - committed_at) * 1000)
    waits.sort()
    result.messages = len(waits)
    if waits:
        result.p50_ms = _quantile(waits, 0.5)
        result.p99_ms = _quantile(waits, 0.99)
        result.p999_ms = _quantile(waits, 0.999)
        result.max_ms = round(waits[-1], 1)


def _quantile(ordered: list[float], share: float) -> float:
    return round(ordered[min(len(ordered) - 1, int(share * len(ordered)))], 1)
