"""Oban for Python with its defaults: a queue of ten at once, uvloop, its own pool."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import psycopg
import uvloop
from oban import Oban, worker
from oban.schema import install as install_schema
from psycopg_pool import ConnectionPool

from benchmarks.desk import Desk
from benchmarks.store import STORE, analyse_message, store_parameters
from db.connect import conninfo
from worker.ingest.filing import Letter

CONCURRENCY = int(os.environ.get("BENCH_CONCURRENCY", "4"))
LIMIT = 10
QUEUE = "analysis"

_threads = ThreadPoolExecutor(CONCURRENCY)
_pools: list[ConnectionPool] = []


@worker(queue=QUEUE)
class AnalyseMessage:
    """One message."""

    async def process(self, job: Any) -> None:
        """The blocking analysis, in a thread."""
        await asyncio.get_running_loop().run_in_executor(_threads, _analyse, job.args)


def _analyse(args: dict[str, Any]) -> None:
    with _pools[0].connection() as conn:
        analyse_message(conn, args["row_id"], args["product"])


def install(url: str) -> None:
    """`oban install`."""

    async def prepare() -> None:
        pool = await Oban.create_pool(url)
        await install_schema(pool)
        await pool.close()

    asyncio.run(prepare())


@contextmanager
def open_desk(url: str) -> Iterator[Desk]:
    """File a batch and enqueue its jobs in the same transaction."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        conn, pool = runner.run(_open(url))
        oban = Oban(pool=pool)

        async def file_async(letters: Sequence[Letter]) -> None:
            async with conn.transaction():
                cur = await conn.execute(STORE, store_parameters(letters, datetime.now(UTC)))
                await oban.enqueue_many(
                    [
                        AnalyseMessage.new({"row_id": row_id, "product": product})  # type: ignore[attr-defined]
                        for row_id, product in await cur.fetchall()
                    ],
                    conn=conn,
                )

        def file(letters: Sequence[Letter]) -> None:
            runner.run(file_async(letters))

        yield file
        runner.run(_close(conn, pool))


async def _open(url: str) -> tuple[psycopg.AsyncConnection, Any]:
    conn = await psycopg.AsyncConnection.connect(conninfo(url), autocommit=True)
    return conn, await Oban.create_pool(url)


async def _close(conn: psycopg.AsyncConnection, pool: Any) -> None:
    await conn.close()
    await pool.close()


def work(url: str) -> None:
    """A worker process."""
    uvloop.run(_work(url))


async def _work(url: str) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    with ConnectionPool(conninfo(url), min_size=1, max_size=CONCURRENCY) as mine:
        _pools.append(mine)
        pool = await Oban.create_pool(url)
        async with Oban(pool=pool, queues={QUEUE: LIMIT}):
            await stop.wait()
        await pool.close()
