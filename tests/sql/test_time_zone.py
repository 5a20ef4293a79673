"""Times are told as UTC, so they must be: whatever clock the machine or the address prefers."""

from __future__ import annotations

from datetime import timedelta

import pytest
from psycopg.conninfo import make_conninfo
from psycopg.pq import TransactionStatus

from db.connect import connect, connection_pool

TOKYO = "-c timezone=Asia/Tokyo"


@pytest.fixture(params=["the environment's", "the address'"])
def elsewhere(request, monkeypatch, database_url):
    """An address whose connections would have another time zone."""
    if request.param == "the address'":
        return make_conninfo(database_url, options=TOKYO)
    monkeypatch.setenv("PGTZ", "Asia/Tokyo")
    return database_url


def offset(conn) -> timedelta:
    assert conn.info.transaction_status == TransactionStatus.IDLE
    return conn.execute("SELECT now()").fetchone()[0].utcoffset()


@pytest.mark.parametrize("autocommit", [True, False])
def test_a_connection_s_times_are_utc(elsewhere, autocommit):
    with connect(elsewhere, autocommit=autocommit) as conn:
        assert offset(conn) == timedelta(0)
        conn.rollback()
        assert offset(conn) == timedelta(0)


@pytest.mark.parametrize("autocommit", [True, False])
def test_a_pool_s_times_are_utc(elsewhere, autocommit):
    pool = connection_pool(elsewhere, role="test", max_size=1, autocommit=autocommit)
    with pool, pool.connection() as conn:
        assert offset(conn) == timedelta(0)
