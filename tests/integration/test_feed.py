"""The feed: nothing is missed, nothing comes twice, and a cursor that is no good is told so."""

from __future__ import annotations

import random
from contextlib import ExitStack
from datetime import timedelta

import psycopg
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from db.connect import connect
from db.feed import check_cursor, read_changes, read_feed, read_position, snapshot_of
from db.sql import query
from tests.delivery import add_alert
from tests.factories import GB
from tests.interleave import begin, column, deliver, letter, work

ASINS = [f"B0{n:08d}" for n in range(6)]


def change(conn, asin, *, at=0):
    """T1 and T2 of one message about a product, in whatever transaction the connection is in."""
    time = f"2025-03-04T10:{at // 60 % 60:02d}:{at % 60:02d}Z"
    deliver(conn, letter(asin=asin, event_time=time))
    assert work(conn, f"{GB}:{asin}").processed == 1


def asins(page):
    assert page.reset is None
    return sorted(row.asin for row in page.rows)


class Reader:
    """Goes on from its cursor, and keeps what it was told."""

    def __init__(self, conn):
        self.conn, self.cursor, self.told, self.holds = conn, None, [], {}

    def read(self):
        page = read_feed(self.conn, self.cursor)
        assert page.reset is None
        self.cursor = page.next_cursor
        self.told += [(row.asin, row.version) for row in page.rows]
        self.holds |= {row.asin: row.version for row in page.rows}
        return sorted(row.asin for row in page.rows)


def test_a_row_of_a_slow_transaction_comes_when_it_commits(conn, open_connection):
    reader, slow = Reader(conn), begin(open_connection())
    change(slow, ASINS[0])  # starts first, has the lowest transaction id, commits last
    change(open_connection(), ASINS[1])
    assert reader.read() == [ASINS[1]]
    naive = column(conn, "SELECT max(changed_in::text::bigint) FROM current_state")[0]
    naive_time = column(conn, "SELECT max(updated_at) FROM current_state")[0]

    slow.commit()
    change(open_connection(), ASINS[2])
    assert reader.read() == [ASINS[0], ASINS[2]]
    assert reader.read() == []
    assert len(reader.told) == len(set(reader.told)) == 3

    # The interleaving bites: a cursor that is a number or a time has passed the slow one by.
    late = "SELECT asin FROM current_state WHERE {} > %s"
    assert column(conn, late.format("changed_in::text::bigint"), naive) == [ASINS[2]]
    assert column(conn, late.format("updated_at"), naive_time) == [ASINS[2]]


def test_an_alert_of_a_slow_transaction_comes_when_it_commits(conn, open_connection):
    def told(cursor):
        page = read_changes(conn, cursor)
        return page.next_cursor, [alert.asin for alert in page.alerts]

    slow = begin(open_connection())
    add_alert(slow, ASINS[0])
    cursor = read_position(conn)
    add_alert(conn, ASINS[1])
    cursor, first = told(cursor)
    slow.commit()
    cursor, then = told(cursor)
    assert (first, then, told(cursor)[1]) == ([ASINS[1]], [ASINS[0]], [])


def test_a_row_that_was_rolled_back_never_comes(conn, open_connection):
    reader, slow = Reader(conn), begin(open_connection())
    change(slow, ASINS[0])
    change(open_connection(), ASINS[1])
    assert reader.read() == [ASINS[1]]
    slow.rollback()
    assert reader.read() == []


def test_an_idle_transaction_elsewhere_holds_nobody_up(conn, open_connection):
    idle = begin(open_connection())
    change(idle, ASINS[0])
    reader = Reader(conn)
    for number in range(1, 4):
        change(open_connection(), ASINS[number])
        assert reader.read() == [ASINS[number]]
    idle.rollback()


def test_an_old_snapshot_elsewhere_brings_nothing_twice(conn, open_connection):
    idle = begin(open_connection())
    idle.execute("SELECT pg_current_xact_id()")
    reader = Reader(conn)
    for number in range(20):
        change(conn, ASINS[number % 6], at=number)
        assert reader.read() == [ASINS[number % 6]]
    assert reader.read() == []
    assert len(reader.told) == 20


def test_a_change_between_two_reads_comes_once_in_its_last_state(conn):
    reader = Reader(conn)
    for at in range(3):
        change(conn, ASINS[0], at=at)
    assert reader.read() == [ASINS[0]]
    assert reader.told == [(ASINS[0], 3)]


