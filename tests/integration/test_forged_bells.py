"""Whoever may connect may ring any bell, with anything: no worker ends or drops its work for it."""

from __future__ import annotations

import asyncio

import pytest
from procrastinate import App
from procrastinate.worker import Worker

from tests.interleave import PATIENCE_S, column, until
from worker.connector import BuyboxConnector

BELL = "procrastinate_any_queue_v1"
LISTENING = (
    "SELECT pid FROM pg_stat_activity WHERE datname = current_database()"
    " AND state = 'idle' AND query ILIKE 'listen%'"
)


@pytest.fixture
def as_reader(open_connection):
    """Rings procrastinate's bell as a login that may look at the views and touch nothing."""
    reader = open_connection(autocommit=True)
    reader.execute("SET ROLE ops_reader")

    def ring(payload: str) -> None:
        reader.execute("SELECT pg_notify(%s, %s)", (BELL, payload))

    return ring


def at_work(conn, url: str, story):
    """A worker of two jobs at once that only bells wake; `story` is what happens while it listens.

    A job that came after its first look and before it listened would wait for the next one.
    """

    async def run():
        connector = BuyboxConnector(conninfo=url, min_size=1, max_size=4)
        app, said, gate = App(connector=connector), asyncio.Queue(), asyncio.Event()

        @app.task(name="work")
        async def work():
            said.put_nowait("began")
            await gate.wait()
            said.put_nowait("ended")

        async with app.open_async():
            worker = Worker(
                app,
                concurrency=2,
                fetch_job_polling_interval=20 * PATIENCE_S,
                abort_job_polling_interval=20 * PATIENCE_S,
                install_signal_handlers=False,
                shutdown_graceful_timeout=1,
            )
            running = asyncio.create_task(worker.run())
            try:
                await asyncio.to_thread(
                    until, lambda: column(conn, LISTENING), "the worker listens"
                )
                await story(work.defer_async, lambda word: hears(said, word, running), gate)
            finally:
                worker.stop()
                await running

    asyncio.run(run())


async def hears(said, word: str, running) -> None:
    """The next word of a job. Fails at once when the worker has ended instead."""
    heard = asyncio.create_task(said.get())
    await asyncio.wait({heard, running}, timeout=PATIENCE_S, return_when=asyncio.FIRST_COMPLETED)
    assert heard.done(), "the worker ended" if running.done() else f"no job {word}"
    assert heard.result() == word


@pytest.mark.parametrize("payload", ["", "hello", "[]", "{}", '{"type": "abort_job_requested"}'])
def test_a_bell_that_is_none_of_procrastinate_s_ends_no_worker(
    conn, as_reader, database_url, payload
):
    async def story(defer, hears, gate):
        await asyncio.to_thread(as_reader, payload)
        await defer()
        await hears("began")
        gate.set()
        await hears("ended")

    at_work(conn, database_url, story)


def test_a_bell_aborts_no_job(conn, as_reader, database_url):
    async def story(defer, hears, gate):
        job = await defer()
        await hears("began")
        await asyncio.to_thread(as_reader, f'{{"type": "abort_job_requested", "job_id": {job}}}')
        await defer()  # its bell comes after the forged one
        await hears("began")
        gate.set()
        await hears("ended")
        await hears("ended")

    at_work(conn, database_url, story)
