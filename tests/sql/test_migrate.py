"""db.migrate: from anywhere to now, in one piece, from two places at once."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import suppress
from dataclasses import asdict
from datetime import timedelta
from importlib.metadata import version
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from db import migrate as migrate_module
from db.connect import connect
from db.migrate import MigrationError, migrate, server_code
from db.revisions import current_revision
from tests.interleave import Background, column, deliver, letter, until, until_blocked, work
from tests.revisions import revisions
from worker.alerts.settings import LONGEST
from worker.alerts.storing import read_settings

ROOT = Path(__file__).parents[2]
HEAD = revisions()[-1]
LOCK = "SELECT pg_advisory_lock(hashtext('buybox migrate'))"

ROWS_OF_BEFORE = {
    "0001": """
        SELECT procrastinate_defer_jobs_v1(ARRAY[
            ROW ('analysis', 'analyse_product', 0, 'M:A', NULL, '{}', NULL)
            ::procrastinate_job_to_defer_v1])
    """,
    "0002": """
        WITH stored AS (
            INSERT INTO worker_notifications (
                received_at, received_on, notification_type, status, event_key, body_hash, trace_id,
                source, envelope, ingested_by
            )
            SELECT now(), now()::date, 'X', 'ignored', 'k', sha256('b'), 't', 'sqs', 'direct', 'i'
            RETURNING id, received_on
        )
        INSERT INTO notification_bodies (notification_id, received_on, body)
        SELECT id, received_on, '{}' FROM stored
    """,
}
ROWS_OF_BEFORE["0003"] = (
    ROWS_OF_BEFORE["0002"]
    .replace("body)", "body, facts)")
    .replace("'{}' FROM", """'{}', '{"a": "1.50"}' FROM""")
)
ROWS_OF_BEFORE["0004"] = ROWS_OF_BEFORE["0003"]
ROWS_OF_BEFORE["0005"] = (
    ROWS_OF_BEFORE["0004"]
    + """;
        INSERT INTO current_state (
            marketplace_id, asin, item_condition, audience, seller_id, severity, currency,
            your_price, market_low, severity_policy, severity_reasons, event_time, trace_id,
            worker_id, updated_at, version
        ) VALUES ('M', 'B000000001', 'new', 'consumer', 'S', 'success', 'GBP', 10, 9, 'full', '{}',
                  now(), 't', 'w', now(), 1);
        INSERT INTO products (
            seller_id, marketplace_id, asin, item_condition, fulfilment_channel, currency, updated_at
        ) VALUES ('S', 'M', 'B000000001', 'new', 'amazon', 'GBP', now())
    """
)
# Costs written now would ring for their assessment, by a function that only the whole migration makes.
for earlier in (6, 7, 9, 10, 11, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22):
    ROWS_OF_BEFORE[f"{earlier:04}"] = ROWS_OF_BEFORE["0004"]
ROWS_OF_BEFORE["0008"] = (
    ROWS_OF_BEFORE["0007"]
    + """;
        INSERT INTO alert_deliveries (route_name, channel, reach, heading, reason, created_at)
        VALUES ('ops', 'mail', 'batch', 'h', 'r', now())
    """
)

ROWS_OF_BEFORE["0012"] = (
    ROWS_OF_BEFORE["0004"]
    + """;
        UPDATE alert_settings
        SET clear_hold = '367 days', dedupe_window = '367 days', repeat_interval = '9999999 days',
            snooze_default = '367 days', snooze_max = '80000 years', escalate_after = '367 days',
            escalation_limit = '367 days', auto_resolve_after = '367 days',
            flapping_horizon = '367 days', burst_window = '367 days', batch_every = '367 days'
    """
)

SHAPE = r"""
SELECT 'column', table_schema || '.' || table_name, column_name || ' ' || data_type || is_nullable
FROM information_schema.columns WHERE table_schema IN ('public', 'ops')
UNION ALL
SELECT 'index', tablename, indexdef FROM pg_indexes WHERE schemaname = 'public'
UNION ALL
SELECT 'constraint', conrelid::regclass::text, conname || ' ' || pg_get_constraintdef(oid)
FROM pg_constraint WHERE connamespace = 'public'::regnamespace
UNION ALL
SELECT 'function', proname, pg_get_functiondef(oid)
FROM pg_proc WHERE pronamespace = 'public'::regnamespace
UNION ALL
SELECT 'view', viewname, definition FROM pg_views WHERE schemaname = 'ops'
UNION ALL
SELECT 'grant', oid::regclass::text, relacl::text FROM pg_class
WHERE relnamespace IN ('public'::regnamespace, to_regnamespace('ops')) AND relkind IN ('r', 'v', 'p')
"""


def describe(url):
    """Everything a migration makes, as a set of facts; the partitions by date left out."""
    with connect(url, role="test") as conn:
        rows = conn.execute(SHAPE).fetchall()
    return {row for row in rows if "w0" not in row[1] and "_20" not in " ".join(map(str, row))}


def test_an_empty_database_comes_to_head(empty_database_url):
    report = migrate(empty_database_url)
    assert (report.before, report.after) == (None, HEAD)
    assert report.replayed == len(server_code()) > 10
    assert report.partitions
    assert report.new_epoch
    with connect(empty_database_url) as conn:
        assert current_revision(conn) == HEAD


@pytest.mark.parametrize("start", revisions()[:-1])
def test_every_earlier_revision_comes_to_the_same_end(empty_database_url, database_url, start):
    assert migrate(empty_database_url, revision=start).after == start
    with connect(empty_database_url, autocommit=True) as conn:
        conn.execute(ROWS_OF_BEFORE[start])
    report = migrate(empty_database_url)
    assert (report.before, report.after) == (start, HEAD)
    assert describe(empty_database_url) == describe(database_url)
    with connect(empty_database_url) as conn:
        assert column(
            conn,
            "SELECT id FROM procrastinate_jobs"
            " UNION ALL SELECT id FROM ops.worker_notifications WHERE body = '{}'",
        ) == [1]
        facts = column(
            conn, "SELECT facts ->> 'a' FROM notification_bodies WHERE facts IS NOT NULL"
        )
        assert facts == (["1.50"] if start >= "0003" else [])


def test_lengths_beyond_the_calendar_become_a_year(empty_database_url):
    migrate(empty_database_url, revision="0012")
    with connect(empty_database_url, autocommit=True) as conn:
        conn.execute(ROWS_OF_BEFORE["0012"])
    migrate(empty_database_url)
    with connect(empty_database_url, autocommit=True) as conn:
        settings = read_settings(conn)
        with pytest.raises(psycopg.errors.CheckViolation, match="a_year_at_most"):
            conn.execute("UPDATE alert_settings SET batch_every = '367 days'")
    lengths = [value for value in asdict(settings).values() if isinstance(value, timedelta)]
    assert lengths == [LONGEST] * 11


def test_costs_of_before_the_economics_are_waiting_to_be_assessed(empty_database_url):
    migrate(empty_database_url, revision="0005")
    with connect(empty_database_url, autocommit=True) as conn:
        conn.execute(ROWS_OF_BEFORE["0005"])
        migrate(empty_database_url)
        assert column(conn, "SELECT marketplace_id FROM reassessments") == ["M"]
        assert column(conn, "SELECT economics_unknown FROM current_state") == ["not assessed yet"]


def test_asins_that_routes_of_before_have_in_another_spelling_are_folded(empty_database_url):
    migrate(empty_database_url, revision="0013")
    with connect(empty_database_url, autocommit=True) as conn:
        for name, asins in (
            ("all", None),
            ("good", ["B0CXYZ1234", "B0CXYZ1235"]),
            ("small", ["b0cxyz1234", " B0CXYZ1234 ", "B0CXYZ1235", "B0"]),
            ("none", ["B0,B1", ""]),
        ):
            conn.execute(
                "INSERT INTO alert_routes (name, channel, url_encrypted, url_masked, asins, created_by)"
                " VALUES (%s, 'mail', 'x', 'x', %s, 'test')",
                (name, asins),
            )
        migrate(empty_database_url)
        found = conn.execute("SELECT name, asins, trouble IS NULL FROM alert_routes ORDER BY id")
        assert found.fetchall() == [
            ("all", None, True),
            ("good", ["B0CXYZ1234", "B0CXYZ1235"], True),
            ("small", ["B0CXYZ1234", "B0CXYZ1235"], True),
            ("none", [], False),
        ]


def test_a_second_migration_changes_nothing(database_url, conn):
    deliver(conn, letter())
    work(conn)
    before = describe(database_url)
    epoch = column(conn, "SELECT epoch FROM feed_epoch")
    report = migrate(database_url)
    assert (report.before, report.after) == (HEAD, HEAD)
    assert report.partitions == []
    assert not report.new_epoch
    assert describe(database_url) == before
    assert column(conn, "SELECT epoch FROM feed_epoch") == epoch


def migrate_process(url, **env):
    return subprocess.run(
        [sys.executable, "-m", "db.migrate"],
        cwd=ROOT,
        env={k: v for k, v in os.environ.items() if k != "DATABASE_URL"}
        | ({"DATABASE_URL": url} if url else {})
        | env,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("run", [migrate, migrate_process], ids=["threads", "processes"])
def test_two_at_once_both_succeed(empty_database_url, database_url, run):
    with connect(empty_database_url, autocommit=True) as gate:
        gate.execute(LOCK)
        both = [Background(run, empty_database_url) for _ in range(2)]
        until_blocked(gate, backends=2)
        gate.execute("SELECT pg_advisory_unlock_all()")
        results = [one.result() for one in both]
    if run is migrate:
        assert {r.before for r in results} == {None, HEAD}
    else:
        assert [r.returncode for r in results] == [0, 0], [r.stderr for r in results]
    assert describe(empty_database_url) == describe(database_url)


def test_the_second_waits_for_a_migration_that_takes_long(database_url):
    """Our connections give up on a lock after seconds; waiting for one's turn is not giving up."""
    impatient = psycopg.conninfo.make_conninfo(database_url, options="-c lock_timeout=20")
    with connect(database_url, autocommit=True) as gate:
        gate.execute(LOCK)
        second = Background(migrate, impatient).until_blocked(gate)
        until(
            lambda: (
                column(
                    gate,
                    "SELECT now() - query_start > interval '200 ms' FROM pg_stat_activity"
                    " WHERE datname = current_database() AND wait_event = 'advisory'",
                )
                == [True]
            ),
            "it had waited far longer than its lock timeout",
            unless=second.done,
        )
        gate.execute("SELECT pg_advisory_unlock_all()")
        assert second.result().after == HEAD


