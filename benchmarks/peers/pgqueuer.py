"""PgQueuer as its documentation on performance advises: asyncpg, batches of 25, `pgq autovac`.

The queue manager has a direct connection; the blocking analysis runs in threads.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import asyncpg
import uvloop
from pgqueuer import PgQueuer
from pgqueuer.db import AsyncpgDriver, SyncPsycopgDriver
from pgqueuer.models import Job
from pgqueuer.queries import Queries, SyncQueries
from psycopg.conninfo import conninfo_to_dict
from psycopg_pool import ConnectionPool

from benchmarks.desk import Desk
from benchmarks.store import analyse_message, store
from db.connect import connect, conninfo
from worker.ingest.filing import Letter

CONCURRENCY = int(os.environ.get("BENCH_CONCURRENCY", "4"))
BATCH_SIZE = 25
TASK = "analyse_message"


def install(url: str) -> None:
    """`pgq install` and `pgq autovac`."""

    async def prepare() -> None:
        connection = await _connect(url)
        queries = Queries(AsyncpgDriver(connection))
        await queries.install()
        await queries.optimize_autovacuum()
        await connection.close()

    asyncio.run(prepare())


@contextmanager
def open_desk(url: str) -> Iterator[Desk]:
    """File a batch and enqueue its jobs in the same transaction."""
    with connect(url, autocommit=True) as conn:
        queries = SyncQueries(SyncPsycopgDriver(conn))

        def file(letters: Sequence[Letter]) -> None:
            with conn.transaction():
                jobs: list[bytes | None] = [
                    json.dumps(row).encode() for row in store(conn, letters)
                ]
                queries.enqueue([TASK] * len(jobs), jobs, [0] * len(jobs))

        yield file


def work(url: str) -> None:
    """A worker process."""
    uvloop.run(_work(url))


async def _work(url: str) -> None:
    connection = await _connect(url)
    queuer = PgQueuer(AsyncpgDriver(connection))
    threads = ThreadPoolExecutor(CONCURRENCY)
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, queuer.shutdown.set)
    with ConnectionPool(conninfo(url), min_size=1, max_size=CONCURRENCY) as pool:

        def analyse(payload: bytes) -> None:
            row_id, product = json.loads(payload)
            with pool.connection() as conn:
                analyse_message(conn, row_id, product)

        @queuer.entrypoint(TASK)  # type: ignore[untyped-decorator]
        async def handle(job: Job) -> None:
            await loop.run_in_executor(threads, analyse, job.payload or b"")

        await queuer.run(batch_size=BATCH_SIZE, dequeue_timeout=timedelta(seconds=10))


async def _connect(url: str) -> Any:
    given = conninfo_to_dict(url)
    return await asyncpg.connect(
        host=given.get("host"),
        port=int(given.get("port") or 5432),
        user=given.get("user"),
        password=given.get("password"),
        database=given.get("dbname"),
    )
