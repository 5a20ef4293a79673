"""A product whose re-assessment ends its worker is found, waits, and is no other product's concern."""

from __future__ import annotations

import random
import string
from datetime import timedelta
from decimal import Decimal

import psycopg
import pytest

from tests.economy import (
    BAD,
    CHEAP_MARGIN,
    MARGIN,
    NAMES,
    OTHER_MARGIN,
    catch_up,
    cheaper,
    dearer,
    margins,
    product,
    set_all,
    set_products,
    seven_states,
    tell,
    versions,
    waiting,
)
from tests.interleave import analyst
from worker.analysis import reassessment

MINUTE = timedelta(minutes=1)


class Killed(BaseException):
    """What nobody catches: the process is gone, and with it the transaction."""


@pytest.fixture
def killing(conn, monkeypatch):
    """Seven states, worked through by threes; whoever assesses BAD anew dies. Undo to mend it."""
    seven_states(conn)
    sound = reassessment.reassess

    def reassess(state, *args, **more):
        if state.subject.asin == BAD:
            raise Killed
        return sound(state, *args, **more)

    with monkeypatch.context() as bug:
        bug.setattr(reassessment, "PRODUCTS_AT_ONCE", 3)
        bug.setattr(reassessment, "reassess", reassess)
        yield bug


def deaths(conn, later, workers=20):
    """How many workers die, one after the other, until one has nothing left to do at this time."""
    for died in range(workers):
        try:
            catch_up(conn, later=later)
        except Killed:
            continue
        return died
    raise AssertionError(f"{workers} workers died")


def failing(conn):
    """What operators see: product, failures, and what it says."""
    return conn.execute(
        "SELECT asin, failures, last_error FROM ops.failing_reassessments"
    ).fetchall()


@pytest.mark.parametrize(
    ("change", "margin"), [(dearer, OTHER_MARGIN), (cheaper, CHEAP_MARGIN)], ids=["page", "pieces"]
)
def test_the_others_are_assessed_and_the_one_is_found_by_two_deaths(conn, killing, change, margin):
    change(conn)
    assert deaths(conn, timedelta(0)) == 1
    assert deaths(conn, MINUTE * 1.1) == 1
    assert margins(conn) == [MARGIN if name == BAD else margin for name in NAMES]
    ((asin, failures, text),) = failing(conn)
    assert (asin, failures) == (BAD, 1)
    assert text.startswith("Begun by worker-2, ")
    assert "died or hung" in text
    killing.undo()
    assert catch_up(conn, later=MINUTE * 3) == 1
    assert (margins(conn), versions(conn)) == ([margin] * 7, [2] * 7)
    assert (failing(conn), waiting(conn)) == ([], 0)


def test_it_takes_a_worker_along_ever_more_rarely_and_once_a_day_in_the_end(conn, killing):
    dearer(conn)
    minutes = [0, 1.1, 2, 2.2, 4, 4.3, 8, 8.4]
    assert [deaths(conn, MINUTE * at) for at in minutes] == [1, 1, 0, 1, 0, 1, 0, 1]
    later = timedelta(days=1)
    for _ in range(12):
        later += timedelta(days=1, minutes=1)
        assert deaths(conn, later) == 1
    assert deaths(conn, later + timedelta(hours=23)) == 0


def test_the_rest_of_a_marketplace_goes_on_after_the_first_death(conn, killing):
    """It waits for no minute of its own once the piece that somebody died of is done."""
    dearer(conn)
    assert deaths(conn, timedelta(0)) == 1
    assert margins(conn) == [MARGIN] * 7
    killing.undo()
    assert catch_up(conn, later=MINUTE * 1.1) == 7


def test_a_change_tries_it_at_once(conn, killing):
    dearer(conn)
    for at in (0, 1.1, 2.2, 4.3, 8.4):
        deaths(conn, MINUTE * at)
    killing.undo()
    set_products(conn, product(BAD, unit_cost=Decimal(3)))
    assert catch_up(conn, later=MINUTE * 9) == 1
    assert (failing(conn), waiting(conn)) == ([], 0)


@pytest.mark.parametrize("had", [0, 1])
def test_a_database_that_is_busy_leaves_no_trace_of_the_attempt(conn, killing, monkeypatch, had):
    def is_busy(*_):
        raise psycopg.errors.LockNotAvailable

    cheaper(conn)
    later = timedelta(0)
    if had:
        assert (deaths(conn, later), deaths(conn, MINUTE * 1.1)) == (1, 1)
        later = MINUTE * 3
    look = "SELECT asins, failures, last_error, due_at < now() + %s FROM reassessments"
    before = conn.execute(look, (later,)).fetchall()
    with monkeypatch.context() as patch:
        patch.setattr(reassessment, "_assess_and_ring", is_busy)
        with pytest.raises(psycopg.errors.LockNotAvailable):
            catch_up(conn, later=later)
    assert conn.execute(look, (later,)).fetchall() == before


def test_who_slept_between_counting_and_beginning_leaves_the_piece_to_whoever_took_it(
    conn, open_connection, monkeypatch
):
    set_all(conn, product(BAD))
    tell(conn, BAD)
    set_products(conn, product(BAD, unit_cost=Decimal(3)))
    hold = reassessment.sql.hold_reassessment
    others = []

    def hold_reassessment(slow, work):
        monkeypatch.setattr(reassessment.sql, "hold_reassessment", hold)
        with open_connection(autocommit=True) as other:
            others.append(catch_up(other, later=MINUTE * 1.1))
        return hold(slow, work)

    monkeypatch.setattr(reassessment.sql, "hold_reassessment", hold_reassessment)
    assert catch_up(conn) == 0
    assert (others, versions(conn), waiting(conn)) == ([1], [2], 0)


def test_whose_piece_was_begun_by_another_meanwhile_does_not_begin(conn, monkeypatch):
    set_all(conn, product(BAD))
    tell(conn, BAD)
    set_products(conn, product(BAD, unit_cost=Decimal(3)))
    hold = reassessment.sql.hold_reassessment

    def hold_reassessment(slow, work):
        conn.execute("UPDATE reassessments SET failures = failures + 1")
        return hold(slow, work)

    monkeypatch.setattr(reassessment.sql, "hold_reassessment", hold_reassessment)
    with conn.transaction():
        reassessment.sql.settle_reassessments(conn)
    assert reassessment.reassess_some(conn, analyst()) == 0
    assert (versions(conn), waiting(conn)) == ([1], 1)


def test_a_piece_of_any_200_products_can_be_counted(conn):
    """As an entry of an index, their ASINs were too long: the piece could neither be tried nor fail."""
    drawn = random.Random(3)
    names = [
        "".join(drawn.choices(string.ascii_uppercase + string.digits, k=10)) for _ in range(200)
    ]
    set_all(conn, *(product(name) for name in names))
    tell(conn, *names[:2])
    set_products(conn, *(product(name, unit_cost=Decimal(3)) for name in names))
    assert catch_up(conn) == 2
