"""Periodic tasks after a suspended hour, and after the clock was put forward or back."""

from __future__ import annotations

import time

import procrastinate
import pytest
from procrastinate.periodic import PeriodicDeferrer
from procrastinate.testing import InMemoryConnector
from psycopg_pool import ConnectionPool

from worker.app import build_app
from worker.periods import make_up_once
from worker.settings import Settings

HOUR_S = 3600
TWELVE = 500_000 * HOUR_S
"""A full hour, in seconds since 1970."""

TASKS = {"tens": "* * * * * */10", "minutes": "* * * * *", "hours": "17 * * * *"}


class Deferrer:
    """procrastinate's own, for tasks every ten seconds, every minute and every hour."""

    def __init__(self):
        app = procrastinate.App(connector=InMemoryConnector())
        for name, cron in TASKS.items():
            app.periodic(cron=cron)(app.task(name=name)(print))
        make_up_once(app, clock=lambda: self.now)
        self.now = 0.0
        self._deferrer = PeriodicDeferrer(app.periodic_registry)

    def asks(self, now):
        """What is to be deferred at a time: (task, seconds before or after twelve) each."""
        self.now = now
        found = self._deferrer.get_previous_tasks(at=now)
        return [(task.task.name, at - TWELVE) for task, at in found]


@pytest.fixture
def deferrer():
    deferrer = Deferrer()
    assert deferrer.asks(TWELVE + 5) == [("tens", 0), ("minutes", 0)]
    return deferrer


def test_time_that_goes_on_has_each_time_once(deferrer):
    found = [one for s in range(6, 1100) for one in deferrer.asks(TWELVE + s + 0.5)]
    assert sorted(found) == sorted(
        [("tens", s) for s in range(10, 1100, 10)]
        + [("minutes", s) for s in range(60, 1100, 60)]
        + [("hours", 17 * 60)]
    )


def test_a_time_that_comes_late_comes_once(deferrer):
    assert deferrer.asks(TWELVE + 19.9) == [("tens", 10)]
    assert deferrer.asks(TWELVE + 20) == [("tens", 20)]
    assert deferrer.asks(TWELVE + 20.5) == []


def test_of_a_suspended_hour_only_the_last_times_are_made_up_for(deferrer):
    assert ("hours", 17 * 60) in deferrer.asks(TWELVE + 17 * 60 + 0.5)
    later = 2 * HOUR_S
    assert deferrer.asks(TWELVE + later + 34) == [
        ("tens", later + 30),
        ("minutes", later),
        ("hours", HOUR_S + 17 * 60),
    ]
    assert deferrer.asks(TWELVE + later + 35) == []
    assert deferrer.asks(TWELVE + later + 40.5) == [("tens", later + 40)]


def test_a_clock_that_was_put_back_holds_nothing_up(deferrer):
    earlier = TWELVE - 2 * HOUR_S
    assert deferrer.asks(earlier + 3)[:2] == [("tens", -2 * HOUR_S), ("minutes", -2 * HOUR_S)]
    assert deferrer.asks(earlier + 4) == []
    assert deferrer.asks(earlier + 10.5) == [("tens", 10 - 2 * HOUR_S)]


@pytest.mark.parametrize("gap_s", [HOUR_S, -HOUR_S])
def test_every_periodic_task_of_the_worker_makes_up_once(gap_s):
    pool = ConnectionPool("", min_size=0, max_size=1, open=False)
    app = build_app(Settings(database_url="postgresql://nobody@127.0.0.1:1/none"), pool=pool)
    registry = app.periodic_registry
    deferrer = PeriodicDeferrer(registry)
    now = time.time()
    deferrer.last_defers = dict.fromkeys(registry.periodic_tasks, int(now - 3 * gap_s))
    found = [task.task.name for task, _ in deferrer.get_previous_tasks(at=now)]
    assert len(found) == len(set(found)) >= len(registry.periodic_tasks) - 1 > 5
