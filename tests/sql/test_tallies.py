"""The small tallies of the alerts, added up: nothing is counted twice and nothing is lost."""

from __future__ import annotations

from datetime import date

from db.alerts import fold_tallies
from tests.alert_rows import insert
from tests.interleave import begin

MONDAY, TUESDAY = date(2026, 3, 9), date(2026, 3, 10)


def tally(conn, *given):
    for day, what, n in given:
        insert(conn, "alert_tallies", day=day, what=what, n=n)


def tallies(conn):
    return conn.execute("SELECT day, what, n FROM alert_tallies ORDER BY day, what, n").fetchall()


def test_one_row_a_day_and_word_is_left_with_their_sum(scratch):
    tally(scratch, (MONDAY, "assessed", 3), (MONDAY, "snoozed", 1), (TUESDAY, "assessed", 5))
    tally(scratch, (MONDAY, "assessed", 4), (TUESDAY, "assessed", 6), (TUESDAY, "assessed", 6))
    fold_tallies(scratch, max_rows=99)
    assert tallies(scratch) == [
        (MONDAY, "assessed", 7),
        (MONDAY, "snoozed", 1),
        (TUESDAY, "assessed", 17),
    ]


def test_of_more_than_one_turn_takes_the_oldest_are_added_up(scratch):
    tally(scratch, *((MONDAY, "assessed", n) for n in (1, 2, 4, 8)))
    scratch.execute("UPDATE alert_tallies SET n = n WHERE n = 1")
    fold_tallies(scratch, max_rows=2)
    assert tallies(scratch) == [(MONDAY, "assessed", n) for n in (3, 4, 8)]


def test_what_another_adds_up_is_left_to_it(conn, open_connection):
    tally(conn, (MONDAY, "assessed", 1), (MONDAY, "assessed", 2))
    other = begin(open_connection())
    fold_tallies(other, max_rows=1)
    fold_tallies(conn, max_rows=99)
    other.commit()
    assert tallies(conn) == [(MONDAY, "assessed", 1), (MONDAY, "assessed", 2)]
