"""A worker's connections and threads: who takes from the queue takes by index (docs/decisions/0020)."""

from __future__ import annotations

import asyncio
import threading

from tests.interleave import column
from worker.app import build_app
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
