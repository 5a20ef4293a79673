"""Periodic tasks after a gap: what was missed is made up for once.

procrastinate makes a job for each time of a periodic task since the last it knows of. After an hour
in which the machine was suspended, or by which its clock was put forward, that is some 1,500 jobs,
all of them ahead of any analysis. If the clock was put back, it makes none until the clock is back
where it was: no rescue, no tick of the alerts.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import procrastinate


def make_up_once(app: procrastinate.App, clock: Callable[[], float] = time.time) -> None:
    """Of the times that a periodic task has missed, let only the last one count.

    For tasks of which one run does what all would have done. `clock` gives seconds since 1970.
    """
    for task in app.periodic_registry.periodic_tasks.values():
        # Where its cached property keeps it: the task itself is frozen.
        vars(task)["croniter"] = _LastTime(task.croniter, clock)


class _LastTime:
    """A task's times as procrastinate asks for them: set to one, then the next or previous ones."""

    def __init__(self, times: Any, clock: Callable[[], float]) -> None:
        self._times = times
        self._clock = clock
        self.get_next = times.get_next
        self.get_prev = times.get_prev

    def set_current(self, start_time: float) -> float:
        """As asked, but no further back than just before the last time, and never in the future."""
        now = self._clock()
        last: float = self._times.get_prev(ret_type=float, start_time=now)
        began: float = self._times.set_current(
            start_time=start_time if last <= start_time <= now else last - 1
        )
        return began
