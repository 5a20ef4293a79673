"""Which piece of re-assessment is taken next and what of it, and which failed ones an assessment ends."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from db import economy
from db.economy import Reassessment
from tests.alert_rows import insert
from tests.delivery import DE
from tests.factories import GB
from tests.interleave import Background, begin, column

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
NAMES = [f"B0PIECE00{n}" for n in range(5)]


def ask(conn, *asins, marketplace=GB, **values):
    """These products of a marketplace, or (without) all of it, ready; returns the id."""
    of = {"marketplace_ids": [marketplace] * len(asins), "asins": list(asins)}
    given = {"settled": True, "due_at": NOW, **(of if asins else {"marketplace_id": marketplace})}
    if values.get("failures"):
        given["last_error"] = "it failed"
    return insert(conn, "reassessments", **given | values)


def take(conn, max_products=2):
    found = economy.take_reassessment(conn, now=NOW, max_products=max_products)
    return found and (found.id, found.products, found.is_last)


@pytest.fixture
def catalogue(scratch):
    """Products of two sellers and two marketplaces, and nothing asked of them yet."""
    for place, (marketplace, currency) in enumerate(((GB, "GBP"), (DE, "EUR"))):
        for n, asin in enumerate(reversed(NAMES)):
            for sku in ("a", "b"):
                insert(
                    scratch,
                    "products",
                    seller_id=f"S{(n + place) % 2}",
                    marketplace_id=marketplace,
                    asin=asin,
                    item_condition="new",
                    fulfilment_channel="amazon",
                    sku=sku,
                    currency=currency,
                    updated_at=NOW,
                )
    scratch.execute("DELETE FROM reassessments")
    return scratch


def test_what_is_ready_and_due_is_taken_in_the_order_it_was_asked_for(scratch):
    ask(scratch, NAMES[0], settled=False)
    ask(scratch, NAMES[0], due_at=NOW + SECOND)
    assert take(scratch) is None
    first = ask(scratch, *NAMES[1:3])
    ask(scratch, NAMES[3], due_at=NOW - SECOND)
    scratch.execute("UPDATE reassessments SET settled = true WHERE id = %s", (first,))
    assert take(scratch) == (first, [(GB, NAMES[1]), (GB, NAMES[2])], True)


def test_a_marketplace_is_taken_in_pages_of_its_own_products(catalogue):
    number = ask(catalogue)
    for asins, is_last in ((NAMES[:2], False), (NAMES[2:4], False), (NAMES[4:], True)):
        assert take(catalogue) == (number, [(GB, asin) for asin in asins], is_last)
        catalogue.execute("UPDATE reassessments SET done_up_to = %s", (asins[-1],))
    assert take(catalogue) == (number, [], True)


def test_where_a_seller_is_named_the_others_are_left_out(catalogue):
    number = ask(catalogue, seller_id="S1")
    assert take(catalogue, max_products=9) == (number, [(GB, NAMES[1]), (GB, NAMES[3])], True)


def test_an_assessment_ends_what_failed_for_its_products_alone(scratch):
    done = ask(scratch, NAMES[0], failures=1)
    kept = [
        ask(scratch, NAMES[0]),
        ask(scratch, NAMES[0], settled=False),
        ask(scratch, NAMES[0], failures=1, marketplace=DE),
        ask(scratch, NAMES[1], failures=1),
        ask(scratch, NAMES[0], NAMES[1], failures=1),
        ask(scratch, failures=1),
    ]
    work = Reassessment(done, True, [GB, DE], [NAMES[0], NAMES[1]], NOW, 0)
    economy.forget_failed(scratch, work)
    assert column(scratch, "SELECT id FROM reassessments ORDER BY id") == kept


def test_what_another_tries_at_this_moment_is_left_to_it(conn, open_connection):
    """It may hold the states that the assessment is about to write: to wait would be a deadlock."""
    tried, _ = ask(conn, NAMES[0], failures=1), ask(conn, NAMES[1], failures=1)
    worker = begin(open_connection())
    assert take(worker) == (tried, [(GB, NAMES[0])], True)
    work = Reassessment(0, True, [GB, GB], NAMES[:2], NOW, 0)
    with conn.transaction():
        conn.execute("SET LOCAL lock_timeout = '2s'")
        economy.forget_failed(conn, work)
    worker.rollback()
    assert column(conn, "SELECT id FROM reassessments") == [tried]


def told(conn):
    """(Marketplaces, ASINs, when it is due, failures, the last error) of all that waits, in order."""
    return conn.execute(
        "SELECT marketplace_ids[1], asins[1], due_at, failures, last_error FROM reassessments"
        " WHERE cardinality(asins) = 1 AND settled ORDER BY id"
    ).fetchall()


def test_what_failed_together_waits_each_by_itself_in_its_order(scratch):
    number = ask(scratch, *NAMES[:3])
    asked_at = NOW - SECOND
    work = Reassessment(number, True, [GB, DE, GB], [NAMES[2], NAMES[2], NAMES[0]], asked_at, 0)
    economy.set_apart(scratch, work, due_at=NOW)
    assert told(scratch) == [
        (GB, NAMES[2], NOW, 0, None),
        (DE, NAMES[2], NOW, 0, None),
        (GB, NAMES[0], NOW, 0, None),
    ]
    assert column(scratch, "SELECT DISTINCT asked_at FROM reassessments WHERE id > %s", number) == [
        asked_at
    ]


@pytest.mark.parametrize("waits_until", [NOW - SECOND, NOW + SECOND])
def test_what_waits_by_itself_already_is_tried_at_the_earlier_of_both_times(scratch, waits_until):
    ask(scratch, NAMES[0], failures=3, due_at=waits_until)
    elsewhere = (DE, NAMES[0], NOW + 9 * SECOND, 2, "it failed")
    ask(scratch, NAMES[0], marketplace=DE, failures=2, due_at=elsewhere[2])
    economy.set_apart(scratch, Reassessment(0, True, [GB], NAMES[:1], NOW, 0), due_at=NOW)
    assert told(scratch) == [(GB, NAMES[0], min(waits_until, NOW), 3, "it failed"), elsewhere]


@pytest.mark.parametrize(("had", "counts"), [(1, 5), (7, 7)])
def test_one_that_fails_anew_says_so_and_has_failed_as_often_as_it_has(scratch, had, counts):
    ask(scratch, NAMES[0], failures=had, due_at=NOW + 9 * SECOND)
    work = Reassessment(0, True, [GB], NAMES[:1], NOW, 4)
    economy.set_apart(scratch, work, due_at=NOW + SECOND, error="a bug of ours")
    assert told(scratch) == [(GB, NAMES[0], NOW + SECOND, counts, "a bug of ours")]


def test_what_is_ready_already_closes_the_gate_to_no_analysis(conn, open_connection):
    """Some of it waits for hours, since it failed; and each minute asks what is ready."""
    ask(conn, NAMES[0], failures=1)
    analysis = begin(open_connection())
    economy.join_assessors(analysis)
    assert economy.settle_reassessments(conn) == 0


def test_a_change_that_comes_while_analyses_are_waited_for_waits_for_its_own(conn, open_connection):
    """An analysis that began in between may have read the costs of before it."""
    conn.execute("ALTER FUNCTION buybox_settle_reassessments SET lock_timeout = '20s'")
    first = ask(conn, NAMES[0], settled=False)
    analysis = begin(open_connection())
    economy.join_assessors(analysis)
    settling = Background(
        economy.settle_reassessments, open_connection(autocommit=True)
    ).until_blocked(conn)
    ask(conn, NAMES[1], settled=False)
    analysis.rollback()
    assert settling.result() == 1
    assert column(conn, "SELECT id FROM reassessments WHERE settled") == [first]