def test_a_late_event_that_changes_no_state_does_not_come(conn):
    reader = Reader(conn)
    change(conn, ASINS[0], at=50)
    reader.read()
    change(conn, ASINS[0], at=10)
    assert reader.read() == []


def test_reading_while_a_slow_row_is_overtaken_in_its_own_key(conn, open_connection):
    reader = Reader(conn)
    change(conn, ASINS[0], at=1)
    slow = begin(open_connection())
    change(slow, ASINS[0], at=2)
    assert reader.read() == [ASINS[0]]
    slow.commit()
    assert reader.read() == [ASINS[0]]
    assert reader.told == [(ASINS[0], 1), (ASINS[0], 2)]


def test_a_cursor_of_another_epoch_is_told_so(conn):
    change(conn, ASINS[0])
    cursor = read_feed(conn, None).next_cursor
    conn.execute("UPDATE feed_epoch SET epoch = 'another'")
    page = read_feed(conn, cursor)
    assert (page.rows, page.reset) == ([], "other-epoch")
    assert page.next_cursor.startswith("another.")
    assert read_feed(conn, page.next_cursor).reset is None


def test_a_new_timeline_of_the_server_is_another_epoch(conn):
    """After a failover or a restore to a point in time, ids may be handed out a second time."""
    change(conn, ASINS[0])
    epoch, _, snapshot = read_feed(conn, None).next_cursor.partition("~")
    stored, _, timeline = epoch.partition(".")
    assert int(timeline) >= 1
    page = read_feed(conn, f"{stored}.{int(timeline) + 1}~{snapshot}")
    assert (page.rows, page.reset) == ([], "other-epoch")


def test_the_position_is_where_the_feed_goes_on_from(conn):
    change(conn, ASINS[0])
    position = read_position(conn)
    change(conn, ASINS[1])
    assert [row.asin for row in read_feed(conn, position).rows] == [ASINS[1]]


def test_a_cursor_from_the_future_is_told_so(conn):
    change(conn, ASINS[0])
    epoch = read_feed(conn, None).next_cursor.partition("~")[0]
    page = read_feed(conn, f"{epoch}~99999999999:99999999999:")
    assert (page.rows, page.reset) == ([], "out-of-range")


def test_a_reader_too_far_behind_is_told_to_begin_again(conn):
    cursor = read_feed(conn, None).next_cursor
    for asin in ASINS[:4]:
        change(conn, asin)
    assert len(read_feed(conn, cursor, max_rows=4).rows) == 4
    page = read_feed(conn, cursor, max_rows=3)
    assert (page.rows, page.reset) == ([], "too-far-behind")
    assert asins(read_feed(conn, page.next_cursor)) == []


def test_so_is_one_who_is_too_far_behind_with_the_alerts_alone(conn):
    cursor = read_position(conn)
    for asin in ASINS[:4]:
        add_alert(conn, asin)
    assert len(read_changes(conn, cursor, max_rows=4).alerts) == 4
    page = read_changes(conn, cursor, max_rows=3)
    assert (page.states, page.alerts, page.reset) == ([], [], "too-far-behind")
    again = read_changes(conn, page.next_cursor)
    assert (again.alerts, again.reset) == ([], None)


@pytest.mark.parametrize("half", ["read_feed", "read_alert_feed"])
def test_no_more_is_read_than_is_wanted(conn, half):
    """However far behind the reader is: a hundred thousand rows would fill its memory first."""
    cursor = read_position(conn)
    for asin in ASINS[:4]:
        change(conn, asin)
        add_alert(conn, asin)
    wanted = {"cursor": snapshot_of(cursor), "max_rows": 2}
    assert conn.execute(query(half), wanted).rowcount == 2


def test_beginning_again_gives_the_whole_state_however_large(conn):
    """Else who was told to begin again would hold a part of it and believe that it is all."""
    for asin in ASINS[:4]:
        change(conn, asin)
    page = read_feed(conn, None, max_rows=2)
    assert asins(page) == ASINS[:4]
    assert asins(read_feed(conn, page.next_cursor)) == []


