"""The race in procrastinate's fetch: an earlier job commits late, beside an uncommitted claim."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager

import pytest
from procrastinate import PsycopgConnector, exceptions
from procrastinate.manager import JobManager

from tests.interleave import (
    PRODUCT,
    Background,
    begin,
    column,
    deliver,
    fetch_job,
    letter,
    register_worker,
    until_blocked,
)
from worker.connector import BuyboxConnector


@asynccontextmanager
async def opened(connector):
    await connector.open_async()
    try:
        yield connector
    finally:
        await connector.close_async()


@pytest.fixture
def racing(conn, open_connection):
    """A worker that holds an uncommitted claim of a later job, the earlier one now visible."""
    early, claimer = begin(open_connection()), begin(open_connection())
    deliver(early, letter())
    deliver(conn, letter())
    job = fetch_job(claimer, worker=register_worker(conn))
    assert job["lock"] == PRODUCT
    early.commit()
    return claimer


def fetch(connector_class, url, worker):
    async def once():
        connector = connector_class(conninfo=url, min_size=1, max_size=2)
        async with opened(connector):
            return await JobManager(connector).fetch_job(queues=None, worker_id=worker)

    return asyncio.run(once())


def test_it_would_end_a_plain_worker(conn, racing, database_url):
    loser = Background(fetch, PsycopgConnector, database_url, register_worker(conn))
    until_blocked(conn, unless=loser.done)
    racing.commit()
    with pytest.raises(exceptions.UniqueViolation):
        loser.result()


def test_our_worker_finds_no_job_for_now(conn, racing, database_url):
    loser = Background(fetch, BuyboxConnector, database_url, register_worker(conn))
    until_blocked(conn, unless=loser.done)
    racing.commit()
    assert loser.result() is None
    assert sorted(column(conn, "SELECT status::text FROM procrastinate_jobs")) == [
        "doing",
        "todo",
    ]


def test_our_worker_takes_the_job_when_the_other_claim_is_undone(conn, racing, database_url):
    winner = Background(fetch, BuyboxConnector, database_url, register_worker(conn))
    until_blocked(conn, unless=winner.done)
    racing.rollback()
    assert winner.result().lock == PRODUCT


def test_other_errors_still_come_through(database_url):
    async def clash():
        connector = BuyboxConnector(conninfo=database_url, min_size=1, max_size=2)
        async with opened(connector):
            await connector.execute_query_one_async(
                "INSERT INTO schema_components (component, version)"
                " VALUES ('procrastinate', '0') RETURNING 1"
            )

    with pytest.raises(exceptions.UniqueViolation):
        asyncio.run(clash())
