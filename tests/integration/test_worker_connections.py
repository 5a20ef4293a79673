"""The connections of a worker: who takes from the queue takes by index (docs/decisions/0020)."""

from __future__ import annotations

import asyncio

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
