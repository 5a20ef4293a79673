"""Who may do what: readers see the views, workers do their work, and nobody changes the schema."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from db import failures, feed, inbox, jobs, operators
from db.operators import VIEWS
from db.sql import query, query_names
from tests.interleave import (
    Ear,
    column,
    deliver,
    fetch_job,
    finish_job,
    letter,
    register_worker,
    work,
)

NOW = datetime.now(UTC)


def test_the_views_are_the_documented_ones(scratch):
    assert set(column(scratch, "SELECT viewname FROM pg_views WHERE schemaname = 'ops'")) == set(
        VIEWS
    )


@pytest.mark.parametrize("view", VIEWS)
def test_every_view_says_when_to_open_it(scratch, view):
    (comment,) = column(scratch, "SELECT obj_description(%s::regclass)", f"ops.{view}")
    assert re.match(r"Open it (first |when |to ).{20,}", comment or "", re.DOTALL), comment


@pytest.mark.parametrize("view", VIEWS)
def test_a_reader_sees_every_view(conn, view):
    deliver(conn, letter(), letter(b"{"), letter(b"broken"))
    work(conn)
    conn.execute("SET ROLE ops_reader")
    operators.read_view(conn, view)


def test_a_reader_sees_no_table(scratch):
    tables = column(
        scratch,
        "SELECT oid::regclass::text FROM pg_class"
        " WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace",
    )
    assert {"worker_notifications", "current_state", "procrastinate_jobs"} <= set(tables)
    scratch.execute("SET LOCAL ROLE ops_reader")
    for table in tables:
        with pytest.raises(psycopg.errors.InsufficientPrivilege), scratch.transaction():
            scratch.execute(f"SELECT 1 FROM {table} LIMIT 1")


@pytest.mark.parametrize("view", VIEWS)
def test_a_reader_cannot_write_through_a_view(scratch, view):
    may = "SELECT has_table_privilege('ops_reader', %s, 'INSERT, UPDATE, DELETE, TRUNCATE')"
    assert column(scratch, may, f"ops.{view}") == [False]


@pytest.mark.parametrize("name", query_names())
def test_a_worker_may_send_every_statement(scratch, name):
    scratch.execute("SET LOCAL ROLE buybox_worker")
    names = re.findall(r"%\((\w+)\)[sb]", query(name))
    scratch.execute(f"EXPLAIN {query(name)}", dict.fromkeys(names) or None)


def test_a_worker_does_its_whole_work(conn, open_connection):
    """T1, procrastinate's fetch and finish, T2, bells, maintenance, feed, failures, the doctor."""
    ear = Ear(open_connection, feed.STATE_CHANNEL)
    conn.execute("SET ROLE buybox_worker")
    assert deliver(conn, letter(), letter(b"{")).stored == 1
    worker = register_worker(conn)
    job = fetch_job(conn, worker=worker)
    assert work(conn, job["lock"]).processed == 1
    finish_job(conn, job["id"])
    assert len(ear.heard()) == 1
    assert len(feed.read_feed(conn, None).rows) == 1

    soon = NOW + timedelta(days=60)
    assert jobs.ensure_partitions(conn, now=soon)
    assert jobs.sweep_unheld(conn, now=soon, grace=timedelta(seconds=60)) == (0, "")
    silent = timedelta(seconds=30)
    assert jobs.rescue_stalled_jobs(conn, now=soon, silent=silent, max_runtime=silent) == []
    conn.execute("SELECT * FROM procrastinate_prune_stalled_workers_v1(0)")

    operators.beat_heart(
        conn, worker_id="i", role="ingest", state="working", details={}, now=NOW, starting=True
    )
    assert inbox.read_backlog(conn).waiting == 0
    (dead,) = failures.list_failures(conn)
    with conn.transaction():
        assert failures.fetch_failure_bodies(conn, [dead.id])[0].raw_body == b"{"
        failures.resolve_failures(conn, {dead.id: "redriven"}, now=NOW)
    for view in VIEWS:
        operators.read_view(conn, view)
    assert operators.check_database(conn).has_ops_reader


DDL = [
    "CREATE TABLE mine (id integer)",
    "CREATE TABLE ops.mine (id integer)",
    "CREATE VIEW ops.mine AS SELECT 1 AS one",
    "CREATE SCHEMA mine",
    "CREATE FUNCTION mine() RETURNS integer LANGUAGE sql RETURN 1",
    "ALTER TABLE current_state ADD COLUMN mine integer",
    "ALTER TABLE worker_notifications DROP CONSTRAINT status_is_known",
    "CREATE INDEX mine ON current_state (asin)",
    "DROP TABLE worker_failures",
    "DROP VIEW ops.worker_health",
    "TRUNCATE competitive_history",
    "DELETE FROM worker_notifications",
    "UPDATE feed_epoch SET epoch = 'mine'",
]


@pytest.mark.parametrize("role", ["buybox_worker", "ops_reader"])
@pytest.mark.parametrize("statement", DDL)
def test_no_role_of_ours_changes_the_schema_or_drops_keys(scratch, role, statement):
    scratch.execute(f"SET LOCAL ROLE {role}")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        scratch.execute(statement)


def test_a_reader_may_not_make_partitions(scratch):
    scratch.execute("SET LOCAL ROLE ops_reader")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        jobs.ensure_partitions(scratch, now=NOW)


def test_the_roles_cannot_log_in(scratch):
    assert scratch.execute(
        "SELECT rolname, rolcanlogin, rolsuper FROM pg_roles"
        " WHERE rolname IN ('ops_reader', 'buybox_worker') ORDER BY rolname"
    ).fetchall() == [("buybox_worker", False, False), ("ops_reader", False, False)]
