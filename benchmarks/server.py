"""The Postgres that all contenders share: durable, with a fresh database for each run."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from db.connect import connect
from db.embedded import home_in, start_postgres
from db.migrate import migrate

SETTINGS = {
    # Durable, as in production; set although these are the defaults.
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    # Enough room that no checkpoint falls into one contender's run and spares another's.
    "shared_buffers": "512MB",
    "max_wal_size": "16GB",
    "checkpoint_timeout": "30min",
    "max_connections": "100",
    "listen_addresses": "",
}
TEMPLATE = "bench_template"
STATISTICS_S = 1.2
"""Sessions report what they did to the statistics at most once a second."""


class Server:
    """The running server."""

    def __init__(self, url: str) -> None:
        self.url = url

    def address(self, database: str) -> str:
        """Where a database is."""
        return make_conninfo(self.url, dbname=database)

    @contextmanager
    def database(self, name: str) -> Iterator[str]:
        """A fresh database, migrated; gone afterwards."""
        self.create(name)
        try:
            yield self.address(name)
        finally:
            self.drop(name)

    def create(self, name: str, *, empty: bool = False) -> str:
        """Make a fresh database, then a checkpoint; returns where the database is."""
        self.drop(name)
        template = sql.Identifier("template0" if empty else TEMPLATE)
        self._run(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), template))
        self._run(sql.SQL("CHECKPOINT"))
        return self.address(name)

    def drop(self, name: str) -> None:
        """Drop a database, whoever is in it."""
        self._run(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    def version(self) -> str:
        """Postgres' version."""
        with self.admin() as conn:
            return str(conn.info.parameter_status("server_version"))

    def admin(self) -> psycopg.Connection:
        """A connection outside the measured databases."""
        return connect(self.url, role="bench", autocommit=True, statement_timeout="0")

    def _run(self, statement: sql.SQL | sql.Composed) -> None:
        with self.admin() as conn:
            conn.execute(statement)


@contextmanager
def running(folder: Path) -> Iterator[Server]:
    """Start Postgres with its data in `folder`, and stop it and delete the data at the end."""
    home = home_in(folder)
    server = start_postgres(home)
    try:
        with psycopg.connect(server.get_uri(), autocommit=True) as conn:
            for name, value in SETTINGS.items():
                conn.execute(
                    sql.SQL("ALTER SYSTEM SET {} = {}").format(
                        sql.Identifier(name), sql.Literal(value)
                    )
                )
        server.cleanup()
        server = start_postgres(home)
        found = Server(server.get_uri())
        _make_template(found)
        yield found
    finally:
        server.cleanup()
        shutil.rmtree(home, ignore_errors=True)


def wal_position(conn: psycopg.Connection) -> int:
    """Bytes of WAL since the server's beginning."""
    return _number(conn, "SELECT (pg_current_wal_lsn() - '0/0')::bigint")


def dead_tuples(conn: psycopg.Connection) -> dict[str, int]:
    """Dead tuples of the tables that have any, as the statistics estimate."""
    time.sleep(STATISTICS_S)
    return dict(
        conn.execute(
            "SELECT relname, n_dead_tup FROM pg_stat_user_tables WHERE n_dead_tup > 0 "
            "ORDER BY n_dead_tup DESC LIMIT 8"
        ).fetchall()
    )


def rows_updated(conn: psycopg.Connection) -> int:
    """Updates of notifications so far; in these runs each is one that was processed."""
    return _number(
        conn, "SELECT pg_stat_get_tuples_updated('worker_notifications'::regclass)::bigint"
    )


def _make_template(server: Server) -> None:
    server.create(TEMPLATE, empty=True)
    migrate(server.address(TEMPLATE))


def _number(conn: psycopg.Connection, question: str) -> int:
    row = conn.execute(question.encode()).fetchone()
    return int(row[0]) if row else 0
