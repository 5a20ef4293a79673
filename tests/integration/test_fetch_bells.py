"""A bell that rings while a worker's fetch finds nothing is not forgotten."""

from __future__ import annotations

import asyncio

import pytest
from procrastinate import App, PsycopgConnector, sql
from procrastinate.worker import Worker

from tests.interleave import PATIENCE_S, column, deliver, letter, until
from worker.connector import BuyboxConnector

LISTENING = (
    "SELECT pid FROM pg_stat_activity WHERE datname = current_database()"
    " AND state = 'idle' AND query ILIKE 'listen%'"
)
MUCH_LATER_S = 20 * PATIENCE_S
"""When the worker would look by itself."""


@pytest.fixture
def rung_meanwhile(conn, monkeypatch):
    """A job that is committed, and heard of, after the first empty fetch has looked."""
    look = PsycopgConnector.execute_query_one_async
    rung = []

    def ring():
        until(lambda: column(conn, LISTENING), "the worker listens")
        deliver(conn, letter())

    async def slowly(self, query, **arguments):
        row = await look(self, query, **arguments)
        if query == sql.queries["fetch_job"] and row["id"] is None and not rung:
            rung.append(True)
            self.worker._new_job_event.clear()
            await asyncio.to_thread(ring)
            await asyncio.wait_for(self.worker._new_job_event.wait(), PATIENCE_S)
        return row

    monkeypatch.setattr(PsycopgConnector, "execute_query_one_async", slowly)


def works(connector_class, url, *, within_s):
    """Whether a worker comes to its job within that time."""

    async def run():
        connector = connector_class(conninfo=url, min_size=1, max_size=4)
        app, worked = App(connector=connector), asyncio.Event()

        @app.task(name="analyse_product", queue="analysis")
        async def analyse_product(**_):
            worked.set()

        async with app.open_async():
            worker = connector.worker = Worker(
                app,
                fetch_job_polling_interval=MUCH_LATER_S,
                install_signal_handlers=False,
                shutdown_graceful_timeout=1,
            )
            running = asyncio.create_task(worker.run())
            try:
                await asyncio.wait_for(worked.wait(), within_s)
            except TimeoutError:
                return False
            else:
                return True
            finally:
                worker.stop()
                await running

    return asyncio.run(run())


def test_a_plain_worker_would_leave_the_job_to_its_next_poll(rung_meanwhile, database_url):
    assert not works(PsycopgConnector, database_url, within_s=1)


def test_our_worker_looks_again(rung_meanwhile, database_url):
    assert works(BuyboxConnector, database_url, within_s=PATIENCE_S)
