"""A migration beside what runs: what was prepared before it is not refused again and again."""

from __future__ import annotations

from contextlib import ExitStack

import psycopg
import pytest
from typer.testing import CliRunner

from db.connect import MIGRATED, connection_pool
from tests.dashboard import write_state
from worker.cli.main import app

OFTEN = 8
"""A statement is prepared when it comes for the sixth time."""

WIDER = "ALTER TABLE current_state ADD COLUMN of_a_later_version text"


def test_of_a_whole_pool_one_statement_is_refused_once(database_url, conn):
    def ask(one):
        one.execute("SELECT s.* FROM current_state AS s")

    with connection_pool(database_url, role="test", max_size=3, autocommit=True) as pool:
        with ExitStack() as stack:
            for one in [stack.enter_context(pool.connection()) for _ in range(3)]:
                for _ in range(OFTEN):
                    ask(one)
        conn.execute(WIDER)
        with pytest.raises(MIGRATED), pool.connection() as one:
            ask(one)
        with ExitStack() as stack:
            for one in [stack.enter_context(pool.connection()) for _ in range(3)]:
                ask(one)


def test_a_backend_asks_once_to_try_again(client, conn):
    write_state(conn)
    for _ in range(OFTEN):
        assert client.get("/api/state").status_code == 200
    conn.execute(WIDER)
    refused = client.get("/api/state")
    assert (refused.status_code, refused.json()["type"]) == (503, "database-migrated")
    assert int(refused.headers["Retry-After"]) > 0
    assert client.get("/api/state").status_code == 200


def test_who_listens_goes_on_with_a_new_connection(database_url, monkeypatch):
    sessions = []

    def read(conn: psycopg.Connection, _cursor: str) -> None:
        sessions.append(conn.info.backend_pid)
        if len(sessions) == 1:
            raise MIGRATED("cached plan must not change result type")
        raise KeyboardInterrupt

    monkeypatch.setattr("worker.cli.listen.read_feed", read)
    done = CliRunner().invoke(app, ["listen"], env={"DATABASE_URL": database_url})
    assert done.exit_code == 0, done.output
    assert len(set(sessions)) == 2
