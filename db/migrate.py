"""`python -m db.migrate`: bring a database from empty, or from any earlier version, to now.

One transaction under an advisory lock: alembic to head, then the server-side code of `db/code/`
(functions, views, grants) replayed as it stands, the partitions ahead, and the feed's epoch. Safe
to run twice, and from two places at once: the second waits and finds nothing to do.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib import resources
from typing import Any, LiteralString, cast

import alembic.command
import psycopg
import sqlalchemy as sa
import stamina
from alembic.config import Config
from alembic.util.exc import CommandError
from sqlalchemy.pool import NullPool

from db.connect import WHO_HOLDS_LOCKS, connect, first_line
from db.revisions import (
    ALEMBIC_HOME,
    Standing,
    current_revision,
    read_standing,
    remember_where_from,
)

CODE_FOLDERS = ("functions", "views", "grants")

ATTEMPTS = 3
"""Readers lock a table and then a view, and analyses lock tables in an order of their own. If one
of them and a migration wait for each other, the server may end either, usually the migration: it
has waited for longer."""

# A statement may take minutes and hold tables, and a deploy may be given up meanwhile: the server
# looks whether we are still there. Some systems have no way to look.
# We wait for our turn however long it takes, but not for the locks that come after it: every reader
# would queue up behind us.
LOCK: LiteralString = """
DO $$
BEGIN
    BEGIN
        PERFORM set_config('client_connection_check_interval', '2s', true);
    EXCEPTION
        WHEN invalid_parameter_value THEN NULL;
    END;
    PERFORM set_config('lock_timeout', '0', true);
    PERFORM pg_advisory_xact_lock(hashtext('buybox migrate'));
    PERFORM set_config('lock_timeout', '10s', true);
END;
$$
"""

# Under traffic analyses follow each other without a pause and hold many tables each, so that the
# second attempt would meet the next of them. They say so before they take anything: who waits for
# those under way, and keeps the others waiting, meets none. Not the first time: analyses may go on
# while a migration reads a large table.
NO_ANALYSIS: LiteralString = """
SELECT pg_advisory_xact_lock(hashtext('buybox assessment'))
"""

DROP_VIEWS: LiteralString = """
DO $$
DECLARE
    _view record;
BEGIN
    -- Views are free: dropping them first lets a migration change any column, and no view can keep
    -- an old definition alive.
    FOR _view IN SELECT viewname FROM pg_views WHERE schemaname = 'ops' LOOP
        EXECUTE format('DROP VIEW IF EXISTS ops.%I CASCADE', _view.viewname);
    END LOOP;
    CREATE SCHEMA IF NOT EXISTS ops;
    COMMENT ON SCHEMA ops IS 'The operators'' views. Each view''s comment says when to open it.';
END;
$$
"""


class MigrationError(Exception):
    """The database could not be brought to the current state; it is as it was before."""


@dataclass(slots=True)
class MigrationReport:
    """What a migration did. Revisions are alembic's; None means an empty database."""

    before: str | None = None
    after: str | None = None
    replayed: int = 0
    partitions: list[str] = field(default_factory=list)
    new_epoch: bool = False
    newer_than: str | None = None
    """The newest revision of this code, if the database is newer and was left alone."""

    def sentence(self) -> str:
        """What was done, for people."""
        if self.newer_than:
            return (
                f"database at {self.after}, newer than this version of buybox ({self.newer_than}), "
                "which works on it: nothing was changed"
            )
        was = "unchanged" if self.before == self.after else f"was {self.before or 'empty'}"
        return (
            f"database at {self.after} ({was}), {self.replayed} files of server code replayed, "
            f"{len(self.partitions)} partitions made"
            + (", new feed epoch" if self.new_epoch else "")
        )


def migrate(
    database_url: str,
    *,
    now: datetime | None = None,
    revision: str = "head",
    say: Callable[[str], None] = lambda _: None,
) -> MigrationReport:
    """Migrate and report. `revision` other than head stops early, for tests of upgrades.

    Raises MigrationError with a sentence; nothing is half done.
    """
    now = now or datetime.now(UTC)
    engine = sa.create_engine(
        "postgresql+psycopg://",
        creator=lambda: connect(database_url, role="migrate", statement_timeout="0"),
        poolclass=NullPool,
    )
    try:
        for attempt in stamina.retry_context(on=_is_deadlock, attempts=ATTEMPTS):
            with attempt:
                if attempt.num > 1:
                    say("met somebody who took the same locks the other way round; once more")
                return _migrate(engine, now, revision, say, alone=attempt.num > 1)
        raise AssertionError("stamina either returns or raises")  # pragma: no cover
    except (CommandError, psycopg.Error, sa.exc.SQLAlchemyError) as error:
        reason = first_line(error) + _advice(error)
        raise MigrationError(f"Migration failed, nothing was changed: {reason}") from error
    finally:
        engine.dispose()


