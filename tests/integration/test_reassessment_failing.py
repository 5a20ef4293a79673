"""A product that cannot be assessed anew waits by itself; nobody else waits for it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from structlog.testing import capture_logs

from db.operators import read_view
from tests.economy import (
    BAD,
    CHEAP_MARGIN,
    MARGIN,
    NAMES,
    OTHER_MARGIN,
    catch_up,
    cheaper,
    dearer,
    fees,
    margins,
    set_fees,
    seven_states,
    versions,
    waiting,
)
from tests.factories import GB
from tests.interleave import analyst, column
from worker.analysis import reassessment

SOON, LATER = timedelta(minutes=9), timedelta(minutes=11)


@pytest.fixture
def pages(conn, monkeypatch):
    """Seven states in a marketplace that is worked through by threes."""
    monkeypatch.setattr(reassessment, "PRODUCTS_AT_ONCE", 3)
    seven_states(conn)
    return conn


def spoil(conn, *, mend=False, asin=BAD):
    """What the product's newest message said is in a form this version cannot read, or can."""
    change = "b.facts::jsonb - 'new'" if mend else """b.facts::jsonb || '{"new": 1}'"""
    conn.execute(
        f"UPDATE notification_bodies AS b SET facts = ({change})::json "
        "FROM current_state AS s WHERE s.notification_row_id = b.notification_id AND s.asin = %s",
        (asin,),
    )


def refuse(conn, *, mend=False):
    """The database refuses whatever is written over the state of BAD, or no longer."""
    conn.execute("ALTER TABLE current_state DROP CONSTRAINT IF EXISTS not_this_one")
    if not mend:
        conn.execute(
            "ALTER TABLE current_state ADD CONSTRAINT not_this_one "
            f"CHECK (asin <> '{BAD}' OR version < 2) NOT VALID"
        )


@pytest.mark.parametrize("harm", [spoil, refuse])
@pytest.mark.parametrize(
    ("change", "margin"), [(dearer, OTHER_MARGIN), (cheaper, CHEAP_MARGIN)], ids=["page", "pieces"]
)
def test_one_product_that_fails_holds_up_nobody_and_is_done_once_mended(
    pages, harm, change, margin
):
    harm(pages)
    change(pages)
    assert catch_up(pages) == 6
    assert margins(pages) == [MARGIN if name == BAD else margin for name in NAMES]
    assert column(pages, "SELECT asins FROM reassessments") == [[BAD]]
    harm(pages, mend=True)
    assert catch_up(pages, later=SOON) == 0
    assert catch_up(pages, later=LATER) == 1
    assert margins(pages) == [margin] * 7
    assert (versions(pages), waiting(pages)) == ([2] * 7, 0)


def test_a_database_that_is_busy_is_no_failure_of_a_product(pages, monkeypatch):
    """The pieces stay as they are and are tried with the next job, not one by one and minutes later."""

    def is_busy(*_):
        raise psycopg.errors.LockNotAvailable

    dearer(pages)
    asked = column(pages, "SELECT asins FROM reassessments")
    with monkeypatch.context() as patch:
        patch.setattr(reassessment, "_assess_and_ring", is_busy)
        with pytest.raises(psycopg.errors.LockNotAvailable):
            catch_up(pages)
    assert column(pages, "SELECT asins FROM reassessments") == asked
    assert catch_up(pages) == 7


def test_who_is_told_to_stop_leaves_the_rest_to_a_job(pages):
    dearer(pages)
    pages.execute("DELETE FROM procrastinate_jobs")
    done = reassessment.reassess_waiting(pages, analyst(), seconds=20, stop=lambda: True)
    assert done == 3
    assert column(pages, "SELECT task_name FROM procrastinate_jobs") == ["reassess"]
    assert catch_up(pages) == 4


def failing(conn):
    """What operators see: product, failures, whether it says why, and how long it waits from now."""
    return [
        (
            row["asin"],
            row["failures"],
            "unknown field" in row["last_error"],
            row["next_attempt_at"] - datetime.now(UTC),
        )
        for row in read_view(conn, "failing_reassessments", max_rows=10)
    ]


def test_what_fails_is_named_once_a_try_and_waits_twice_as_long_each_time(pages):
    spoil(pages)
    dearer(pages)
    named, tries = [f"{GB}:{BAD}"], []
    for minutes in (0, 9, 11, 30, 32, 71, 73):
        with capture_logs() as lines:
            catch_up(pages, later=timedelta(minutes=minutes))
        tries.append([line["products"] for line in lines if line["event"] == "reassessment_failed"])
    assert tries == [[named], [], [named], [], [named], [], [named]]


