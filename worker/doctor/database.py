"""The database: up to date, fit for bells, open to us, and with somebody at work on it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from importlib.metadata import version
from typing import Any

import psycopg

from db import inbox, operators, probes
from db.revisions import read_standing
from db.rows import DatabaseFindings
from process.settings import GRANT
from worker.doctor.finding import Finding, ok, problem, warning
from worker.wording import counted

Connect = Callable[[], psycopg.Connection]
"""Opens an autocommit connection as the services would; may raise psycopg.Error."""

OLDEST_POSTGRES = 150_000
BELL_WITHIN_S = 2.0
CLOCK_TOLERANCE = timedelta(seconds=5)
QUEUE_USAGE_LIMIT = 0.5
GIVE_RIGHTS = f"Give it its rights: {GRANT}."
MIGRATE = "Run python -m db.migrate with this DATABASE_URL."


def check_version(server_version: int) -> Finding:
    """PostgreSQL 15 is the oldest that the schema's SQL runs on. `server_version` as 150018."""
    shown = f"PostgreSQL {server_version // 10_000}.{server_version % 10_000}"
    if server_version >= OLDEST_POSTGRES:
        return ok("version", shown)
    return problem(
        "version",
        f"{shown} is older than 15",
        "Upgrade the server to PostgreSQL 15 or newer.",
    )


def check_schema(conn: psycopg.Connection) -> Finding:
    """Our schema is at the revision that this code expects."""
    found = read_standing(conn)
    if found.here is None:
        return problem("schema", "this database has no buybox schema yet", MIGRATE)
    if found.is_behind:
        return problem(
            "schema", f"at revision {found.here}, this code expects {found.needed}", MIGRATE
        )
    if found.is_within_one_deploy:
        return warning(
            "schema",
            f"at revision {found.here}, newer than this code ({found.needed}), which works on it",
            "Deploy a corrected version when there is one. Do not go back any further.",
        )
    if found.is_ahead:
        return problem(
            "schema",
            f"at revision {found.here}, which this code does not know",
            "Deploy the code that made this revision: the database is newer than this checkout.",
        )
    return ok("schema", f"at revision {found.here}")


def check_procrastinate(found: DatabaseFindings, *, installed: str | None = None) -> Finding:
    """The queue's tables come from the version that is installed."""
    installed = installed or version("procrastinate")
    applied = found.procrastinate_version
    if applied and applied.split(".")[:2] == installed.split(".")[:2]:
        return ok("procrastinate", f"schema of {applied}, package {installed}")
    return problem(
        "procrastinate",
        f"schema of {applied or 'no known version'}, package {installed}",
        "Install from requirements.lock, or add the revision that brings its schema up to the "
        "package (docs/decisions/0002).",
    )


def check_bells(connect: Connect) -> Finding:
    """NOTIFY of one connection reaches LISTEN of another."""
    with connect() as listener, connect() as ringer:
        if probes.bells_arrive(listener, ringer, timeout_s=BELL_WITHIN_S):
            return ok("listen", "LISTEN delivers")
    return problem(
        "listen",
        f"LISTEN was accepted and nothing arrived within {BELL_WITHIN_S:g} s: "
        "DATABASE_URL leads through a transaction pooler",
        "Use the database's direct connection string in DATABASE_URL, without pgbouncer or "
        "another transaction pooler.",
    )


def check_bell_queue(found: DatabaseFindings) -> Finding:
    """The server's queue of bells is far from full; when it is full, commits that ring fail."""
    usage = found.notification_queue_usage
    says = f"the server's NOTIFY queue is {usage:.0%} full"
    if usage < QUEUE_USAGE_LIMIT:
        return ok("notify-queue", says)
    return problem(
        "notify-queue",
        says,
        "End the listening session that sits in a long transaction "
        "(pg_stat_activity, state 'idle in transaction').",
    )


def check_clock(before: datetime, server: datetime, after: datetime) -> Finding:
    """This machine and the database agree on the time."""
    difference = server - (before + (after - before) / 2)
    says = f"{abs(difference.total_seconds()):.1f} s between this machine and the database"
    if abs(difference) < CLOCK_TOLERANCE:
        return ok("clock", says)
    return warning(
        "clock",
        says,
        "Set this machine's clock by NTP: ages, the backlog limit and the rule against events "
        "from the future are reckoned by it.",
    )


