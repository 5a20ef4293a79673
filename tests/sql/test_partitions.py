"""Partitions: made ahead, by anybody, twice at once; bodies go by the day, dedupe keys stay."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import psycopg
import pytest

from db.failures import list_failures
from db.inbox import store_notifications
from db.jobs import ensure_partitions
from tests.interleave import (
    FILER,
    PRODUCT,
    Background,
    begin,
    column,
    counts,
    deliver,
    fetch_job,
    letter,
    work,
)
from worker.ingest.filing import file_letters

LATER = datetime(2031, 5, 14, 23, 30, tzinfo=UTC)  # a Wednesday


def partition_of(conn, table, key, value):
    return column(conn, f"SELECT tableoid::regclass::text FROM {table} WHERE {key} = %s", value)


def bounds(conn, parent):
    rows = conn.execute(
        "SELECT c.relname, pg_get_expr(c.relpartbound, c.oid) FROM pg_inherits AS i"
        " JOIN pg_class AS c ON c.oid = i.inhrelid WHERE i.inhparent = %s::regclass",
        (parent,),
    )
    return dict(rows.fetchall())


def add_history(conn, recorded_at, row_id=1):
    conn.execute(
        "INSERT INTO competitive_history (notification_row_id, recorded_at, event_time, seller_id,"
        " marketplace_id, asin, item_condition, audience, kind, outcome, severity, severity_policy,"
        " severity_reasons) VALUES (%s, %s, now(), 's', 'm', 'a', 'new', 'consumer', 'market',"
        " 'applied', 'info', 'full', '{}')",
        (row_id, recorded_at),
    )


def test_two_weeks_of_days_and_eight_weeks_are_made_ahead(scratch):
    made = ensure_partitions(scratch, now=LATER)
    days = [date(2031, 5, 13) + timedelta(days=n) for n in range(16)]
    weeks = [date(2031, 5, 5) + timedelta(weeks=n) for n in range(10)]
    assert made == [
        *(f"notification_bodies_{day:%Y%m%d}" for day in days),
        *(f"competitive_history_{monday:%Gw%V}" for monday in weeks),
    ]


def test_a_second_time_makes_nothing(scratch):
    assert ensure_partitions(scratch, now=LATER)
    assert ensure_partitions(scratch, now=LATER) == []
    assert ensure_partitions(scratch, now=LATER + timedelta(hours=1)) == [
        "notification_bodies_20310529"
    ]


def test_the_session_time_zone_changes_nothing(scratch):
    scratch.execute("SET LOCAL timezone = 'Pacific/Auckland'")
    scratch.execute("SET LOCAL datestyle = 'German, DMY'")
    assert ensure_partitions(scratch, now=LATER)[0] == "notification_bodies_20310513"
    scratch.execute("SET LOCAL timezone = 'UTC'")
    scratch.execute("SET LOCAL datestyle = 'ISO, MDY'")
    assert bounds(scratch, "competitive_history")["competitive_history_2031w20"] == (
        "FOR VALUES FROM ('2031-05-12 00:00:00+00') TO ('2031-05-19 00:00:00+00')"
    )


def test_two_at_once_both_succeed(conn, open_connection):
    first, second = begin(open_connection()), open_connection()
    made = ensure_partitions(first, now=LATER)
    waiting = Background(ensure_partitions, second, now=LATER).until_blocked(conn)
    first.commit()
    assert made
    assert waiting.result() == []


def test_a_running_insert_does_not_wait_for_new_partitions(conn, open_connection):
    maker = begin(open_connection())
    ensure_partitions(maker, now=LATER)
    deliver(open_connection(lock_timeout="1ms"), letter())
    maker.rollback()


def test_new_partitions_do_not_queue_up_analyses_behind_a_backup(conn, open_connection):
    """pg_dump holds each table for its whole time, and who waits for it alone is waited for by all."""
    deliver(conn, letter())
    dump = begin(open_connection())
    dump.execute("LOCK TABLE notification_bodies_default IN ACCESS SHARE MODE")
    keeper = Background(ensure_partitions, open_connection(), now=LATER).until_blocked(conn)
    assert work(open_connection(autocommit=True, lock_timeout="5s")).processed == 1
    with pytest.raises(psycopg.errors.LockNotAvailable):
        keeper.result()
    dump.rollback()
    assert ensure_partitions(conn, now=LATER)


@pytest.mark.parametrize(
    ("moment", "week"),
    [
        ("2026-12-27 23:59:59.999999+00", "2026w52"),
        ("2026-12-28 00:00:00+00", "2026w53"),
        ("2026-12-31 23:59:59.999999+00", "2026w53"),
        ("2027-01-01 00:00:00+00", "2026w53"),
        ("2027-01-03 23:59:59.999999+00", "2026w53"),
        ("2027-01-04 00:00:00+00", "2027w01"),
        ("2027-01-03 23:30:00-01", "2027w01"),
    ],
)
@pytest.mark.parametrize(
    "made_on", [datetime(2026, 12, 20, tzinfo=UTC), datetime(2027, 1, 4, tzinfo=UTC)]
)
def test_history_lands_in_its_iso_week_around_new_year(scratch, moment, week, made_on):
    ensure_partitions(scratch, now=made_on)
    add_history(scratch, moment)
    (found,) = column(scratch, "SELECT tableoid::regclass::text FROM competitive_history")
    if made_on.year == 2026 or week != "2026w52":
        assert found == f"competitive_history_{week}"


@pytest.mark.parametrize(
    "moment",
    [
        datetime(2031, 5, 14, 0, 0, tzinfo=UTC),
        datetime(2031, 5, 14, 23, 59, 59, 999999, tzinfo=UTC),
        datetime(2031, 5, 13, 23, 0, tzinfo=UTC),
        datetime(2031, 5, 15, 0, 30, tzinfo=UTC),
    ],
)
def test_a_body_lands_in_its_day_of_utc(scratch, moment):
    ensure_partitions(scratch, now=LATER)
    scratch.execute("SET LOCAL timezone = 'Pacific/Auckland'")
    file_letters(scratch, [letter()], FILER, now=moment)
    assert column(scratch, "SELECT tableoid::regclass::text FROM notification_bodies") == [
        f"notification_bodies_{moment:%Y%m%d}"
    ]


def test_a_year_of_hourly_calls_leaves_the_default_partitions_empty(scratch):
    start = datetime(2031, 1, 1, 0, 17, tzinfo=UTC)
    for day in range(0, 365, 13):
        now = start + timedelta(days=day)
        ensure_partitions(scratch, now=now)
        file_letters(scratch, [letter()], FILER, now=now)
        add_history(scratch, now, row_id=day)
    assert column(scratch, "SELECT count(*) FROM notification_bodies_default") == [0]
    assert column(scratch, "SELECT count(*) FROM competitive_history_default") == [0]
    assert column(scratch, "SELECT count(*) FROM notification_bodies") == [29]


def test_what_came_before_its_partition_moves_into_it(scratch):
    """A month without maintenance must not stop the partitions, and with them every deploy."""
    file_letters(scratch, [letter()], FILER, now=LATER)
    file_letters(scratch, [letter()], FILER, now=LATER - timedelta(days=9))
    add_history(scratch, LATER)
    add_history(scratch, LATER - timedelta(days=30))
    in_default = "SELECT count(*) FROM {}_default"
    assert column(scratch, in_default.format("notification_bodies")) == [2]
    assert len(ensure_partitions(scratch, now=LATER)) == 26
    assert partition_of(scratch, "notification_bodies", "received_on", LATER.date()) == [
        "notification_bodies_20310514"
    ]
    assert partition_of(scratch, "competitive_history", "recorded_at", LATER) == [
        "competitive_history_2031w20"
    ]
    assert column(scratch, in_default.format("notification_bodies")) == [1]
    assert column(scratch, in_default.format("competitive_history")) == [1]
    assert column(scratch, "SELECT count(*) FROM notification_bodies") == [2]


@pytest.fixture
def without_bodies(conn):
    """One notification whose day of bodies was dropped before it was analysed."""
    one = letter()
    deliver(conn, one)
    (today,) = column(conn, "SELECT tableoid::regclass::text FROM notification_bodies")
    conn.execute(f"ALTER TABLE notification_bodies DETACH PARTITION {today}")
    conn.execute(f"DROP TABLE {today}")
    return one


def test_a_dropped_day_leaves_the_keys_and_the_dedupe(conn, without_bodies):
    before = counts(conn)
    assert before["worker_notifications"] == 1
    assert deliver(conn, without_bodies).repeats == 1
    assert counts(conn) == before


def test_the_whole_view_still_shows_a_notification_without_its_body(conn, without_bodies):
    assert conn.execute("SELECT product_key, body FROM ops.worker_notifications").fetchall() == [
        (PRODUCT, None)
    ]


def test_a_waiting_notification_without_its_body_is_given_up_at_once(conn, without_bodies):
    done = work(conn)
    assert (done.claimed, done.processed, done.failed) == (1, 0, 1)
    (dead,) = list_failures(conn)
    assert (dead.stage, dead.error_type, dead.failure_count) == ("analysis", "PermanentError", 1)
    assert "dropped by retention" in dead.error_message
    assert column(conn, "SELECT status FROM worker_notifications") == ["failed"]
    assert fetch_job(conn) is None
    assert work(conn).claimed == 0


def test_the_new_message_of_that_product_is_analysed(conn, without_bodies):
    ensure_partitions(conn, now=datetime.now(UTC))
    deliver(conn, letter())
    done = work(conn)
    assert (done.processed, done.failed) == (1, 1)


def test_an_empty_batch_is_no_error(scratch):
    assert store_notifications(scratch, [], now=LATER, ingested_by="i").row_ids == []


def test_how_long_the_caller_waits_for_locks_is_as_it_was(scratch):
    scratch.execute("SET LOCAL lock_timeout = '7s'")
    assert ensure_partitions(scratch, now=LATER)
    assert column(scratch, "SHOW lock_timeout") == ["7s"]


def test_a_partition_cannot_be_made_over_another(scratch):
    ensure_partitions(scratch, now=LATER)
    with pytest.raises(psycopg.errors.InvalidObjectDefinition):
        scratch.execute(
            "CREATE TABLE twice PARTITION OF notification_bodies"
            " FOR VALUES FROM ('2031-05-14') TO ('2031-05-15')"
        )


def test_bodies_are_compressed_with_lz4_where_the_server_has_it(conn):
    """In every partition, those that come later too: they are made like the whole."""
    conn.execute("SELECT buybox_ensure_partitions(now(), p_days => 20)")
    [(best,)] = conn.execute(
        "SELECT CASE WHEN 'lz4' = ANY (enumvals) THEN 'l' ELSE '' END FROM pg_settings"
        " WHERE name = 'default_toast_compression'"
    ).fetchall()
    found = conn.execute(
        """
        SELECT DISTINCT a.attname, a.attcompression
        FROM pg_partition_tree('notification_bodies') AS t
        JOIN pg_attribute AS a ON a.attrelid = t.relid AND a.attname IN ('body', 'facts')
        ORDER BY 1
        """
    ).fetchall()
    assert found == [("body", best), ("facts", best)]
