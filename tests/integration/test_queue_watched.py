"""The worker's queries are watched: an answer in time, and a heart that goes on beating."""

from __future__ import annotations

import asyncio
import threading

import procrastinate
import pytest

from process.watchdog import LOOKS_EVERY_S, Watchdog
from worker.app import build_app
from worker.settings import Settings

HANG_S, SILENT_S = 60, 65.0


class Case:
    """An app whose watchdog goes by the test's time."""

    def __init__(self, database_url: str) -> None:
        self.now = 0.0
        self.ended = threading.Event()
        self.watchdog = Watchdog(HANG_S, end=self.ended.set, clock=lambda: self.now)
        self.app: procrastinate.App = build_app(
            Settings(
                database_url=database_url,
                hang_seconds=HANG_S,
                delivery_timeout_seconds=SILENT_S - HANG_S,
            ),
            watchdog=self.watchdog,
        )

    def pass_time(self, seconds: float) -> None:
        for _ in range(int(seconds / LOOKS_EVERY_S)):
            self.now += LOOKS_EVERY_S
            self.watchdog.look()


@pytest.fixture
def case(database_url: str) -> Case:
    return Case(database_url)


def test_a_registered_worker_that_asks_nothing_more_is_ended(case: Case) -> None:
    async def work() -> None:
        async with case.app.open_async():
            await case.app.job_manager.register_worker()
            case.pass_time(SILENT_S - 1)
            assert not case.ended.is_set()
            case.pass_time(1)

    asyncio.run(work())
    assert case.ended.is_set()


def test_a_heart_that_beats_is_enough(case: Case) -> None:
    async def work() -> None:
        async with case.app.open_async():
            worker = await case.app.job_manager.register_worker()
            for _ in range(5):
                case.pass_time(SILENT_S - 1)
                await case.app.job_manager.update_heartbeat(worker)

    asyncio.run(work())
    assert not case.ended.is_set()


def test_who_is_no_worker_may_be_silent(case: Case) -> None:
    async def think() -> None:
        async with case.app.open_async():
            await case.app.job_manager.list_jobs_async()
            case.pass_time(100 * SILENT_S)

    asyncio.run(think())
    assert not case.ended.is_set()