def check_writes(found: probes.Readiness) -> Finding:
    """The database takes writes; one that only answers reads would look well otherwise."""
    if not found.is_read_only:
        return ok("writes", "it takes writes")
    if found.is_standby:
        return problem(
            "writes",
            "this server is a standby and takes no writes",
            "Set DATABASE_URL to the primary; after a failover, wait until one is promoted.",
        )
    return problem(
        "writes",
        "transactions are read-only here: nothing can be filed or analysed",
        "See whether its disk is full, which makes some hosts do this. Then, if it stays: "
        "ALTER DATABASE (or ROLE) ... RESET default_transaction_read_only.",
    )


def check_privileges(found: probes.Readiness) -> Finding:
    """This login may do what ingesters and workers do."""
    if not found.missing_privileges:
        return ok("privileges", "this login may do the work")
    return problem(
        "privileges",
        "this login lacks " + ", ".join(found.missing_privileges),
        f"{GIVE_RIGHTS} If it has that, python -m db.migrate gives buybox_worker its rights again.",
    )


def check_reader_role(found: DatabaseFindings) -> Finding:
    """The operators' read-only role exists."""
    if found.has_ops_reader:
        return ok("ops_reader", "the role exists")
    return warning(
        "ops_reader",
        "the role ops_reader does not exist: the migration's login may not make roles",
        "Let an administrator run CREATE ROLE ops_reader NOLOGIN, then run python -m db.migrate.",
    )


def check_partitions(found: DatabaseFindings, ready: probes.Readiness) -> Finding:
    """Tomorrow's and next week's partitions are there, and the default ones are empty."""
    astray = found.bodies_without_partition + found.history_without_partition
    if ready.missing_partitions:
        return problem(
            "partitions",
            "missing: " + ", ".join(ready.missing_partitions),
            "Run python -m db.migrate now and see that a worker runs: its hourly task makes them.",
        )
    if astray:
        return warning(
            "partitions",
            f"{counted(astray, 'row')} in default partitions",
            "See that a worker runs: rows get there only when nobody made partitions in time.",
        )
    return ok("partitions", "made ahead, default partitions empty")


def check_sweeper(found: DatabaseFindings) -> Finding:
    """The sweeper never had to put a product back in line."""
    if not found.swept_products:
        return ok("sweeper", "no product was ever left without a job")
    return warning(
        "sweeper",
        f"{counted(found.swept_products, 'product')} left without a job and put back",
        "Look for products_swept in the worker's log and for failed jobs in ops.queue_depth; "
        "the count is expected to be 0.",
    )


def check_stalled(conn: psycopg.Connection) -> Finding:
    """No job is held by a worker that is gone."""
    rows = operators.read_view(conn, "stalled_jobs", max_rows=100)
    if not rows:
        return ok("stalled-jobs", "none")
    return warning(
        "stalled-jobs",
        f"{counted(len(rows), 'job')} held by workers silent for over 30 s, or running for over "
        "5 minutes",
        "See that a worker runs: it puts them back after STALLED_AFTER_SECONDS or JOB_MAX_SECONDS.",
    )


def check_processes(conn: psycopg.Connection) -> list[Finding]:
    """An ingester and a worker are alive. A database nobody has worked on yet is only a warning."""
    rows = operators.read_view(conn, "worker_health", max_rows=1000)
    waiting = inbox.read_backlog(conn).waiting
    return [
        _check_role(rows, "ingest", "ingester", "buybox ingest", waiting=0),
        _check_role(
            rows, "analysis", "worker", "procrastinate --app=worker.app.app worker", waiting=waiting
        ),
    ]


def _check_role(
    rows: list[dict[str, Any]], role: str, called: str, command: str, *, waiting: int
) -> Finding:
    ours = [row for row in rows if row["role"] == role]
    alive = [row for row in ours if row["state"] not in {"lost", "stopped"}]
    if gated := [row for row in alive if row["state"] == "gated"]:
        return warning(
            called,
            f"{len(gated)} of {len(alive)} stopped receiving: {_reasons(gated[0])}",
            "Do what the reason asks; it receives again by itself when the reason is gone.",
        )
    if alive:
        return ok(called, f"{len(alive)} alive")
    start = f"Start one: {command}."
    if waiting:
        return problem(called, f"none is alive and {waiting} notifications wait", start)
    if any(row["state"] == "lost" for row in ours):
        return problem(called, "none is alive, and the last did not stop on purpose", start)
    return warning(called, "none is running", start)


def _reasons(gated: dict[str, Any]) -> str:
    reasons = gated["details"].get("shut_because") or {}
    return "; ".join(f"{name}: {detail}" for name, detail in reasons.items()) or "no reason given"
