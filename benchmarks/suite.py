"""What is measured, in which order, and what is left out when there is no time or no software."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks import growth
from benchmarks.bodies import make_bodies
from benchmarks.contenders import (
    Plan,
    peer_runner,
    run_hand_written,
    run_limit,
    run_limit_bodies,
    run_ours,
    run_ours_in,
)
from benchmarks.emulator import run_through_sqs
from benchmarks.environments import NotAvailableError, peer_python
from benchmarks.latency import as_json, measure_latency
from benchmarks.measure import Run
from benchmarks.server import Server
from db.connect import connect
from worker.demo.children import StageError

CONTENDERS = (
    *("ours", "limit", "limit_bodies", "hand_written", "procrastinate", "pgqueuer", "oban"),
    *("ours_uniform", "ours_sqs"),
)
GROWTH = ("backlog", "workers", "idle", "latency", "history")
EXTRA = ("memory",)
"""Measured only when asked for by name."""

LOADS = (0.1, 0.5, 0.8)
Runner = Callable[[Server, Plan], Run]


@dataclass(frozen=True, slots=True)
class Size:
    """How much of everything."""

    rounds: int
    messages: int
    limit_messages: int
    peer_messages: int
    limit_s: float
    latency_s: float
    loads: tuple[float, ...]
    backlogs: tuple[int, ...]
    history: int
    budget_s: float


FULL = Size(3, 12_000, 16_000, 2_000, 14.0, 8.0, LOADS, (0, 100_000, 1_000_000), 10_000_000, 840)
QUICK = Size(1, 6_000, 6_000, 400, 6.0, 3.5, (0.5,), (0, 100_000), 0, 100)


@dataclass(slots=True)
class Suite:
    """One invocation. Results gather in `results`, by name."""

    server: Server
    size: Size
    folder: Path
    cache: Path
    wanted: tuple[str, ...]
    say: Callable[[str], None]
    began: float = field(default_factory=time.time)
    results: dict[str, Any] = field(default_factory=dict)

    def run(self) -> dict[str, Any]:
        """Everything that is wanted; returns the results."""
        self.say("making the bodies")
        now = datetime.now(UTC)
        count = max(self.size.messages * (self.size.rounds + 1), self.size.limit_messages)
        make_bodies(self._bodies("zipf"), count, "zipf", now=now)
        if "ours_uniform" in self.wanted:
            make_bodies(self._bodies("uniform"), self.size.messages, "uniform", now=now)
        self._contest()
        for name, measure in (
            ("latency", self._latency),
            ("workers", self._workers),
            ("idle", self._idle),
            ("backlog", self._backlog),
            ("history", self._history),
            ("memory", self._memory),
        ):
            if name in self.wanted:
                with self._no_matter_what(name):
                    measure()
        return self.results

    # the contest -------------------------------------------------------------------------------

    def _contest(self) -> None:
        """All contenders once per round, so that the machine's moods affect all alike."""
        runners = dict(self._runners())
        for turn in range(self.size.rounds):
            for name, (runner, plan) in runners.items():
                if self._left() < 2 * plan.limit_s and turn > 0:
                    self._skip(name, f"no time left for round {turn + 1}")
                    continue
                with self._no_matter_what(name):
                    self._note(name, runner(self.server, plan))

    def _runners(self) -> Iterator[tuple[str, tuple[Runner, Plan]]]:
        plan, peers = self._plan(), self._plan().of(self.size.peer_messages)
        offered: dict[str, tuple[Runner, Plan]] = {
            "ours": (run_ours, plan),
            "limit": (run_limit, plan.of(self.size.limit_messages)),
            "limit_bodies": (run_limit_bodies, plan.of(self.size.limit_messages)),
            "hand_written": (run_hand_written, peers),
            "procrastinate": (peer_runner("plain_procrastinate"), peers),
            "ours_uniform": (run_ours, replace(plan, bodies=self._bodies("uniform"))),
            "ours_sqs": (lambda server, p: run_through_sqs(server, p, self.cache), plan),
        }
        for name in CONTENDERS:
            if name not in self.wanted:
                continue
            if name in offered:
                yield name, offered[name]
                continue
            with self._no_matter_what(name):
                self.say(f"installing {name}, if it is not there yet")
                started = time.time()
                python = peer_python(name, self.cache)
                self.began += time.time() - started  # downloads do not count as measuring time
                yield name, (peer_runner(name, python), peers)

    # what grows --------------------------------------------------------------------------------

    def _latency(self) -> None:
        top = self._rate("ours")
        if top is None:
            self._skip("latency", "there is no rate of ours to take a share of")
            return
        self.results["latency"] = {"of": top, "loads": {}}
        for load in self.size.loads:
            found = measure_latency(self.server, self._plan(), load * top, self.size.latency_s)
            self.results["latency"]["loads"][f"{load:.0%}"] = as_json(found)
            self.say(f"latency at {load:.0%}: p50 {found.p50_ms} ms, p99 {found.p99_ms} ms")

    def _workers(self) -> None:
        for count in (1, 2, 4):
            plan = replace(self._plan(), workers=count)
            self._note(f"workers_{count}", run_ours(self.server, plan))

    def _idle(self) -> None:
        name = "bench_idle"
        with self.server.database(name) as url, growth.idle_in_transaction(url):
            for turn in range(min(2, self.size.rounds)):
                plan = replace(self._plan(), skip=turn * self.size.messages)
                self._note("idle_in_transaction", run_ours_in(url, plan))

    def _backlog(self) -> None:
        names = {count: f"bench_backlog_{count}" for count in self.size.backlogs}
        try:
            for count in list(names):
                url = self.server.create(names[count])
                if count and not self._seeded(url, count):
                    self._skip(f"backlog_{count}", "no time left to lay it down")
                    self.server.drop(names.pop(count))
            for turn in range(self.size.rounds):
                for count, name in names.items():
                    if self._left() < self.size.limit_s and turn > 0:
                        continue
                    self._one_backlog(self.server.address(name), count, turn)
        finally:
            for name in names.values():
                self.server.drop(name)

    def _one_backlog(self, url: str, count: int, turn: int) -> None:
        plan = replace(self._plan(), skip=turn * self.size.messages, limit_s=2 * self.size.limit_s)
        if count and turn:
            self._seeded(url, count)
        self._note(f"backlog_{count}", run_ours_in(url, plan, backlog=True))

    def _seeded(self, url: str, count: int) -> bool:
        with connect(url, role="bench", statement_timeout="0") as conn:
            row = conn.execute(
                "SELECT count(*) FROM worker_notifications WHERE status = 'waiting'"
            ).fetchone()
        missing = count - (int(row[0]) if row else 0)
        if missing <= 0:
            return True
        self.say(f"laying down {missing:,} waiting messages")
        deadline = time.time() + max(10.0, self._left() - 2 * self.size.limit_s)
        return growth.seed_backlog(url, self._bodies("zipf"), missing, deadline)

    def _history(self) -> None:
        for count in (0, self.size.history):
            with self.server.database("bench_history") as url:
                self.say(f"laying down {count:,} rows of history")
                deadline = time.time() + self._left() - 2 * self.size.limit_s
                if count and not growth.seed_history(url, count, deadline):
                    self._skip(f"history_{count}", "no time left to lay it down")
                    return
                for turn in range(min(2, self.size.rounds)):
                    plan = replace(self._plan(), skip=turn * self.size.messages)
                    self._note(f"history_{count}", run_ours_in(url, plan))

    def _memory(self) -> None:
        """A worker's memory while it works off a million messages."""
        self.results["memory"] = growth.watch_memory(
            self.server, self._plan(), self._bodies("zipf"), self.say
        )

    # helpers -----------------------------------------------------------------------------------

    def _plan(self) -> Plan:
        return Plan(
            self.folder / "runs",
            self._bodies("zipf"),
            self.size.messages,
            limit_s=self.size.limit_s,
        )

    def _bodies(self, spread: str) -> Path:
        return self.folder / f"bodies-{spread}"

    def _left(self) -> float:
        return self.began + self.size.budget_s - time.time()

    def _rate(self, name: str) -> float | None:
        rate: float | None = self.results.get(name, {}).get("per_s")
        return rate

    def _note(self, name: str, run: Run) -> None:
        found = self.results.setdefault(name, {"runs": []})
        found.setdefault("runs", []).append(asdict(run))
        rates = [one["per_s"] for one in found["runs"]]
        found.update(
            per_s=round(median(rates), 1),
            lowest=round(min(rates), 1),
            highest=round(max(rates), 1),
            wal_bytes_per_message=round(
                median(one["wal_bytes_per_message"] for one in found["runs"])
            ),
            dead_tuples=sum(run.dead_tuples.values()),
            complete=all(one["complete"] for one in found["runs"]),
        )
        self.say(f"{name}: {run.per_s:,.0f}/s" + ("" if run.complete else " (time was up)"))

    def _skip(self, name: str, reason: str) -> None:
        self.results.setdefault(name, {})["skipped"] = reason
        self.say(f"{name}: {reason}")

    @contextmanager
    def _no_matter_what(self, name: str) -> Iterator[None]:
        """One contender that cannot run does not spoil the others."""
        try:
            yield
        except (NotAvailableError, StageError) as error:
            self._skip(name, str(error))
