"""The benchmark's child processes: started, awaited and ended by their own id."""

from __future__ import annotations

import json
import os
import re
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from worker.demo.children import Child, StageError, stop
from worker.demo.emulator import environment

ROOT = Path(__file__).resolve().parent.parent
READY_WITHIN_S = 60.0
LOOK_EVERY_S = 0.02

_DURATION = re.compile(r'"duration_ms": ?([0-9.]+)')


class Crew:
    """The processes of one run. `folder` is theirs alone."""

    def __init__(self, folder: Path, database_url: str, python: str = sys.executable) -> None:
        folder.mkdir(parents=True)
        self.folder = folder
        self.python = python
        self._children: list[Child] = []
        self._clients: list[str] = []
        self._workers: list[Child] = []
        self._environment = environment(os.environ) | {
            "DATABASE_URL": database_url,
            "PYTHONPATH": str(ROOT),
            "PYTHONUNBUFFERED": "1",
        }

    def client(self, role: str, name: str, bodies: Path, **given: float) -> None:
        """Start a client that files bodies once `go` is said."""
        options = [f"--{key}={value}" for key, value in given.items()]
        self.start(
            name,
            [
                *(self.python, "-m", "benchmarks.client", role, f"--folder={self.folder}"),
                *(f"--name={name}", f"--bodies={bodies}", *options),
            ],
        )
        self._clients.append(name)

    def worker(self, name: str, peer: str | None = None) -> None:
        """Start one of our workers, or one of a peer's."""
        command = ["-m", "procrastinate", "--app=worker.app.app", "worker"]
        if peer:
            command = ["-m", "benchmarks.client", "work", f"--peer={peer}"]
        self._workers.append(self.start(name, [self.python, *command]))

    def install(self, peer: str) -> None:
        """Let a peer install its schema."""
        child = self.start(
            "install", [self.python, "-m", "benchmarks.client", "install", f"--peer={peer}"]
        )
        if child.wait_or_kill(time.monotonic() + READY_WITHIN_S) != 0:
            raise StageError(f"{peer} could not be installed:\n{child.tail()}")
        self._children.remove(child)

    def start(self, name: str, command: Sequence[str], **more: str) -> Child:
        """Start a process; `more` is added to its environment."""
        child = Child(name, command, {**self._environment, "WORKER_ID": name, **more}, self.folder)
        self._children.append(child)
        return child

    def go(self) -> None:
        """Wait until every client is ready, and let them begin."""
        deadline = time.monotonic() + READY_WITHIN_S
        while not all((self.folder / f"{name}.ready").exists() for name in self._clients):
            self.check()
            if time.monotonic() > deadline:
                raise StageError(f"the clients were not ready within {READY_WITHIN_S:.0f} s")
            time.sleep(LOOK_EVERY_S)
        (self.folder / "go").touch()

    def check(self) -> None:
        """Raise StageError when a process has ended that should not have."""
        for child in self._children:
            if not (child.name in self._clients and child.exit_code == 0):
                child.check()

    def filed(self) -> list[dict[str, Any]] | None:
        """What the clients did; None while one is still at it."""
        paths = [self.folder / f"{name}.json" for name in self._clients]
        if not all(path.exists() for path in paths):
            return None
        return [json.loads(path.read_text()) for path in paths]

    def workers_rss_mb(self) -> list[float]:
        """Resident memory of each worker (Linux; empty elsewhere)."""
        return [rss for child in self._workers if (rss := _rss_mb(child.pid))]

    def cpu_s(self) -> dict[str, float]:
        """Processor time of each process that still runs, by name (Linux; empty elsewhere)."""
        return {c.name: used for c in self._children if (used := _cpu_s(c.pid)) is not None}

    def t2_ms(self) -> list[float]:
        """How long each T2 of our workers took, as they logged it (milliseconds), sorted."""
        return sorted(
            float(found)
            for child in self._workers
            for found in _DURATION.findall(child.log.read_text("utf-8", errors="replace"))
        )

    def close(self) -> None:
        """Stop all; what is left after ten seconds is killed."""
        stop(list(reversed(self._children)))
        self._children.clear()


@contextmanager
def crew(folder: Path, database_url: str, python: str = sys.executable) -> Iterator[Crew]:
    """The processes of one run, none left behind."""
    found = Crew(folder, database_url, python)
    try:
        yield found
    finally:
        found.close()


def _rss_mb(pid: int) -> float | None:
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except (OSError, IndexError, ValueError):
        return None
    return round(pages * os.sysconf("SC_PAGE_SIZE") / 2**20, 1)


def _cpu_s(pid: int) -> float | None:
    try:
        parts = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return (int(parts[11]) + int(parts[12])) / os.sysconf("SC_CLK_TCK")
