"""The examination: every check in its order, each bounded in time, none able to stop the others."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from functools import partial

import psycopg

from db import operators, probes
from db.connect import connect
from process.settings import SettingsError
from worker.doctor import database, queues
from worker.doctor.database import Connect
from worker.doctor.finding import Finding, masked, ok, problem, secrets_of
from worker.doctor.settings import SHAPE_OF_AN_ADDRESS, check_settings
from worker.ingest.sqs import connect_sqs, open_dead_letter_queue, open_queues
from worker.settings import Settings

CORRECT_IT = "Correct the environment, then run it again."
STATEMENT_TIMEOUT = "5s"
SQS_READ_TIMEOUT_S = 5


def examine(
    load: Callable[[], Settings],
    *,
    connect_to: Callable[[str], psycopg.Connection] | None = None,
    clock: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Iterator[Finding]:
    """Findings as they come. Secrets are masked. A check that raises becomes a finding itself."""
    try:
        settings = load()
    except SettingsError as error:
        yield masked(
            problem("settings", str(error), CORRECT_IT),
            secrets_of(os.environ.get("DATABASE_URL")),
        )
        return
    secrets = secrets_of(settings.database_url)
    for finding in _examine(settings, connect_to or _connect, clock):
        yield masked(finding, secrets)


def _examine(
    settings: Settings,
    connect_to: Callable[[str], psycopg.Connection],
    clock: Callable[[], datetime],
) -> Iterator[Finding]:
    yield from check_settings(settings)
    if settings.database_url:
        yield from examine_database(partial(connect_to, settings.database_url), clock)
    yield from examine_queues(settings)


def _connect(database_url: str) -> psycopg.Connection:
    return connect(
        database_url, role="doctor", autocommit=True, statement_timeout=STATEMENT_TIMEOUT
    )


def examine_database(connect_to: Connect, clock: Callable[[], datetime]) -> Iterator[Finding]:
    """The database's findings; what needs the schema is left out where there is none."""
    try:
        conn = connect_to()
    except psycopg.ProgrammingError:
        yield problem(
            "database",
            "DATABASE_URL is no connection string",
            f"Write it as {SHAPE_OF_AN_ADDRESS}",
        )
        return
    except psycopg.OperationalError as error:
        yield _unreachable(error)
        return
    with conn:
        yield ok("database", f"reachable at {conn.info.host}:{conn.info.port}/{conn.info.dbname}")
        yield database.check_version(conn.info.server_version)
        yield from _guarded("listen", lambda: [database.check_bells(connect_to)])
        schema = _guarded("schema", lambda: [database.check_schema(conn)])
        yield from schema
        if all(finding.level == "ok" for finding in schema):
            yield from _guarded("database", lambda: _examine_schema(conn, clock))
            yield from _guarded("stalled-jobs", lambda: [database.check_stalled(conn)])
            yield from _guarded("processes", lambda: database.check_processes(conn))


def _unreachable(error: psycopg.OperationalError) -> Finding:
    says = f"cannot be reached: {_first_line(error)}"
    if "startup parameter" in str(error):
        return problem(
            "database",
            says,
            "Use the database's direct connection string: a connection pooler refused our "
            "timeouts, and one in transaction mode would drop LISTEN as well.",
        )
    return problem(
        "database",
        says,
        "Check that the server runs, that DATABASE_URL is its address, and that its firewall "
        "or allow list lets this machine in.",
    )


def _examine_schema(conn: psycopg.Connection, clock: Callable[[], datetime]) -> Iterator[Finding]:
    found = operators.check_database(conn)
    before = clock()
    ready = probes.check_readiness(conn, now=before)
    after = clock()
    yield database.check_procrastinate(found)
    yield database.check_bell_queue(found)
    yield database.check_clock(before, ready.server_time, after)
    yield database.check_writes(ready)
    yield database.check_privileges(ready)
    yield database.check_reader_role(found)
    yield database.check_partitions(found, ready)
    yield database.check_sweeper(found)


def examine_queues(settings: Settings) -> Iterator[Finding]:
    """The findings of every queue that the settings name, the dead letter queue first."""
    if not settings.sqs_queue_url:
        return
    try:
        client = connect_sqs(settings, read_timeout_s=SQS_READ_TIMEOUT_S)
    except SettingsError as error:
        yield problem("sqs", str(error), CORRECT_IT)
        return
    watched = open_dead_letter_queue(settings, client)
    attributes = None
    if watched is not None:
        findings, attributes = queues.check_dead_letters(watched)
        yield from findings
    for queue in open_queues(settings, client):
        yield from _guarded(queue.source, partial(queues.check_queue, queue, settings, attributes))


def _guarded(name: str, check: Callable[[], Iterable[Finding]]) -> list[Finding]:
    """The check's findings; an error it did not expect is a finding too."""
    try:
        return list(check())
    except psycopg.errors.InsufficientPrivilege as error:
        says = f"this login lacks a right: {_first_line(error)}"
        return [problem(name, says, database.GIVE_RIGHTS)]
    except Exception as error:  # noqa: BLE001  an examination must reach its end
        return [
            problem(
                name,
                f"could not be examined: {type(error).__name__}: {_first_line(error)}",
                "Run buybox doctor again; if it stays, the message says where to look.",
            )
        ]


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