@pytest.mark.parametrize("start", [None, *revisions()])
def test_a_failing_migration_leaves_everything_as_it_was(empty_database_url, monkeypatch, start):
    if start:
        migrate(empty_database_url, revision="head" if start == HEAD else start)
    before = describe(empty_database_url)
    monkeypatch.setattr(
        migrate_module, "server_code", lambda: [*server_code(), "CREATE VIEW ops.broken AS SELEC"]
    )
    with pytest.raises(MigrationError, match=r"nothing was changed: .*syntax error"):
        migrate(empty_database_url)
    assert describe(empty_database_url) == before
    with connect(empty_database_url) as conn:
        assert current_revision(conn) == start


def test_no_statement_of_a_migration_is_ended_because_it_takes_long(database_url, monkeypatch):
    """A large table takes minutes, and would again the next time."""
    asks = "DO $$ BEGIN ASSERT current_setting('statement_timeout') = '0'; END $$"
    monkeypatch.setattr(migrate_module, "server_code", lambda: [*server_code(), asks])
    assert migrate(database_url).after == HEAD


def test_what_the_code_files_no_longer_say_is_replaced(database_url, conn):
    before = describe(database_url)
    conn.execute("CREATE VIEW ops.old_and_gone AS SELECT 1 AS one")
    conn.execute("DROP VIEW ops.queue_depth")
    migrate(database_url)
    assert describe(database_url) == before


