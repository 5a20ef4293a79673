"""A migration that meets analyses: they go on all the time, and each holds many tables."""

from __future__ import annotations

import threading

import pytest

from db import migrate as migrate_module
from db.connect import connect
from db.economy import join_assessors
from db.migrate import migrate, server_code
from tests.interleave import Background

TWO_TABLES = """
    LOCK TABLE alert_queues IN ACCESS EXCLUSIVE MODE;
    LOCK TABLE current_state IN ACCESS EXCLUSIVE MODE;
"""
SOMEBODY_WAITS = """
    SELECT count(*) FROM pg_stat_activity
    WHERE datname = current_database() AND wait_event_type = 'Lock'
"""


@pytest.fixture
def analyses(database_url):
    """One analysis after the other, and each takes two tables the other way round.

    The second only when somebody waits for the first. Never is it the one that gives way.
    """
    ended = threading.Event()

    def analyse():
        with (
            connect(database_url, autocommit=True, deadlock_timeout="1h") as conn,
            connect(database_url, autocommit=True) as observer,
        ):
            while not ended.is_set():
                with conn.transaction():
                    join_assessors(conn)
                    conn.execute("SELECT FROM current_state")
                    while observer.execute(SOMEBODY_WAITS).fetchone() == (0,):
                        if ended.wait(0.003):
                            return
                    conn.execute("SELECT FROM alert_queues")

    analysing = Background(analyse)
    yield
    ended.set()
    analysing.result()


@pytest.mark.usefixtures("analyses")
def test_a_migration_that_is_tried_again_lets_no_analysis_come_between(database_url, monkeypatch):
    monkeypatch.setattr(migrate_module, "server_code", lambda: [TWO_TABLES, *server_code()])
    said = []
    migrate(database_url, say=said.append)
    assert sum("once more" in line for line in said) == 1
