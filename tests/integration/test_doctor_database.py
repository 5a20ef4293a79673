"""The doctor on a real database: healthy, and broken in one way at a time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from db import operators
from db.connect import conninfo
from tests.interleave import column, deliver, letter, register_worker
from worker.doctor.checks import examine
from worker.settings import Settings


def utc_now() -> datetime:
    return datetime.now(UTC)


def open_autocommit(url: str, kind: type[psycopg.Connection] = psycopg.Connection):
    return kind.connect(conninfo(url, role="doctor"), autocommit=True)


@pytest.fixture
def at_work(conn):
    """A database on which an ingester and a worker are alive."""
    operators.beat_heart(
        conn,
        worker_id="i",
        role="ingest",
        state="running",
        details={},
        now=utc_now(),
        starting=True,
    )
    register_worker(conn)
    return conn


def database_findings(url, *, connect_to=open_autocommit, clock=utc_now):
    settings = Settings(database_url=url, dlq_url="http://d")
    found = examine(lambda: settings, connect_to=connect_to, clock=clock)
    return {one.name: one for one in found if one.name != "SQS_QUEUE_URL"}


def not_ok(findings):
    return {name: one.level for name, one in findings.items() if one.level != "ok"}


def test_a_healthy_database_has_nothing_to_say(database_url, at_work):
    found = database_findings(database_url)
    assert not_ok(found) == {}
    assert set(found) == {
        "database",
        "version",
        "listen",
        "schema",
        "procrastinate",
        "notify-queue",
        "clock",
        "writes",
        "privileges",
        "ops_reader",
        "partitions",
        "sweeper",
        "stalled-jobs",
        "ingester",
        "worker",
    }


class Pooled(psycopg.Connection):
    """As behind a transaction pooler: LISTEN is accepted and goes nowhere."""

    def execute(self, query, *args, **options):
        text = query if isinstance(query, str) else query.as_string(self)
        return super().execute("SELECT 1" if text.startswith("LISTEN") else query, *args, **options)


def test_listen_that_delivers_nothing_is_found(database_url, at_work):
    found = database_findings(database_url, connect_to=lambda url: open_autocommit(url, Pooled))
    assert not_ok(found) == {"listen": "problem"}
    assert "direct connection string" in found["listen"].do


def test_a_pooler_that_refuses_our_timeouts_is_named():
    def refuse(_url):
        raise psycopg.OperationalError("unsupported startup parameter in options: jit")

    found = database_findings("postgresql://x", connect_to=refuse)
    assert "direct connection string" in found["database"].do


def test_no_server_is_found_at_once():
    found = database_findings("postgresql://u:hunter2@127.0.0.1:1/x")
    assert not_ok(found) == {"database": "problem"}
    assert "hunter2" not in found["database"].says


def test_no_connection_string_is_not_repeated():
    found = database_findings("host=h password = hunter2")
    assert not_ok(found) == {"database": "problem"}
    assert "hunter2" not in str(found)


def test_an_empty_database_wants_the_migration(empty_database_url):
    found = database_findings(empty_database_url)
    assert not_ok(found) == {"schema": "problem"}
    assert "db.migrate" in found["schema"].do


def test_a_database_that_takes_no_writes_is_found(database_url, at_work):
    """As hosts leave it when its disk is full: it answers all questions, and nothing can be filed."""
    database = sql.Identifier(at_work.info.dbname)
    at_work.execute(
        sql.SQL("ALTER DATABASE {} SET default_transaction_read_only = on").format(database)
    )
    found = database_findings(database_url)
    assert not_ok(found) == {"writes": "problem"}
    assert "disk" in found["writes"].do


@pytest.mark.parametrize(("revision", "word"), [("0001", "db.migrate"), ("9999", "Deploy")])
def test_another_revision_is_found(database_url, conn, revision, word):
    conn.execute("UPDATE alembic_version SET version_num = %s", (revision,))
    found = database_findings(database_url)
    assert not_ok(found) == {"schema": "problem"}
    assert word in found["schema"].do


def test_a_newer_revision_that_one_went_back_from_is_no_reason_to_deploy_it_again(
    database_url, at_work
):
    at_work.execute(
        "INSERT INTO schema_components (component, version)"
        " SELECT 'migrated-from', version_num FROM alembic_version"
    )
    at_work.execute("UPDATE alembic_version SET version_num = '9999'")
    found = database_findings(database_url)
    assert not_ok(found) == {"schema": "warning"}
    assert "corrected" in found["schema"].do


def test_another_procrastinate_is_found(database_url, at_work):
    at_work.execute("UPDATE schema_components SET version = '3.4.0'")
    assert not_ok(database_findings(database_url)) == {"procrastinate": "problem"}


def test_a_wrong_clock_is_found(database_url, at_work):
    found = database_findings(database_url, clock=lambda: utc_now() - timedelta(seconds=9))
    assert not_ok(found) == {"clock": "warning"}
    assert found["clock"].says.startswith("9.")


@pytest.mark.parametrize(
    ("days", "gone"), [(1, "notification_bodies_%Y%m%d"), (7, "competitive_history_%Gw%V")]
)
def test_a_missing_partition_ahead_is_found(database_url, at_work, days, gone):
    name = f"{utc_now() + timedelta(days=days):{gone}}"
    at_work.execute(f"DROP TABLE {name}")
    found = database_findings(database_url)
    assert not_ok(found) == {"partitions": "problem"}
    assert name in found["partitions"].says


def test_rows_in_a_default_partition_are_found(database_url, at_work):
    at_work.execute(
        "INSERT INTO notification_bodies (notification_id, received_on, body)"
        " VALUES (1, '2001-01-01', '{}')"
    )
    assert not_ok(database_findings(database_url)) == {"partitions": "warning"}


def test_a_swept_product_is_found(database_url, at_work):
    at_work.execute(
        "INSERT INTO worker_counters (name, value, updated_at) VALUES ('swept_products', 1, now())"
        " ON CONFLICT (name) DO UPDATE SET value = 1"
    )
    assert not_ok(database_findings(database_url)) == {"sweeper": "warning"}


def test_waiting_notifications_without_a_worker_are_a_problem(database_url, conn):
    assert not_ok(database_findings(database_url)) == {"ingester": "warning", "worker": "warning"}
    deliver(conn, letter())
    assert not_ok(database_findings(database_url)) == {"ingester": "warning", "worker": "problem"}


def test_an_ingester_that_was_lost_is_a_problem_and_one_that_stopped_a_warning(
    database_url, at_work
):
    at_work.execute("UPDATE worker_heartbeats SET last_seen = now() - interval '1 hour'")
    assert not_ok(database_findings(database_url)) == {"ingester": "problem"}
    at_work.execute("UPDATE worker_heartbeats SET state = 'stopped'")
    assert not_ok(database_findings(database_url)) == {"ingester": "warning"}


def test_a_gated_ingester_says_why(database_url, at_work):
    at_work.execute(
        "UPDATE worker_heartbeats SET state = 'gated',"
        """ details = '{"shut_because": {"backlog": "oldest is 1000 s old"}}'"""
    )
    found = database_findings(database_url)
    assert not_ok(found) == {"ingester": "warning"}
    assert "backlog: oldest is 1000 s old" in found["ingester"].says


def test_a_stalled_job_is_found(database_url, at_work):
    deliver(at_work, letter())
    at_work.execute("UPDATE procrastinate_jobs SET status = 'doing'")
    assert not_ok(database_findings(database_url)) == {"stalled-jobs": "warning"}


@pytest.fixture
def login(at_work):
    """Makes a login role in the groups given; gone afterwards."""
    made = []

    def make(*groups: str) -> str:
        name = f"doctor_{at_work.info.backend_pid}_{len(made)}"
        at_work.execute(f"CREATE ROLE {name} LOGIN PASSWORD 'x'")
        made.append(name)
        for group in groups:
            at_work.execute(f"GRANT {group} TO {name}")
        return name

    yield make
    for name in made:
        at_work.execute(f"DROP OWNED BY {name}")
        at_work.execute(f"DROP ROLE {name}")


LOOKED_AT = (
    "schema_components",
    "notification_bodies_default",
    "competitive_history_default",
    "worker_counters",
)
"""What check_database.sql reads."""


def as_role(url: str, role: str) -> str:
    given = conninfo_to_dict(url)
    return make_conninfo(**{**given, "options": f"-c role={role}"})


def test_the_workers_role_is_all_that_is_needed(database_url, login):
    assert not_ok(database_findings(as_role(database_url, login("buybox_worker")))) == {}


def test_a_missing_privilege_is_found(database_url, at_work, login):
    role = login("buybox_worker")
    at_work.execute("REVOKE UPDATE ON current_state FROM buybox_worker")
    found = database_findings(as_role(database_url, role))
    assert not_ok(found) == {"privileges": "problem"}
    assert "UPDATE on current_state" in found["privileges"].says


RIGHTS = """
SELECT a.privilege_type || ' on ' || c.relname
FROM pg_class AS c, aclexplode(c.relacl) AS a
WHERE c.relnamespace = 'public'::regnamespace AND a.grantee = 'buybox_worker'::regrole
UNION ALL
SELECT a.privilege_type || ' on ' || p.proname
FROM pg_proc AS p, aclexplode(p.proacl) AS a
WHERE p.pronamespace = 'public'::regnamespace AND a.grantee = 'buybox_worker'::regrole
"""


def test_no_right_of_the_workers_is_missed_without_a_word(database_url, at_work, login):
    """Those that the doctor itself needs are named by the error it meets."""
    given = column(at_work, RIGHTS)
    assert len(given) > 100
    needed_to_look = {f"SELECT on {name}" for name in ("alembic_version", *LOOKED_AT)}
    for right in set(given) - needed_to_look:
        privilege, _, name = right.partition(" on ")
        kind = {"EXECUTE": "FUNCTION ", "USAGE": "SEQUENCE "}.get(privilege, "")
        at_work.execute(f"REVOKE {privilege} ON {kind}{name} FROM buybox_worker")
    found = database_findings(as_role(database_url, login("buybox_worker")))["privileges"]
    assert found.level == "problem"
    named = set(found.says.removeprefix("this login lacks ").split(", "))
    assert named == set(given) - needed_to_look
    assert "db.migrate" in found.do


def test_a_login_that_may_not_even_look_is_told_so(database_url, login):
    found = database_findings(as_role(database_url, login()))
    assert {one.level for one in found.values()} == {"ok", "problem"}
    assert "schema" in not_ok(found)
