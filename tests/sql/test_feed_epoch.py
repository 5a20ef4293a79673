"""The feed's epoch: what was restored makes every cursor start again."""

from __future__ import annotations

import pytest
from psycopg import sql

from db.feed import read_changes, read_feed, read_position
from db.migrate import migrate
from tests.dashboard import write_alert
from tests.interleave import column, deliver, letter, work


def stamps(conn):
    return column(conn, "SELECT changed_in::text::bigint FROM current_state")


@pytest.mark.parametrize("moved", ["another cluster", "a transaction id from the future"])
def test_data_restored_elsewhere_begins_a_new_epoch(database_url, conn, moved):
    deliver(conn, letter())
    work(conn)
    cursor = read_feed(conn, None).next_cursor
    if moved == "another cluster":
        conn.execute("UPDATE feed_epoch SET system_identifier = -1")
        conn.execute("UPDATE current_state SET changed_in = '3'")
    else:
        conn.execute("UPDATE current_state SET changed_in = '987654321987'")
    report = migrate(database_url)
    assert report.new_epoch
    assert migrate(database_url).new_epoch is False
    (next_id,) = column(conn, "SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint")
    assert all(3 < stamp < next_id for stamp in stamps(conn))
    assert read_feed(conn, cursor).reset == "other-epoch"
    page = read_feed(conn, None)
    assert len(page.rows) == 1
    assert read_feed(conn, page.next_cursor).rows == []


@pytest.mark.parametrize("told", ["current_state", "alerts"])
def test_data_restored_into_the_same_cluster_begins_a_new_epoch(database_url, conn, told):
    """As pg_restore does it: the rows of the backup, written anew, say the same as they did."""
    deliver(conn, letter())
    work(conn)
    write_alert(conn)
    backup = {name: dump(conn, name) for name in ("feed_epoch", told)}
    conn.execute(
        sql.SQL("UPDATE {} SET changed_in = pg_current_xact_id()").format(sql.Identifier(told))
    )
    cursor = read_position(conn)
    assert migrate(database_url).new_epoch is False
    conn.execute("TRUNCATE feed_epoch, current_state, alerts CASCADE")
    for name, rows in backup.items():
        restore(conn, name, rows)
    assert migrate(database_url).new_epoch
    assert read_changes(conn, cursor).reset == "other-epoch"
    assert migrate(database_url).new_epoch is False


@pytest.mark.parametrize("table", ["current_state", "alerts"])
def test_what_a_migration_itself_mends_makes_nobody_begin_again(conn, table):
    """Its own transaction's id is newer than all that has ended, as one from the future is."""
    deliver(conn, letter())
    work(conn)
    write_alert(conn)
    cursor = read_position(conn)
    with conn.transaction():
        conn.execute(
            sql.SQL("UPDATE {} SET changed_in = pg_current_xact_id()").format(sql.Identifier(table))
        )
        assert column(conn, "SELECT buybox_renew_feed_epoch(now())") == [False]
    changes = read_changes(conn, cursor)
    assert (changes.reset, len(changes.states) + len(changes.alerts)) == (None, 1)


def stored_columns(conn, table):
    names = column(
        conn,
        "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0"
        " AND attgenerated = '' AND NOT attisdropped",
        table,
    )
    return sql.SQL(", ").join(map(sql.Identifier, names))


def dump(conn, table):
    statement = sql.SQL("COPY (SELECT {} FROM {}) TO STDOUT")
    given = stored_columns(conn, table), sql.Identifier(table)
    with conn.cursor().copy(statement.format(*given)) as copy:
        return b"".join(copy)


def restore(conn, table, rows):
    given = sql.Identifier(table), stored_columns(conn, table)
    with conn.cursor().copy(sql.SQL("COPY {} ({}) FROM STDIN").format(*given)) as copy:
        copy.write(rows)


@pytest.mark.parametrize("ahead", [987654321987, 1000])
def test_alerts_from_the_future_begin_a_new_epoch_too(database_url, conn, ahead):
    write_alert(conn)
    conn.execute(
        "UPDATE alerts SET changed_in = (pg_current_xact_id()::text::bigint + %s)::text::xid8",
        [ahead],
    )
    assert migrate(database_url).new_epoch
    cursor = read_position(conn)
    assert read_changes(conn, cursor).alerts == []


def test_an_id_that_is_only_just_being_used_is_from_the_future(database_url, conn, open_connection):
    deliver(conn, letter())
    work(conn)
    other = open_connection()
    for _ in range(20):  # autovacuum may be given the id in between
        conn.execute(
            "UPDATE current_state"
            " SET changed_in = (pg_current_xact_id()::text::bigint + 1)::text::xid8"
        )
        if column(other, "SELECT pg_current_xact_id()::text::bigint") == stamps(conn):
            break
        other.rollback()
    assert column(other, "SELECT pg_current_xact_id()::text::bigint") == stamps(conn)
    assert column(conn, "SELECT buybox_renew_feed_epoch(now())") == [True]