def garbage():
    digits = st.text("0123456789٣५²", min_size=1, max_size=22)
    snapshot = st.builds("{}:{}:{}".format, digits, digits, st.one_of(digits, st.just("")))
    numbers = st.integers(0, 2**70)
    lists = st.lists(numbers, max_size=4).map(lambda xs: ",".join(map(str, xs)))
    numeric = st.builds("{}:{}:{}".format, numbers, numbers, lists)
    return st.one_of(
        st.text(),
        snapshot,
        numeric,
        st.builds("{}~{}".format, st.text(), st.one_of(snapshot, numeric)),
    )


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(garbage())
@example("")
@example("~")
@example("\0~1:1:")
@example("EPOCH~٣:٤:")
@example("EPOCH~3:4:3\n")
@example("EPOCH~0:0:")
@example("EPOCH~5:4:")
@example("EPOCH~3:9:8,4")
@example("EPOCH~3:9:9")
@example("EPOCH~3:99999999999999999999:")
@example("EPOCH~18446744073709551616:18446744073709551617:")
def test_any_text_as_a_cursor_is_answered_and_breaks_nothing(conn, text):
    epoch = column(conn, "SELECT buybox_feed_epoch()")[0]
    with conn.transaction():
        page = read_feed(conn, text.replace("EPOCH", epoch))
        assert conn.execute("SELECT 1").fetchone() == (1,)
    if not text.startswith("EPOCH"):
        assert page.reset in {"unreadable-cursor", "other-epoch"}
    if page.reset:
        assert page.rows == []
    assert read_feed(conn, page.next_cursor).reset is None


def test_a_cursor_of_ours_is_always_readable(conn, open_connection):
    """Also with many transactions in flight, whose ids it lists."""
    with ExitStack() as held:
        for _ in range(12):
            other = begin(open_connection())
            other.execute("SELECT pg_current_xact_id()")
            held.callback(other.rollback)
        change(conn, ASINS[0])
        page = read_feed(conn, None)
        assert page.next_cursor.count(",") >= 9
        assert read_feed(conn, page.next_cursor).reset is None


@pytest.mark.parametrize("seed", range(4))
def test_whatever_the_order_of_commits_the_reader_ends_with_the_table(
    conn, open_connection, seed, database_url
):
    """Writers hold transactions open for a random number of steps; one reader reads in between."""
    dice, reader = random.Random(seed), Reader(conn)
    writers: list[psycopg.Connection] = [open_connection() for _ in range(5)]
    held: dict[int, str] = {}
    moves = {"late": 0}
    for step in range(120):
        number = dice.randrange(len(writers))
        if number not in held:
            free = sorted(set(ASINS) - set(held.values()))
            held[number] = dice.choice(free)
            change(begin(writers[number]), held[number], at=step)
        elif dice.random() < 0.4:
            oldest = number == next(iter(held))
            moves["late"] += not oldest
            end = writers[number].commit if dice.random() < 0.8 else writers[number].rollback
            end()
            del held[number]
        if dice.random() < 0.5:
            reader.read()
    for number in held:
        writers[number].commit()
    reader.read()

    table = dict(conn.execute("SELECT asin, version FROM current_state").fetchall())
    assert reader.holds == table
    assert len(reader.told) == len(set(reader.told))
    assert moves["late"] > 5
    with connect(database_url) as fresh:
        assert asins(read_feed(fresh, None)) == sorted(table)


def test_events_from_the_very_edge_of_time_do_not_matter_to_the_feed(conn):
    """Order in the feed is the order of commits, not of events or of clocks."""
    reader = Reader(conn)
    change(conn, ASINS[0], at=59)
    reader.read()
    deliver(conn, letter(asin=ASINS[1], event_time="2001-01-01T00:00:00Z"))
    work(conn, f"{GB}:{ASINS[1]}", later=timedelta(days=-400))
    assert reader.read() == [ASINS[1]]


@pytest.mark.parametrize("write", [add_alert, change])
def test_of_states_and_of_alerts_a_reader_may_be_just_so_far_behind(conn, write):
    """One that is cut short without being told so would never hear of the rest."""
    cursor = read_position(conn)
    for asin in ASINS[:2]:
        write(conn, asin=asin)
    found = read_changes(conn, cursor, max_rows=2)
    assert (found.reset, len(found.states) + len(found.alerts)) == (None, 2)
    write(conn, asin=ASINS[2])
    found = read_changes(conn, cursor, max_rows=2)
    assert (found.reset, found.states, found.alerts) == ("too-far-behind", [], [])
    assert check_cursor(conn, cursor) is None, "it is as good as any"
    assert check_cursor(conn, "nonsense") == "unreadable-cursor"
