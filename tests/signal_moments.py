"""A program: SIGTERM comes at every moment of a wait, one after the other. `test_stopping` runs it.

It is a process of its own, since one that waits for its own lock does nothing any more.
"""

from __future__ import annotations

import faulthandler
import signal
import sys
from collections.abc import Callable
from types import FrameType
from typing import Protocol

from worker.ingest.service import Ingester
from worker.settings import Settings
from worker.supervise import Supervisor

MOMENTS = 16
"""Calls and returns from the beginning of a wait on: more than one wait has."""
HANGS_AFTER_S = 10


class Stoppable(Protocol):
    """Whatever a signal handler tells to stop."""

    def stop(self) -> None:
        """Ask it to."""


def supervise() -> tuple[Stoppable, Callable[[], None]]:
    """A supervisor waits between its looks at the children."""
    supervisor = Supervisor([])
    return supervisor, supervisor.run


def ingest() -> tuple[Stoppable, Callable[[], None]]:
    """An ingester waits between two tries at a database that is away."""
    settings = Settings(database_url="postgresql://nobody@127.0.0.1:1/none", aws_region="eu-west-1")
    ingester = Ingester(settings, queues=[])
    return ingester, lambda: ingester._file([])


def run(scene: Callable[[], tuple[Stoppable, Callable[[], None]]], moment: int) -> bool:
    """Whether the signal came; returns only if the scene ended."""
    who, act = scene()
    seen = -1

    def look(frame: FrameType, _event: str, _argument: object) -> None:
        nonlocal seen
        if seen >= 0 or frame.f_code.co_name == "wait":
            seen += 1
            if seen == moment:
                signal.raise_signal(signal.SIGTERM)

    signal.signal(signal.SIGTERM, lambda *_: who.stop())
    faulthandler.dump_traceback_later(HANGS_AFTER_S, exit=True)
    sys.setprofile(look)
    try:
        act()
    finally:
        sys.setprofile(None)
        faulthandler.cancel_dump_traceback_later()
    return seen >= moment


if __name__ == "__main__":
    scene = {"supervise": supervise, "ingest": ingest}[sys.argv[1]]
    print(sum(run(scene, moment) for moment in range(MOMENTS)))  # noqa: T201
