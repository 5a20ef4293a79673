"""procrastinate's connector: tolerant of races in its fetch and of any bell; a thread per job."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, LiteralString

import psycopg_pool
from procrastinate import PsycopgConnector, exceptions, sql
from procrastinate.connector import Notify

from process.watchdog import NOBODY, Expected, Watchdog

LOCK_INDEX = "procrastinate_jobs_lock_idx_v1"
A_JOB = '{"type": "job_inserted", "job_id": 0}'
FETCH_ATTEMPTS = 10
NO_JOB: dict[str, Any] = {"id": None}
SPARE_THREADS = 4


class BuyboxConnector(PsycopgConnector):
    """Looks again where procrastinate's fetch may have missed a job.

    Two workers may pick jobs of the same product at the same instant: when a job with an earlier
    place commits late, while another worker's claim is not committed yet. Both see no running job,
    and the unique index on the lock lets only one through. procrastinate would end the losing
    worker.

    Once a fetch has found nothing, a worker forgets the bells it heard, even those that came while
    it looked; the job of such a bell would wait for the next poll.

    Whoever may connect may ring any bell with any text: even a reader of the views, by hand.
    procrastinate would end the worker on text that is not its own JSON, and abort the job that a
    bell names. Here a bell says only when to look; what is to be aborted is in the rows, where
    procrastinate looks for it every few seconds.

    Tasks run in the event loop's threads. Python would make as many as there are processors, and
    four more; a job taken beyond that would hold its product and do nothing. So there is one for
    each of the `jobs_at_once`, and a few to spare.

    `at_end` is called, in a thread, after the worker's jobs have ended and before the process ends.

    The watchdog ends a worker with a query that is not answered, and one that asks nothing any
    more: its heart has stopped, yet it did not end. `finishing_s` is what its `at_end` may take.

    `is_at_work` is true once a worker listens: by then it catches the signals that tell it to stop.
    """

    def __init__(
        self,
        *,
        jobs_at_once: int = 1,
        at_end: Callable[[], None] = lambda: None,
        watchdog: Watchdog = NOBODY,
        finishing_s: float = 0,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self._watchdog = watchdog
        self._finishing_s = finishing_s
        self._answers: Expected | None = None
        self._at_end = at_end
        self._threads = jobs_at_once + SPARE_THREADS
        self._bells = 0
        self.is_at_work = False

    async def open_async(self, pool: psycopg_pool.AsyncConnectionPool | None = None) -> None:
        """As the base class, with threads enough for the jobs."""
        threads = ThreadPoolExecutor(self._threads, thread_name_prefix="job")
        asyncio.get_running_loop().set_default_executor(threads)
        await super().open_async(pool)

    async def close_async(self) -> None:
        """As the base class, once what goes on beside the jobs has ended too."""
        await asyncio.to_thread(self._at_end)
        await super().close_async()

    async def listen_notify(self, on_notification: Notify, channels: Iterable[str]) -> None:
        """As the base class, counting the bells; what a bell says is ignored."""
        self.is_at_work = True

        async def count(*, channel: str, payload: str) -> None:  # noqa: ARG001
            self._bells += 1
            await on_notification(channel=channel, payload=A_JOB)

        await super().listen_notify(count, channels)

    async def execute_query_async(self, query: LiteralString, **arguments: Any) -> None:
        """As the base class, watched."""
        with self._answered(query):
            await super().execute_query_async(query, **arguments)

    async def execute_query_all_async(
        self, query: LiteralString, **arguments: Any
    ) -> list[dict[str, Any]]:
        """As the base class, watched."""
        with self._answered(query):
            rows: list[dict[str, Any]] = await super().execute_query_all_async(query, **arguments)
        return rows

    async def execute_query_one_async(
        self, query: LiteralString, **arguments: Any
    ) -> dict[str, Any]:
        """As the base class, watched; a fetch that lost a race or was rung for looks again."""
        if query == sql.queries["fetch_job"]:
            return await self._fetch(query, arguments)
        return await self._ask_one(query, arguments)

    async def _ask_one(self, query: LiteralString, arguments: dict[str, Any]) -> dict[str, Any]:
        with self._answered(query):
            found: dict[str, Any] = await super().execute_query_one_async(query, **arguments)
        return found

    @contextmanager
    def _answered(self, query: LiteralString) -> Iterator[None]:
        """Around a query: it must be answered in time, and a registered worker must go on asking.

        Others need not: whoever opens procrastinate's shell may think for as long as they like.
        """
        with self._watchdog.watching("a query of the queue"):
            yield
        if self._answers is not None:
            self._answers.renew()
        elif query == sql.queries["register_worker"]:
            self._answers = self._watchdog.expect("the worker", more_s=self._finishing_s)

    async def _fetch(self, query: LiteralString, arguments: dict[str, Any]) -> dict[str, Any]:
        row = NO_JOB
        for _ in range(FETCH_ATTEMPTS):
            heard = self._bells
            try:
                row = await self._ask_one(query, arguments)
            except exceptions.UniqueViolation as error:
                if error.constraint_name != LOCK_INDEX:
                    raise
                continue
            if row["id"] is not None or heard == self._bells:
                break
        return row