def test_after_many_failures_it_is_tried_once_a_day_and_operators_see_it(pages):
    spoil(pages)
    dearer(pages)
    catch_up(pages)
    later = timedelta(0)
    for _ in range(9):
        later += timedelta(days=1, minutes=1)
        catch_up(pages, later=later)
    ((asin, failures, says_why, wait),) = failing(pages)
    assert (asin, failures, says_why) == (BAD, 10, True)
    assert timedelta(hours=23) < wait - later <= timedelta(days=1)
    spoil(pages, mend=True)
    assert catch_up(pages, later=later + timedelta(days=1, minutes=1)) == 1
    assert failing(pages) == []


def fail_often(conn):
    """BAD fails so often that its next attempt is hours away."""
    later = timedelta(0)
    for _ in range(5):
        catch_up(conn, later=later)
        later += timedelta(days=1, minutes=1)
    assert column(conn, "SELECT failures FROM reassessments") == [5]
    return later


@pytest.mark.parametrize("change", [dearer, cheaper])
def test_a_change_tries_at_once_what_failed_and_its_success_is_the_end_of_it(pages, change):
    spoil(pages)
    set_fees(pages, *fees(rate="0.18"))
    fail_often(pages)
    spoil(pages, mend=True)
    change(pages)
    assert catch_up(pages) == 7
    assert (failing(pages), waiting(pages)) == ([], 0)


def test_a_change_whose_piece_fails_for_another_s_sake_tries_it_at_once_too(pages):
    spoil(pages)
    set_fees(pages, *fees(rate="0.18"))
    fail_often(pages)
    spoil(pages, mend=True)
    spoil(pages, asin=NAMES[0])
    dearer(pages)
    assert catch_up(pages) == 6
    assert [(asin, failures) for asin, failures, *_ in failing(pages)] == [(NAMES[0], 1)]


def test_a_marketplace_that_fails_as_a_whole_waits_longer_each_time_until_it_goes_on(
    pages, monkeypatch
):
    monkeypatch.setattr(reassessment, "MOST_APART", 0)
    with monkeypatch.context() as bug:
        bug.setattr(reassessment, "reassess", lambda *_, **__: 1 / 0)
        dearer(pages)
        for minutes in (0, 11, 30, 32):
            catch_up(pages, later=timedelta(minutes=minutes))
    assert pages.execute(
        "SELECT marketplace_id, asin, products, failures FROM ops.failing_reassessments"
    ).fetchall() == [(GB, None, None, 3)]
    assert catch_up(pages, later=timedelta(minutes=73)) == 7
    assert waiting(pages) == 0


def test_a_product_that_fails_at_every_change_waits_but_once(pages):
    spoil(pages)
    for rate in ("0.20", "0.15", "0.20"):
        set_fees(pages, *fees(rate=rate))
        assert catch_up(pages) == 6
    assert [(asin, failures) for asin, failures, *_ in failing(pages)] == [(BAD, 3)]
    spoil(pages, mend=True)
    assert catch_up(pages, later=timedelta(minutes=39)) == 0
    assert catch_up(pages, later=timedelta(minutes=41)) == 1
    assert margins(pages) == [OTHER_MARGIN] * 7


def test_a_piece_stays_in_one_hand_until_it_is_taken_apart(pages, open_connection):
    """Two workers that came upon the same failure would otherwise both take it apart."""
    spoil(pages)
    dearer(pages)
    with pages.transaction():
        reassessment.sql.settle_reassessments(pages)
    with open_connection().transaction() as first:
        assert reassessment.reassess_some(first.connection, analyst()) == 0
        assert reassessment.reassess_some(pages, analyst()) is None
    assert catch_up(pages) == 6
    assert versions(pages) == [1 if name == BAD else 2 for name in NAMES]


def test_where_very_many_fail_the_marketplace_waits_as_a_whole(pages, monkeypatch):
    """A version that can assess nothing must not make a piece of each product there is."""
    monkeypatch.setattr(reassessment, "MOST_APART", 3)
    with monkeypatch.context() as bug:
        bug.setattr(reassessment, "reassess", lambda *_, **__: 1 / 0)
        dearer(pages)
        assert catch_up(pages) == 0
        assert waiting(pages) == 1 + 3
    assert catch_up(pages) == 0
    assert catch_up(pages, later=LATER) == 7
    assert margins(pages) == [OTHER_MARGIN] * 7
