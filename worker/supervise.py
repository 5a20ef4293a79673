"""Keeps child processes alive: starts them, restarts those that exit, stops them together."""

from __future__ import annotations

import random
import signal
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from process.logs import get_logger
from process.stopping import StopSign

log = get_logger(__name__)

RESTART_FIRST_S = 0.5
RESTART_LONGEST_S = 30.0
HEALTHY_AFTER_S = 60.0
"""A child that ran this long is restarted soon; one that dies sooner waits longer each time."""
STOP_WITHIN_S = 40.0
"""Longer than a worker takes to finish its jobs and deliveries; what is left then is killed."""


@dataclass(slots=True)
class Child:
    """A process to keep alive."""

    name: str
    command: Sequence[str]
    restarts: int = 0
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    due_at: float = 0.0
    delay_s: float = field(default=RESTART_FIRST_S)


class Supervisor:
    """Runs children until told to stop, or until SIGTERM, SIGINT or the end of its terminal."""

    def __init__(self, children: Sequence[Child]) -> None:
        self._children = children
        self._stop = StopSign()

    def stop(self) -> None:
        """Ask it to stop. Safe in a signal handler."""
        self._stop.show()

    def run(self) -> None:
        """Supervise until stopped; then stop the children and wait for them."""
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:  # nohup
                signal.signal(number, lambda _number, _frame: self.stop())
        try:
            while not self._stop.is_shown():
                for child in self._children:
                    self._tend(child)
                self._stop.wait(0.2)
        finally:
            self._stop_children()

    def _tend(self, child: Child) -> None:
        now = time.monotonic()
        if child.process is None:
            if now >= child.due_at:
                # A session of its own: what a terminal or a shell sends to the whole group reaches
                # the supervisor alone. A worker would end in mid-job when its terminal closes.
                child.process = subprocess.Popen(  # noqa: S603  our own commands
                    child.command, start_new_session=True
                )
                child.started_at = now
                log.info("child_started", child=child.name, pid=child.process.pid)
            return
        code = child.process.poll()
        if code is None:
            return
        if now - child.started_at >= HEALTHY_AFTER_S:
            child.delay_s = RESTART_FIRST_S
        wait_s = child.delay_s * (0.5 + random.random() / 2)
        child.process, child.due_at = None, now + wait_s
        child.delay_s = min(child.delay_s * 2, RESTART_LONGEST_S)
        child.restarts += 1
        log.error("child_exited", child=child.name, code=code, restart_in_s=round(wait_s, 1))

    def _stop_children(self) -> None:
        running = [c for c in self._children if c.process is not None and c.process.poll() is None]
        for child in running:
            if child.process is not None:
                child.process.terminate()
        deadline = time.monotonic() + STOP_WITHIN_S
        for child in running:
            if child.process is None:
                continue
            try:
                child.process.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                log.error("child_killed", child=child.name, pid=child.process.pid)
                child.process.kill()
                child.process.wait()
