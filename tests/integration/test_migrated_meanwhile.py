"""A migration beside what runs: what was prepared before it is not refused again and again."""

from __future__ import annotations

from contextlib import ExitStack

import psycopg
import pytest
from typer.testing import CliRunner

from db.connect import MIGRATED, connection_pool
from tests.dashboard import write_state
from tests.delivery import (
    Cabinet,
    add_alert,
    add_message,
    add_route,
    deliver_all,
    deliveries,
    desk,
    dispatch,
    pool_of,
)
from worker.cli.main import app
from worker.delivery.outcome import Accepted

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


def test_what_is_sent_during_a_migration_is_not_sent_twice(database_url, conn):
    """What cannot be recorded is sent again, and recording reads the alerts, by a statement kept."""

    def migrate():
        conn.execute("ALTER TABLE alerts ADD COLUMN of_a_later_version text")
        return Accepted("yes")

    add_route(conn)
    for n in range(OFTEN):
        add_message(conn, add_alert(conn, f"B0MIGRAT{n:02d}"))
    dispatch(conn)
    cabinet = Cabinet(*[Accepted("yes")] * (OFTEN - 1), migrate)
    with pool_of(database_url) as pool:
        assert deliver_all(pool, desk(cabinet)) == OFTEN
    assert len(cabinet.letters) == OFTEN
    assert deliveries(conn, "status", "attempts") == [("delivered", 1)] * OFTEN
