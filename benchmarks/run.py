"""`python -m benchmarks.run`: measure, show, write down. The last line is one JSON object."""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from benchmarks import server
from benchmarks.process import ROOT
from benchmarks.report import (
    METHOD,
    hardware,
    show,
    summary,
    write_docs,
    write_json,
    write_memory,
)
from benchmarks.suite import CONTENDERS, EXTRA, FULL, GROWTH, QUICK, Suite

CACHE = "BUYBOX_BENCH_CACHE"
"""The setting that says where peers are installed; else .buybox/bench."""

WIDTH = 118
LONG = ("ours_uniform", "ours_sqs", "limit_bodies", "workers", "idle", "history")
"""Left out of the quick run."""


def main(argv: list[str] | None = None) -> int:
    """The command line."""
    given = _parser().parse_args(argv)
    size = QUICK if given.quick else FULL
    if given.rounds:
        size = replace(size, rounds=given.rounds)
    names = (*CONTENDERS, *GROWTH)
    wanted = given.only or [n for n in names if not (given.quick and n in LONG)]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))  # the children end too
    console = Console(highlight=False)
    console.width = max(console.width, WIDTH)
    folder = Path(tempfile.mkdtemp(prefix="buybox-bench-"))
    cache = Path(os.environ.get(CACHE) or ROOT / ".buybox" / "bench")
    try:
        with server.running(folder) as postgres:
            where = hardware(postgres.version())
            suite = Suite(postgres, size, folder, cache, tuple(wanted), say=console.print)
            results = suite.run()
    finally:
        if not given.keep:
            shutil.rmtree(folder, ignore_errors=True)
    show(console, results)
    if given.docs and "memory" in results:
        write_memory(given.docs / "benchmarks", results.pop("memory"))
    if wanted == ["memory"] and given.json and given.json.exists():
        # The long run is measured apart: the page is written again with the last results.
        last = json.loads(given.json.read_text(encoding="utf-8"))
        results, where = last["results"], last["hardware"]
    if given.json:
        write_json(given.json, results, where)
    if given.docs:
        write_docs(given.docs, METHOD.read_text(encoding="utf-8"), results, where)
    print(json.dumps(summary(results)))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.run",
        description="Throughput and latency of buybox and its peers on one durable Postgres.",
    )
    choices = (*CONTENDERS, *GROWTH, *EXTRA)
    parser.add_argument("--quick", action="store_true", help="under two minutes, fewer figures")
    parser.add_argument(
        "--only", nargs="+", choices=choices, metavar="NAME", help=", ".join(choices)
    )
    parser.add_argument("--rounds", type=int, help="runs of each contender (default 3, quick 1)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything as JSON")
    parser.add_argument(
        "--docs", type=Path, metavar="FOLDER", help="write benchmarks.md and charts"
    )
    parser.add_argument("--keep", action="store_true", help="keep the logs of the processes")
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
