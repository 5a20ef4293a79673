"""One run of one contender: messages over the time from the first T1 until all are processed."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from benchmarks.process import READY_WITHIN_S, Crew
from benchmarks.server import STATISTICS_S, dead_tuples, rows_updated, wal_position
from db.connect import connect
from worker.demo.children import StageError

LOOK_EVERY_S = 0.05
GRACE_S = 3.0
"""When time is up, clients still end their last batch, and the statistics come late."""

SETTLE_S = 0.3
"""For what a worker does right after it has registered."""


@dataclass(slots=True)
class Run:
    """What one run measured. `complete` is False if time was up before all were processed."""

    per_s: float
    messages: int
    seconds: float
    complete: bool = True
    wal_bytes_per_message: float = 0.0
    dead_tuples: dict[str, int] = field(default_factory=dict)
    worker_rss_mb: list[float] = field(default_factory=list)
    more: dict[str, Any] = field(default_factory=dict)


def observe(url: str, crew: Crew, messages: int, *, limit_s: float, backlog: bool = False) -> Run:
    """Say go, and watch until the clients are through and `messages` are processed.

    With a backlog, the statistics tell when as many messages as were filed have been processed; the
    exact time is read afterwards.
    """
    with connect(url, role="bench", autocommit=True, statement_timeout="0") as conn:
        wal, updated = wal_position(conn), rows_updated(conn)
        crew.go()
        began = time.time()
        finished = (
            (lambda: rows_updated(conn) - updated >= messages or not _waiting(conn))
            if backlog
            else (lambda: not _waiting(conn))
        )
        filed, complete = _watch(crew, finished, began + limit_s + GRACE_S)
        ended = time.time()
        rss = crew.workers_rss_mb()
        first = min((client["first_at"] for client in filed), default=began)
        last = max((client["last_at"] for client in filed), default=ended)
        run = (
            _since(conn, first, last, messages, sum(c["messages"] for c in filed))
            if backlog or not complete
            else Run(messages / (ended - first), messages, ended - first)
        )
        run.complete = complete
        run.wal_bytes_per_message = (wal_position(conn) - wal) / max(1, run.messages)
        run.dead_tuples = dead_tuples(conn)
        run.worker_rss_mb = rss
        run.more = {
            "filed_per_s": round(sum(c["messages"] for c in filed) / max(0.001, last - first), 1),
            "client_cpu_s": [round(c["cpu_s"], 2) for c in filed],
            "worker_cpu_s": crew.cpu_s(),
            "t2_ms": _quantiles(crew.t2_ms()),
        }
        return run


def _quantiles(ordered: list[float]) -> dict[str, float]:
    """Median, p99 and longest of sorted values; empty where nothing was logged."""
    if not ordered:
        return {}
    last = len(ordered) - 1
    return {
        "count": len(ordered),
        "p50": ordered[last // 2],
        "p99": ordered[int(last * 0.99)],
        "max": ordered[last],
    }


def observe_filing(url: str, crew: Crew, *, limit_s: float) -> Run:
    """Say go, and watch until the clients are through: their commits are all there is."""
    with connect(url, role="bench", autocommit=True) as conn:
        wal = wal_position(conn)
        crew.go()
        filed, complete = _watch(crew, lambda: True, time.time() + limit_s)
        if not filed:
            raise StageError("the clients did not come to an end")
        messages = sum(client["messages"] for client in filed)
        seconds = max(c["last_at"] for c in filed) - min(c["first_at"] for c in filed)
        run = Run(messages / seconds, messages, seconds, complete)
        run.wal_bytes_per_message = (wal_position(conn) - wal) / max(1, messages)
        run.dead_tuples = dead_tuples(conn)
        return run


def _watch(
    crew: Crew, finished: Callable[[], bool], deadline: float
) -> tuple[list[dict[str, Any]], bool]:
    while True:
        filed = crew.filed()
        if filed is not None and finished():
            return filed, True
        if time.time() > deadline:
            return filed or [], False
        crew.check()
        time.sleep(LOOK_EVERY_S)


def _waiting(conn: psycopg.Connection) -> bool:
    row = conn.execute(
        "SELECT EXISTS (SELECT FROM worker_notifications WHERE status = 'waiting')"
    ).fetchone()
    return bool(row and row[0])


def _since(conn: psycopg.Connection, first: float, last: float, messages: int, filed: int) -> Run:
    """The rate over the first messages processed, as many of them as were filed meanwhile.

    Filing is part of it: the run does not end before the clients do.
    """
    time.sleep(STATISTICS_S)
    times = [
        when
        for (when,) in conn.execute(
            "SELECT extract(epoch FROM processed_at)::float8 FROM worker_notifications "
            "WHERE processed_at >= to_timestamp(%s) ORDER BY 1 LIMIT %s",
            (first, messages),
        )
    ]
    if not times:
        return Run(0.0, 0, 0.0)
    if len(times) < filed:
        return Run(len(times) / max(0.001, times[-1] - first), len(times), times[-1] - first)
    ended = max(times[filed - 1], last) if filed else last
    return Run(filed / max(0.001, ended - first), filed, ended - first)


def wait_for_workers(url: str, crew: Crew, question: str, count: int) -> None:
    """Return when the database answers that so many workers have come up."""
    deadline = time.monotonic() + READY_WITHIN_S
    with connect(url, role="bench", autocommit=True) as conn:
        while time.monotonic() < deadline:
            row = conn.execute(question.encode()).fetchone()
            if row and row[0] >= count:
                time.sleep(SETTLE_S)
                return
            crew.check()
            time.sleep(LOOK_EVERY_S)
    raise StageError(f"the workers were not ready within {READY_WITHIN_S:.0f} s")


def used_folder(folder: Path, name: str) -> Path:
    """A folder of that name that nobody has used yet."""
    number = 1
    while (folder / f"{name}-{number}").exists():
        number += 1
    return folder / f"{name}-{number}"
