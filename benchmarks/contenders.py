"""The contenders: how each is set up and run once."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.measure import (
    Run,
    observe,
    observe_filing,
    used_folder,
    wait_for_workers,
)
from benchmarks.process import Crew, crew
from benchmarks.server import Server

DATABASE = "bench_run"
LIMIT_PASSES = 3

OURS_AT_WORK = "SELECT count(*) FROM procrastinate_workers"
"""How many of our workers have come up; the peers' questions are below."""

PEERS_AT_WORK = {
    "plain_procrastinate": OURS_AT_WORK,
    "pgqueuer": "SELECT count(*) FROM pg_stat_activity"
    " WHERE datname = current_database() AND application_name = '' AND backend_type LIKE 'client%'",
    "oban": "SELECT count(*) FROM oban_producers",
}


@dataclass(frozen=True, slots=True)
class Plan:
    """How to run: processes on each side, the bodies, how many and for how long at most."""

    folder: Path
    bodies: Path
    messages: int
    skip: int = 0
    ingesters: int = 2
    workers: int = 2
    batch: int = 100
    limit_s: float = 60.0

    def of(self, messages: int) -> Plan:
        """The same with another number of messages."""
        return replace(self, messages=messages)


def clients(group: Crew, role: str, plan: Plan, *, passes: int = 1) -> None:
    """Start the clients of a plan, each with its share of the bodies."""
    for part in range(plan.ingesters):
        group.client(
            role,
            f"ingest-{part + 1}",
            plan.bodies,
            skip=plan.skip,
            count=plan.messages,
            part=part,
            parts=plan.ingesters,
            batch=plan.batch,
            seconds=plan.limit_s,
            passes=passes,
        )


def run_ours(server: Server, plan: Plan) -> Run:
    """Ours: T1 and T2 together, with real worker processes."""
    with server.database(DATABASE) as url:
        return run_ours_in(url, plan)


def run_ours_in(url: str, plan: Plan, *, backlog: bool = False) -> Run:
    """The same in a database that exists already."""
    with crew(used_folder(plan.folder, "ours"), url) as group:
        for number in range(plan.workers):
            group.worker(f"worker-{number + 1}")
        clients(group, "ours", plan)
        wait_for_workers(url, group, OURS_AT_WORK, plan.workers)
        return observe(url, group, plan.messages, limit_s=plan.limit_s, backlog=backlog)


def run_limit(server: Server, plan: Plan) -> Run:
    """The bodies into the inbox, with the keys it requires, and nothing else."""
    with server.database(DATABASE) as url, crew(used_folder(plan.folder, "limit"), url) as group:
        clients(group, "limit", plan)
        return observe_filing(url, group, limit_s=plan.limit_s + 10)


def run_limit_bodies(server: Server, plan: Plan) -> Run:
    """The bare bodies into the half without keys, several times, so that it lasts a while."""
    with (
        server.database(DATABASE) as url,
        crew(used_folder(plan.folder, "limit_bodies"), url) as group,
    ):
        clients(group, "limit_bodies", plan, passes=LIMIT_PASSES)
        return observe_filing(url, group, limit_s=plan.limit_s + 10)


def run_hand_written(server: Server, plan: Plan) -> Run:
    """Four statements per message, no queue."""
    with (
        server.database(DATABASE) as url,
        crew(used_folder(plan.folder, "hand_written"), url) as group,
    ):
        clients(group, "hand_written", plan)
        return observe_filing(url, group, limit_s=plan.limit_s + 10)


def peer_runner(peer: str, python: Path | None = None) -> Callable[[Server, Plan], Run]:
    """How to run a peer with the interpreter that has it installed."""

    def run_peer(server: Server, plan: Plan) -> Run:
        with (
            server.database(DATABASE) as url,
            crew(used_folder(plan.folder, peer), url, str(python or sys.executable)) as group,
        ):
            group.install(peer)
            for number in range(plan.workers):
                group.worker(f"worker-{number + 1}", peer)
            clients(group, peer, plan)
            wait_for_workers(url, group, PEERS_AT_WORK[peer], plan.workers)
            return observe(url, group, plan.messages, limit_s=plan.limit_s)

    return run_peer
