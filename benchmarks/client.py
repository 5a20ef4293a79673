"""A process of the benchmark: files bodies one way or another, or works for a peer.

`python -m benchmarks.client ROLE --folder=FOLDER --name=NAME ...`, started by `benchmarks.process`.
It says that it is ready with a file, waits for the file `go`, and leaves what it did in a file.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import resource
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

from benchmarks.bodies import read_arrivals
from benchmarks.desk import Desk
from db.connect import connect
from process.logs import configure_logs
from process.memory import spare_the_collector
from worker.ingest.filing import Filer, file_letters, open_letter
from worker.ingest.notification import Arrival
from worker.settings import load_settings

PEERS = ("plain_procrastinate", "pgqueuer", "oban")
BASELINES = ("limit", "limit_bodies", "hand_written")
TICK_S = 0.05
"""How long a paced client gathers messages: as long as the ingester fills a transaction."""


@dataclass(slots=True)
class Done:
    """What a client did. Times are seconds since 1970; `commits`: (message ids, when) per batch."""

    messages: int = 0
    first_at: float = 0.0
    last_at: float = 0.0
    cpu_s: float = 0.0
    commits: list[tuple[list[str], float]] = field(default_factory=list)


def main() -> None:
    """Run the process."""
    given = _arguments()
    url = os.environ["DATABASE_URL"]
    if given.role == "work":
        peer(given.peer).work(url)
        return
    if given.role == "install":
        peer(given.peer).install(url)
        return
    arrivals = (
        read_arrivals(
            given.bodies, skip=given.skip, count=given.count, part=given.part, parts=given.parts
        )
        * given.passes
    )
    if given.role == "limit":
        arrivals = importlib.import_module("benchmarks.baselines").ready_made(arrivals)
    with _desk(given, url) as file:
        spare_the_collector()
        _wait_for_go(given.folder, given.name)
        done = _paced(arrivals, file, given) if given.rate else _flat_out(arrivals, file, given)
    done.cpu_s = time.process_time()
    _leave(given.folder / f"{given.name}.json", asdict(done))


def peer(name: str) -> Any:
    """The module of a peer; it imports its queue, so it must run where that is installed."""
    return importlib.import_module(f"benchmarks.peers.{name}")


@contextmanager
def _desk(given: argparse.Namespace, url: str) -> Iterator[Desk]:
    if given.role in PEERS:
        with peer(given.role).open_desk(url) as file:
            yield lambda arrivals: file(_open(cast("Sequence[Arrival]", arrivals)))
    elif given.role in BASELINES:
        baselines = importlib.import_module("benchmarks.baselines")
        with baselines.DESKS[given.role](url) as file:
            yield file
    else:
        settings = load_settings()
        configure_logs(settings, process="ingest")
        filer = Filer.from_settings(settings)
        with connect(url, role="ingest", autocommit=True) as conn:

            def file_batch(arrivals: Sequence[Any]) -> None:
                file_letters(conn, _open(arrivals), filer, now=datetime.now(UTC))

            yield file_batch


def _open(arrivals: Sequence[Arrival]) -> list[Any]:
    now = datetime.now(UTC)
    return [open_letter(arrival, now=now) for arrival in arrivals]


def _flat_out(arrivals: list[Arrival], file: Desk, given: argparse.Namespace) -> Done:
    done = Done(first_at=time.time())
    deadline = done.first_at + given.seconds
    for start in range(0, len(arrivals), given.batch):
        batch = arrivals[start : start + given.batch]
        file(cast("Any", batch))
        done.messages += len(batch)
        if time.time() > deadline:
            break
    done.last_at = time.time()
    return done


def _paced(arrivals: list[Arrival], file: Desk, given: argparse.Namespace) -> Done:
    """Messages come evenly at `rate`; at every tick those that have come are filed."""
    done = Done(first_at=time.time())
    while done.messages < len(arrivals) and time.time() < done.first_at + given.seconds:
        came = min(len(arrivals), int((time.time() - done.first_at) * given.rate))
        batch = arrivals[done.messages : min(came, done.messages + given.batch)]
        if not batch:
            time.sleep(TICK_S)
            continue
        file(cast("Any", batch))
        done.commits.append(([str(a.message_id) for a in batch], time.time()))
        done.messages += len(batch)
        if len(batch) < given.batch:
            time.sleep(TICK_S)
    done.last_at = time.time()
    return done


def _wait_for_go(folder: Path, name: str) -> None:
    (folder / f"{name}.ready").touch()
    deadline = time.monotonic() + 120
    while not (folder / "go").exists():
        if time.monotonic() > deadline:
            raise SystemExit("nobody said go")
        time.sleep(0.005)


def _leave(path: Path, found: dict[str, Any]) -> None:
    found["max_rss_kb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    part = path.with_suffix(".part")
    part.write_text(json.dumps(found))
    part.replace(path)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.client")
    parser.add_argument("role", choices=("ours", *BASELINES, "work", "install", *PEERS))
    parser.add_argument("--peer", choices=PEERS)
    parser.add_argument("--folder", type=Path, default=Path())
    parser.add_argument("--name", default="client")
    parser.add_argument("--bodies", type=Path)
    parser.add_argument("--skip", type=int, default=0)
    parser.add_argument("--count", type=int, default=0)
    parser.add_argument("--part", type=int, default=0)
    parser.add_argument("--parts", type=int, default=1)
    parser.add_argument("--passes", type=int, default=1)
    parser.add_argument("--batch", type=int, default=100)
    parser.add_argument("--rate", type=float, default=0.0)
    parser.add_argument("--seconds", type=float, default=60.0)
    return parser.parse_args()


if __name__ == "__main__":
    main()
