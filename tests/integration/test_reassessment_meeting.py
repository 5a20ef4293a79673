"""Re-assessing beside T2, by the clock, and where the message is gone."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from db import economy as sql
from tests.economy import (
    CHEAP_MARGIN,
    CHEAPER,
    MARGIN,
    MIDNIGHT,
    catch_up,
    fees,
    margins,
    offers,
    product,
    set_all,
    set_fees,
    set_products,
    set_terms,
    versions,
    waiting,
)
from tests.factories import GB, JP, OWN_SELLER, US
from tests.interleave import (
    PRODUCT,
    Background,
    analyst,
    begin,
    column,
    deliver,
    fetch_job,
    letter,
    work,
)
from worker.analysis.reassessment import ask_for_new_days, reassess_some

# beside T2 ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("products", [(), (PRODUCT, f"{GB}:B000000002")], ids=["front", "apart"])
def test_a_first_state_made_with_the_costs_of_before_is_not_missed(conn, open_connection, products):
    """Its row can't be seen while T2 is under way, so re-assessing waits until T2 has ended."""
    set_all(conn)
    deliver(conn, letter(offers=offers()))
    t2 = begin(open_connection())
    assert work(t2, *products).processed == 1
    set_products(conn, CHEAPER)
    late = Background(catch_up, open_connection(autocommit=True)).until_blocked(conn)
    t2.commit()
    assert late.result() == 1
    assert (margins(conn), versions(conn)) == ([CHEAP_MARGIN], [2])


def test_re_assessing_gives_up_on_an_analysis_that_takes_too_long(known, open_connection):
    deliver(known, letter(offers=offers("21.00"), event_time="2025-03-04T11:00:00Z"))
    t2 = begin(open_connection())
    assert work(t2).processed == 1
    set_products(known, CHEAPER)
    patient = open_connection(autocommit=True, lock_timeout="0")
    assert catch_up(patient) == 0
    assert waiting(known) == 1
    t2.commit()
    assert catch_up(known) == 1


def test_a_t2_waits_for_the_state_being_re_assessed_and_goes_on_from_it(known, open_connection):
    set_products(known, CHEAPER)
    with known.transaction():
        sql.settle_reassessments(known)
    slow = begin(open_connection())
    assert reassess_some(slow, analyst()) == 1
    deliver(known, letter(offers=offers("21.00"), event_time="2025-03-04T11:00:00Z"))
    t2 = Background(work, open_connection(autocommit=True)).until_blocked(known)
    slow.commit()
    assert t2.result().processed == 1
    assert column(known, "SELECT your_price FROM current_state") == [Decimal("21.00")]
    assert versions(known) == [3]


def test_re_assessing_waits_for_the_t2_of_a_state_and_goes_on_from_it(known, open_connection):
    set_products(known, CHEAPER)
    with known.transaction():
        sql.settle_reassessments(known)
    deliver(known, letter(offers=offers("25.00"), event_time="2025-03-04T11:00:00Z"))
    t2 = begin(open_connection())
    assert work(t2).processed == 1  # reads the new cost
    late = Background(
        reassess_some, open_connection(autocommit=True), analyst("worker-2")
    ).until_blocked(known)
    t2.commit()
    assert late.result() == 0
    [row] = known.execute(
        "SELECT your_price, event_time, version, worker_id FROM current_state"
    ).fetchall()
    assert row == (Decimal("25.00"), datetime(2025, 3, 4, 11, tzinfo=UTC), 2, "worker-1")


# which fees ---------------------------------------------------------------------------------------


def test_re_assessing_uses_the_fees_of_now_and_says_so(known):
    set_fees(known, *fees(valid_to=MIDNIGHT))
    set_fees(known, *fees(rate="0.20", valid_from=MIDNIGHT, prefix="new"))
    assert catch_up(known) == 1
    [(margin, at, event_time)] = known.execute(
        "SELECT margin_at_current_price, economics_at, event_time FROM current_state"
    ).fetchall()
    assert margin == Decimal("37.00")
    assert at - event_time > timedelta(days=30)
    assert column(known, "SELECT margin_at_current_price FROM competitive_history") == [MARGIN]


def at(day, hour):
    return datetime(day.year, day.month, day.day, hour, tzinfo=UTC)


def test_a_fee_that_begins_with_a_day_is_worked_in_when_the_day_has_begun(known):
    tomorrow = (datetime.now(UTC) + timedelta(days=3)).date()
    set_fees(known, *fees(valid_to=tomorrow))
    set_fees(known, *fees(rate="0.20", valid_from=tomorrow, prefix="new"))
    assert catch_up(known) == 0
    before, after = at(tomorrow, 0) - timedelta(hours=2), at(tomorrow, 0) + timedelta(minutes=7)
    known.execute("DELETE FROM procrastinate_jobs")
    assert ask_for_new_days(known, now=before) == []
    assert ask_for_new_days(known, now=after) == [(GB, None)]
    assert fetch_job(known)["task_name"] == "reassess"
    assert catch_up(known, later=after - datetime.now(UTC)) == 1
    assert margins(known) == [Decimal("37.00")]
    assert ask_for_new_days(known, now=after + timedelta(hours=2)) == [(GB, None)]  # for stragglers
    assert ask_for_new_days(known, now=after + timedelta(hours=5)) == []


@pytest.mark.parametrize(
    ("marketplace", "midnight"), [(JP, timedelta(hours=-9)), (US, timedelta(hours=7))]
)
def test_a_day_begins_by_the_clock_of_its_marketplace(known, marketplace, midnight):
    day = date(datetime.now(UTC).year + 1, 7, 15)
    set_terms(known, marketplace_id=marketplace, valid_from=day)
    began = at(day, 0) + midnight
    ask_for_new_days(known, now=began - timedelta(minutes=1))
    asked = ask_for_new_days(known, now=began + timedelta(minutes=1))
    assert asked == [(marketplace, OWN_SELLER)]


def test_a_day_on_which_fees_end_and_none_begin_is_one_too(known):
    day = (datetime.now(UTC) + timedelta(days=3)).date()
    set_fees(known, *fees(valid_to=day))
    ask_for_new_days(known, now=at(day, 0) - timedelta(hours=2))
    assert ask_for_new_days(known, now=at(day, 0) + timedelta(hours=2)) == [(GB, None)]


def test_midnights_that_nobody_saw_are_made_good(known):
    day = (datetime.now(UTC) + timedelta(days=30)).date()
    set_terms(known, valid_from=day, wanted_margin="0.3")
    known.execute("DELETE FROM reassessments")
    ask_for_new_days(known, now=at(day, 0) - timedelta(days=9))
    assert [m for m, _ in ask_for_new_days(known, now=at(day, 0) + timedelta(days=9))] == [GB]


# without the message ------------------------------------------------------------------------------


def test_where_the_body_is_gone_margins_are_known_and_the_advice_only_if_it_needs_no_offers(known):
    known.execute("DELETE FROM notification_bodies")
    set_products(known, CHEAPER)
    assert catch_up(known) == 1
    assert margins(known) == [CHEAP_MARGIN]
    assert column(known, "SELECT recommended_price FROM current_state") == [Decimal("17.99")]
    set_products(known, product(unit_cost=Decimal("11.00")))
    assert catch_up(known) == 1
    [row] = known.execute(
        "SELECT recommended_price, recommendation_code, recommendation_reason, unfollowable,"
        " economics_unknown FROM current_state"
    ).fetchall()
    assert row == (
        None,
        "unknown",
        "The offers of the newest message are no longer kept.",
        [],
        None,
    )
