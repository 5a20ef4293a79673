"""A migrated database that the tests of this folder share: what they do in it is rolled back."""

from __future__ import annotations

import os
from collections.abc import Iterator

import psycopg
import pytest

from db.connect import connect
from tests.interleave import begin
from tests.plans import filled_database


@pytest.fixture(scope="session")
def _scratch_url(pg_server, pg_template: str) -> Iterator[str]:
    name = f"buybox_scratch_{os.getpid()}"
    with pg_server.janitor(name, template_dbname=pg_template):
        yield pg_server.url_of(name)


@pytest.fixture
def scratch(_scratch_url: str) -> Iterator[psycopg.Connection]:
    """A connection in a transaction that nobody commits. For tests where commits do not matter."""
    with connect(_scratch_url, role="test") as conn:
        yield begin(conn)
        conn.rollback()


@pytest.fixture(scope="module")
def full_url(request, pg_server, pg_template: str) -> Iterator[str]:
    """A database that holds what the module's `FILL` writes."""
    name = request.module.__name__.rpartition("_")[2]
    with filled_database(pg_server, pg_template, name, request.module.FILL) as url:
        yield url


@pytest.fixture
def full(full_url: str) -> Iterator[psycopg.Connection]:
    """A connection to the module's `full_url`; what a test does there is rolled back."""
    with connect(full_url) as conn:
        yield begin(conn)
        conn.rollback()
