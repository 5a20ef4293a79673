"""The seller's terms: set one after the other, which of them end; read, which are in force."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from db import catalogue
from db.catalogue import SellerTermsRow
from tests.catalogue import NOW
from tests.factories import GB, OWN_SELLER, US
from tests.interleave import Background, begin

JANUARY, FEBRUARY, MARCH = (date(2026, month, 1) for month in (1, 2, 3))


def terms(valid_from, valid_to=None, *, margin="0.1", registered=True, of=(OWN_SELLER, GB)):
    share = Decimal(int(registered))
    return SellerTermsRow(*of, valid_from, valid_to, registered, share, Decimal(margin))


def set_terms(conn, *rows):
    return [catalogue.set_terms(conn, row, now=NOW) for row in rows]


def test_terms_within_a_period_that_has_its_end_cut_it_and_take_its_end(scratch):
    set_terms(scratch, terms(JANUARY), terms(MARCH))
    assert set_terms(scratch, terms(FEBRUARY, margin="0.2")) == ["inserted"]
    assert catalogue.list_terms(scratch) == [
        terms(JANUARY, FEBRUARY),
        terms(FEBRUARY, MARCH, margin="0.2"),
        terms(MARCH),
    ]


def test_what_ended_earlier_ends_where_it_did(scratch):
    set_terms(scratch, terms(JANUARY), terms(FEBRUARY))
    scratch.execute("DELETE FROM seller_terms WHERE valid_from = %s", (FEBRUARY,))
    set_terms(scratch, terms(MARCH))
    assert catalogue.list_terms(scratch) == [terms(JANUARY, FEBRUARY), terms(MARCH)]


def test_terms_of_another_seller_or_marketplace_end_nothing_and_are_not_ended(scratch):
    others = [
        terms(day, of=of)
        for of in (("A2OTHERSELLER", GB), (OWN_SELLER, US))
        for day in (JANUARY, MARCH)
    ]
    set_terms(scratch, *others)
    set_terms(scratch, terms(FEBRUARY))
    found = catalogue.list_terms(scratch)
    assert [one for one in found if one[:2] == (OWN_SELLER, GB)] == [terms(FEBRUARY)]
    assert sorted(one[:4] for one in found if one[:2] != (OWN_SELLER, GB)) == sorted(
        (*one[:3], MARCH if one.valid_from == JANUARY else None) for one in others
    )


def test_all_of_the_terms_of_a_day_are_replaced(scratch):
    set_terms(scratch, terms(JANUARY))
    anew = terms(JANUARY, registered=False, margin="0.3")
    assert set_terms(scratch, anew) == ["updated"]
    assert catalogue.list_terms(scratch) == [anew]


def test_set_again_after_the_next_ones_were_taken_back_they_are_open_again(scratch):
    set_terms(scratch, terms(JANUARY), terms(FEBRUARY))
    scratch.execute("DELETE FROM seller_terms WHERE valid_from = %s", (FEBRUARY,))
    assert set_terms(scratch, terms(JANUARY), terms(JANUARY)) == ["updated", "unchanged"]
    assert catalogue.list_terms(scratch) == [terms(JANUARY)]


def test_terms_that_end_and_terms_that_are_replaced_have_changed(conn):
    """Whoever reads what is new goes by the transaction that last changed a row."""

    def changed(*rows):
        with conn.transaction():
            (now_in,) = conn.execute("SELECT pg_current_xact_id()").fetchone()
            set_terms(conn, *rows)
        return conn.execute(
            "SELECT valid_from FROM seller_terms WHERE changed_in = %s ORDER BY 1", (now_in,)
        ).fetchall()

    assert changed(terms(JANUARY)) == [(JANUARY,)]
    assert changed(terms(FEBRUARY)) == [(JANUARY,), (FEBRUARY,)]
    assert changed(terms(FEBRUARY, margin="0.2")) == [(FEBRUARY,)]
    assert changed(terms(FEBRUARY, margin="0.2")) == []


def test_two_at_once_are_set_one_after_the_other(conn, open_connection):
    first = begin(open_connection())
    set_terms(first, terms(FEBRUARY))
    second = open_connection(autocommit=True)
    waiting = Background(set_terms, second, terms(JANUARY)).until_blocked(conn)
    first.commit()
    assert waiting.result() == ["inserted"]
    assert catalogue.list_terms(conn) == [terms(JANUARY, FEBRUARY), terms(FEBRUARY)]


def test_terms_hold_until_the_next_ones_whatever_the_order_they_are_set_in(scratch):
    assert set_terms(scratch, terms(FEBRUARY), terms(JANUARY, registered=False)) == ["inserted"] * 2
    assert set_terms(scratch, terms(MARCH, margin="0.2")) == ["inserted"]
    assert catalogue.list_terms(scratch) == [
        terms(JANUARY, FEBRUARY, registered=False),
        terms(FEBRUARY, MARCH),
        terms(MARCH, margin="0.2"),
    ]


def test_terms_set_again_are_unchanged_or_replaced(scratch):
    assert set_terms(scratch, terms(JANUARY), terms(JANUARY)) == ["inserted", "unchanged"]
    assert set_terms(scratch, terms(JANUARY, margin="0.3")) == ["updated"]
    assert catalogue.list_terms(scratch, seller_id=OWN_SELLER) == [terms(JANUARY, margin="0.3")]


def test_the_terms_read_are_those_of_the_days_asked(scratch):
    set_terms(scratch, terms(JANUARY), terms(FEBRUARY, margin="0.2"))

    def read(first, last):
        found = catalogue.read_terms(scratch, [OWN_SELLER], [GB], first_day=first, last_day=last)
        return [row.valid_from for row in found]

    assert read(date(2025, 12, 31), date(2025, 12, 31)) == []
    assert read(date(2026, 1, 31), date(2026, 1, 31)) == [JANUARY]
    assert read(FEBRUARY, FEBRUARY) == [FEBRUARY]
    assert read(date(2026, 1, 31), FEBRUARY) == [JANUARY, FEBRUARY]
    assert catalogue.read_terms(scratch, ["S"], [GB], first_day=MARCH, last_day=MARCH) == []
    assert catalogue.list_terms(scratch, marketplace_id=US) == []