def test_the_version_of_procrastinate_is_recorded(conn):
    assert conn.execute("SELECT component, version FROM schema_components").fetchall() == [
        ("procrastinate", version("procrastinate"))
    ]


def test_another_login_than_the_owner_s_is_told_whose_to_use(database_url):
    worker = make_conninfo(database_url, options="-c role=buybox_worker")
    with pytest.raises(MigrationError, match=r"nothing was changed: .*the owner's login"):
        migrate(worker)


def test_who_is_in_the_way_of_a_migration_is_to_be_looked_for(database_url, open_connection):
    """An operator's SELECT in an open transaction is enough: each deploy makes the views anew."""
    open_connection().execute("SELECT * FROM ops.queue_depth")
    with pytest.raises(MigrationError, match=r"nothing was changed: .*lock timeout") as refused:
        migrate(database_url)
    assert all(word in str(refused.value) for word in ("pg_stat_activity", "again"))


def test_a_reader_who_wants_a_view_and_holds_its_table_does_not_end_a_migration(
    empty_database_url,
):
    """A migration drops the views, then changes tables: who reads takes them the other way."""
    migrate(empty_database_url, revision="0015")
    [view] = [text for text in server_code() if "VIEW ops.competitive_state AS" in text]
    with (
        connect(empty_database_url, autocommit=True) as gate,
        connect(empty_database_url) as reader,
    ):
        gate.execute(view)
        reader.execute("SELECT FROM current_state")
        migrating = Background(migrate, empty_database_url).until_blocked(gate)
        with suppress(psycopg.errors.DeadlockDetected):  # one of the two must give way
            reader.execute("SELECT FROM ops.competitive_state")
        reader.rollback()
        assert migrating.result().after == HEAD


class TestAsAProcess:
    def test_it_says_what_it_did(self, empty_database_url):
        done = migrate_process(empty_database_url)
        assert done.returncode == 0, done.stderr
        assert f"database at {HEAD} (was empty)" in done.stdout
        again = migrate_process(empty_database_url)
        assert (again.returncode, "(unchanged)" in again.stdout) == (0, True)

    def test_without_a_database_it_says_what_to_set(self):
        done = migrate_process(None)
        assert done.returncode == 2
        assert "set DATABASE_URL" in done.stderr
        assert "Traceback" not in done.stderr

    @pytest.mark.parametrize("url", ["postgresql://127.0.0.1:1/none", "no connection string"])
    def test_where_there_is_no_server_it_fails_with_a_sentence(self, url):
        done = migrate_process(url)
        assert done.returncode == 1
        assert done.stderr.startswith("Migration failed, nothing was changed: ")
        assert "Traceback" not in done.stderr
