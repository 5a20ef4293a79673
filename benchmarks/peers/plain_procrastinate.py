"""procrastinate as it is: one job per message, its lock the product, successful jobs deleted."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import LiteralString

import procrastinate
from procrastinate.jobs import Job
from procrastinate.schema import SchemaManager
from psycopg_pool import ConnectionPool

from benchmarks.desk import Desk
from benchmarks.store import analyse_message, store
from db.connect import connect, conninfo
from worker.ingest.filing import Letter

CONCURRENCY = int(os.environ.get("BENCH_CONCURRENCY", "4"))
QUEUE = "plain"
TASK = "analyse_message"

OURS_AWAY: LiteralString = r"""
DO $$
DECLARE
    statements text[] := ARRAY (
        SELECT format('DROP TABLE IF EXISTS %s CASCADE', c.oid::regclass)
        FROM pg_class AS c
        WHERE c.relkind = 'r' AND c.relname LIKE 'procrastinate\_%'
        UNION ALL
        SELECT format('DROP ROUTINE IF EXISTS %s CASCADE', p.oid::regprocedure)
        FROM pg_proc AS p
        WHERE p.proname LIKE 'procrastinate\_%'
        UNION ALL
        SELECT format('DROP TYPE IF EXISTS %s CASCADE', t.oid::regtype)
        FROM pg_type AS t
        LEFT JOIN pg_class AS c ON c.oid = t.typrelid
        WHERE t.typname LIKE 'procrastinate\_%' AND (t.typtype = 'e' OR c.relkind = 'c')
    );
    one text;
BEGIN
    -- All are named first: what one of them takes with it can no longer be named.
    FOREACH one IN ARRAY statements LOOP
        EXECUTE one;
    END LOOP;
END
$$
"""


def install(url: str) -> None:
    """Its own schema, as the package applies it, in place of what our migrations made of it."""
    with connect(url, autocommit=True) as conn:
        conn.execute(OURS_AWAY)
        conn.execute(SchemaManager.get_schema().encode())


@contextmanager
def open_desk(url: str) -> Iterator[Desk]:
    """File a batch and defer its jobs in the same transaction."""
    app = procrastinate.App(connector=procrastinate.SyncPsycopgConnector(conninfo=conninfo(url)))
    with connect(url) as conn, app.open():

        def file(letters: Sequence[Letter]) -> None:
            with conn.transaction():
                jobs = [
                    Job(
                        id=None,
                        queue=QUEUE,
                        lock=product,
                        queueing_lock=None,
                        task_name=TASK,
                        task_kwargs={"row_id": row_id, "product": product},
                    )
                    for row_id, product in store(conn, letters)
                ]
                app.job_manager.batch_defer_jobs(jobs=jobs, connection=conn)

        yield file


def work(url: str) -> None:
    """A worker process."""
    app = procrastinate.App(
        connector=procrastinate.PsycopgConnector(
            conninfo=conninfo(url, role="plain"), max_size=CONCURRENCY + 3
        )
    )
    with ConnectionPool(conninfo(url), min_size=1, max_size=CONCURRENCY) as pool:

        @app.task(name=TASK, queue=QUEUE)
        def analyse(row_id: int, product: str) -> None:
            with pool.connection() as conn:
                analyse_message(conn, row_id, product)

        app.run_worker(
            concurrency=CONCURRENCY, delete_jobs="successful", fetch_job_polling_interval=0.5
        )
