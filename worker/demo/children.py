"""Child processes with a log file and a session each, stopped by their own pid."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from worker.demo.texts import printable
from worker.errors import BuyboxError

STOP_WITHIN_S = 10.0
_TAIL_BYTES = 64 * 1024
_UNREMARKABLE = frozenset({"quarantined", "open_on_loopback"})
"""Warnings that the demo provokes on purpose."""
_GREETING = "Launching a worker"
"""procrastinate's command says this before there are any logs."""


class StageError(BuyboxError):
    """Something the demo stands on is not there, or is gone."""


class Child:
    """One process of the demo. What it writes goes into `log`."""

    def __init__(
        self, name: str, command: Sequence[str], environment: Mapping[str, str], folder: Path
    ) -> None:
        self.name = name
        self.log = folder / f"{name}.log"
        with self.log.open("wb") as log:
            # A session of its own: a Ctrl-C in the terminal reaches the demo alone, which then
            # stops its children in the right order.
            self._process = subprocess.Popen(
                command,
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """Its exit code; None while it runs."""
        return self._process.poll()

    def check(self) -> None:
        """Raise StageError if it has ended, with the end of its log."""
        if self.exit_code is not None:
            raise StageError(
                f"{self.name} has ended with code {self.exit_code}; its log {self.log} ends:\n"
                f"{self.tail()}"
            )

    def ask_to_stop(self) -> None:
        """SIGTERM, if it still runs."""
        if self.exit_code is None:
            self._process.terminate()

    def wait_or_kill(self, deadline: float) -> int:
        """Its exit code, once it has ended; SIGKILL at the deadline (of the monotonic clock)."""
        try:
            return self._process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()

    def tail(self) -> str:
        """The last lines of its log, safe to print."""
        size = self.log.stat().st_size
        with self.log.open("rb") as log:
            log.seek(max(0, size - _TAIL_BYTES))
            last = log.read().decode("utf-8", "replace").splitlines()[-15:]
        return "\n".join(f"  {printable(line)}" for line in last) or "  (nothing)"

    def said(self, event: str) -> dict[str, Any] | None:
        """The first line of its log that tells of this event; None while there is none."""
        with self.log.open(encoding="utf-8", errors="replace") as log:
            for line in log:
                with suppress(ValueError):
                    found = json.loads(line)
                    if isinstance(found, dict) and found.get("event") == event:
                        return found
        return None

    def complaints(self) -> Iterator[str]:
        """Lines of its log that are warnings or worse, or no JSON at all."""
        with self.log.open(encoding="utf-8", errors="replace") as log:
            for line in log:
                if _is_complaint(line):
                    yield printable(line.strip())


def stop(children: Sequence[Child]) -> None:
    """Ask all to stop, wait, and kill what is left after ten seconds."""
    for child in children:
        child.ask_to_stop()
    deadline = time.monotonic() + STOP_WITHIN_S
    for child in children:
        child.wait_or_kill(deadline)


def _is_complaint(line: str) -> bool:
    try:
        said = json.loads(line)
        level, event = said["level"], said["event"]
    except (ValueError, TypeError, KeyError):
        return bool(line.strip()) and not line.startswith(_GREETING)
    return level in {"warning", "error", "critical"} and event not in _UNREMARKABLE
