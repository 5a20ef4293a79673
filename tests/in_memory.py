"""Where the tests' Postgres keeps its data: in memory, if the machine has plenty."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

import psutil

SHARED_MEMORY = Path("/dev/shm")  # on Linux
# What four servers take, and as much again for whatever else is on the machine.
ENOUGH_BYTES = 8 * 1024**3


def folder_in_memory(shared: Path = SHARED_MEMORY) -> Path | None:
    """Shared memory if it has room; None leaves the choice to the machine, and to TMPDIR.

    A test's database is a copy of twelve megabytes. These reach the disk sooner or later, though
    nobody waits for it, and a slow disk makes a run last three times as long.
    """
    if "TMPDIR" in os.environ or not os.access(shared, os.W_OK):
        return None
    room = min(shutil.disk_usage(shared).free, psutil.virtual_memory().available)
    return shared if room >= ENOUGH_BYTES else None


def purpose_of_this_run() -> str:
    """The name of this process's folder, so that a later run knows whose it was."""
    return f"tests-{os.getpid()}"


def clear_up_after_killed_runs(folder: Path) -> None:
    """Free the memory of runs that could not clean up. A server left over ends with its data."""
    for left in folder.glob("buybox-tests-*"):
        whose = re.fullmatch(r"buybox-tests-(\d+)-\w+", left.name)
        if whose and not psutil.pid_exists(int(whose[1])):
            shutil.rmtree(left, ignore_errors=True)
