"""A worker's connections and threads: who takes from the queue takes by index (docs/decisions/0020)."""

from __future__ import annotations

import asyncio
import threading

from procrastinate.manager import JobManager

from process.watchdog import Expected, NoWatchdog
from tests.interleave import column
from worker.app import build_app
from worker.connector import BuyboxConnector
from worker.settings import Settings

BITMAPS = "SELECT current_setting('enable_bitmapscan')"


def test_procrastinate_takes_from_the_queue_without_bitmaps(database_url):
    async def ask():
        app = build_app(Settings(database_url=database_url))
        async with app.open_async():
            row = await app.connector.execute_query_one_async(f"{BITMAPS} AS setting")
            return row["setting"]

    assert asyncio.run(ask()) == "off"


def test_analysis_works_without_bitmaps(database_url, monkeypatch):
    pools = []
    monkeypatch.setattr("worker.app.register_analysis", lambda _app, pool, _who: pools.append(pool))
    build_app(Settings(database_url=database_url))
    with pools[0].connection() as conn:
        assert column(conn, BITMAPS) == ["off"]


def test_as_many_jobs_are_at_work_as_a_worker_takes_however_few_the_processors(database_url):
    together = threading.Barrier(40, timeout=30)

    async def run():
        app = build_app(Settings(database_url=database_url, worker_concurrency=40))

        @app.task(name="meet", queue="meeting")
        def meet():
            together.wait()

        async with app.open_async():
            for _ in range(40):
                await meet.defer_async()
            await app.run_worker_async(
                queues=["meeting"], wait=False, concurrency=40, install_signal_handlers=False
            )
            return await app.job_manager.list_jobs_async(task="meet")

    jobs = asyncio.run(run())
    assert not together.broken
    assert not [job for job in jobs if job.status != "succeeded"]


class Noting(NoWatchdog):
    """Keeps what it was told to expect."""

    def __init__(self):
        super().__init__(90)
        self.expected = {}

    def expect(self, what: str, *, more_s: float = 0) -> Expected:
        self.expected[what] = super().expect(what, more_s=more_s)
        return self.expected[what]


def test_from_its_registration_on_a_worker_must_ask_again_and_again(database_url):
    """Who opens procrastinate's shell registers nothing, and may think for as long as they like."""
    watchdog = Noting()

    async def work():
        connector = BuyboxConnector(
            conninfo=database_url, min_size=1, max_size=1, watchdog=watchdog, finishing_s=7
        )
        await connector.open_async()
        await connector.execute_query_async("SELECT 1")
        assert list(watchdog.expected) == ["a query of the queue"]
        worker_id = await JobManager(connector).register_worker()
        expected = watchdog.expected["the worker"]
        assert expected.at_most_s == 90 + 7
        for ask in (
            connector.execute_query_async("SELECT 1"),
            connector.execute_query_all_async("SELECT 1 AS one"),
            connector.execute_query_one_async("SELECT 1 AS one"),
            JobManager(connector).fetch_job(queues=None, worker_id=worker_id),
        ):
            expected.left_s = 1
            await ask
            assert expected.left_s == expected.at_most_s
        await connector.close_async()

    asyncio.run(work())