def _migrate(
    engine: sa.Engine, now: datetime, revision: str, say: Callable[[str], None], *, alone: bool
) -> MigrationReport:
    report = MigrationReport()
    with engine.begin() as connection:
        driver = cast("psycopg.Connection", connection.connection.driver_connection)
        say("waiting for the migration lock")
        driver.execute(LOCK)
        if alone:
            driver.execute(NO_ANALYSIS)
        standing = read_standing(driver)
        report.before = standing.here
        if standing.is_ahead:
            _check_rollback(driver, standing, now)
            report.after, report.newer_than = standing.here, standing.needed
            return report
        driver.execute(DROP_VIEWS)
        say(f"migrating from {report.before or 'an empty database'} to {revision}")
        alembic.command.upgrade(_config(connection, say), revision)
        report.after = current_revision(driver)
        if revision == "head":
            _finish(driver, report, now)
    return report


def _check_rollback(driver: psycopg.Connection, standing: Standing, now: datetime) -> None:
    """Let an older version back that worked here until a moment ago, and no other."""
    here = standing.here
    if not standing.is_within_one_deploy:
        back_to = (
            f"to a version that knows {standing.came_from}, from which it was migrated, or to a "
            "newer one"
            if standing.came_from
            else f"no further than to the version that made {here}"
        )
        raise MigrationError(
            f"Nothing was changed: the database is at revision {here}, and this version of buybox "
            f"knows no newer one than {standing.needed}. On this database you can go back {back_to}"
        )
    if _renew_epoch(driver, now):
        raise MigrationError(
            "Nothing was changed: this database was restored from a backup. Before any other, the "
            f"version that made its revision {here}, or a newer one, must run python -m db.migrate "
            "on it"
        )


def _raised(error: Exception) -> BaseException:
    """The driver's error: SQLAlchemy wraps what alembic's steps raise."""
    return getattr(error, "orig", None) or error


def _is_deadlock(error: Exception) -> bool:
    return isinstance(_raised(error), psycopg.errors.DeadlockDetected)


def _advice(error: Exception) -> str:
    found = _raised(error)
    if isinstance(found, psycopg.errors.InsufficientPrivilege):
        return "; migrate with the owner's login, the one that migrated before"
    if isinstance(found, psycopg.errors.LockNotAvailable):
        return (
            f"; another session is in the way: {WHO_HOLDS_LOCKS} shows which: usually the oldest. "
            "Wait for it (a backup) or end it with pg_terminate_backend(pid), then migrate again"
        )
    return ""


def _finish(driver: psycopg.Connection, report: MigrationReport, now: datetime) -> None:
    # The files are replayed by name, and a body may call a function that comes later.
    driver.execute("SET LOCAL check_function_bodies = off")
    for text in server_code():
        driver.execute(text)
        report.replayed += 1
    report.partitions = [
        name for (name,) in driver.execute("SELECT buybox_ensure_partitions(%s)", (now,))
    ]
    if report.before not in (None, report.after):
        remember_where_from(driver, str(report.before))
    report.new_epoch = _renew_epoch(driver, now)


def _renew_epoch(driver: psycopg.Connection, now: datetime) -> bool:
    row = driver.execute("SELECT buybox_renew_feed_epoch(%s)", (now,)).fetchone()
    return bool(row and row[0])


def server_code() -> list[LiteralString]:
    """The text of every file of `db/code/`, in the order in which it is replayed."""
    home = resources.files("db").joinpath("code")
    return [
        path.read_text("utf-8")
        for folder in CODE_FOLDERS
        for path in sorted(home.joinpath(folder).iterdir(), key=lambda p: p.name)
        if path.name.endswith(".sql")
    ]


def _config(connection: sa.Connection, say: Callable[[str], None]) -> Config:
    config = Config()
    config.set_main_option("script_location", str(ALEMBIC_HOME).replace("%", "%%"))
    config.attributes["connection"] = connection
    config.attributes["on_version_apply"] = lambda *, step, **_: say(f"done: {step.up_revision_id}")
    return config


def _show(line: str) -> None:
    print(f"  {line}", flush=True)  # noqa: T201  platforms read a pipe


def main(argv: list[str] | None = None) -> int:
    """The command line. Exit codes: 0 done, 1 could not, 2 wrong usage."""
    parser = argparse.ArgumentParser(
        prog="python -m db.migrate",
        description="Bring the database to the current state. Safe to run twice.",
        epilog="Example: DATABASE_URL=postgresql://localhost/buybox python -m db.migrate",
    )
    parser.add_argument(
        "--database-url",
        default=os.environ.get("DATABASE_URL"),
        help="where to (default: the environment's DATABASE_URL)",
    )
    options: Any = parser.parse_args(argv)
    if not options.database_url:
        parser.error("no database: set DATABASE_URL, or pass --database-url postgresql://...")
    try:
        report = migrate(options.database_url, say=_show)
    except MigrationError as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 1
    print(report.sentence())  # noqa: T201
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
