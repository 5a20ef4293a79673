"""Changed costs, fees and terms reach the states in the background: all of them, once, with a bell."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace

import psycopg
import pytest
from psycopg_pool import ConnectionPool

from db import economy as sql
from db.feed import ALERT_CHANNEL, STATE_CHANNEL, read_feed
from tests.economy import (
    CHEAP_MARGIN,
    CHEAPER,
    MARGIN,
    MIDNIGHT,
    asins,
    catch_up,
    dearer,
    fees,
    margins,
    product,
    set_all,
    set_fees,
    set_products,
    set_terms,
    tell,
    versions,
    waiting,
)
from tests.factories import ASIN, GB, OWN_SELLER, US
from tests.interleave import (
    PRODUCT,
    Ear,
    analyst,
    begin,
    column,
    fetch_job,
    finish_job,
)
from worker.alerts.ticking import tick
from worker.analysis import reassessment
from worker.analysis.reassessment import reassess_some
from worker.app import build_app
from worker.settings import Settings

CHANGES = {
    "a cost": (lambda conn: set_products(conn, CHEAPER), CHEAP_MARGIN),
    "a cost by hand": (
        lambda conn: conn.execute("UPDATE products SET unit_cost = 3"),
        CHEAP_MARGIN,
    ),
    "a fee": (lambda conn: set_fees(conn, *fees(rate="0.20")), Decimal("37.00")),
    "a fee by hand": (
        lambda conn: conn.execute("UPDATE fee_rules SET rate = 0.2 WHERE kind = 'referral'"),
        Decimal("37.00"),
    ),
    "the terms": (lambda conn: set_terms(conn, registered=False), Decimal("52.50")),
    "terms by hand": (
        lambda conn: conn.execute(
            "UPDATE seller_terms SET vat_registered = false, fee_vat_recoverable = 0"
        ),
        Decimal("52.50"),
    ),
    "no terms any more": (lambda conn: conn.execute("DELETE FROM seller_terms"), None),
    "no product any more": (lambda conn: conn.execute("DELETE FROM products"), None),
    "no fee any more": (
        lambda conn: conn.execute("DELETE FROM fee_rules WHERE kind = 'closing'"),
        None,
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_reaches_the_state_with_version_feed_and_bell(known, open_connection, change):
    act, margin = CHANGES[change]
    cursor = read_feed(known, None).next_cursor
    ear = Ear(open_connection, STATE_CHANNEL)
    act(known)
    assert margins(known) == [MARGIN]
    [job] = column(known, "SELECT task_name FROM procrastinate_jobs")
    assert job == "reassess"
    assert catch_up(known) == 1
    assert (margins(known), versions(known)) == ([margin], [2])
    [row] = read_feed(known, cursor).rows
    assert (row.margin_at_current_price, row.worker_id) == (margin, "worker-2")
    assert (row.economics_unknown is None) is (margin is not None)
    [bell] = ear.heard()
    assert json.loads(bell.payload)["changed"] == [[PRODUCT, row.severity]]
    assert waiting(known) == 0


@pytest.mark.parametrize("last", [set_fees, set_terms, set_products])
def test_what_comes_last_after_the_message_makes_its_margins_known(conn, last):
    tell(conn)
    for known in (set_fees, set_terms, set_products):
        if known is not last:
            known(conn)
    catch_up(conn)
    assert margins(conn) == [None]
    last(conn)
    assert catch_up(conn) == 1
    assert margins(conn) == [MARGIN]


@pytest.mark.parametrize(
    ("table", "column", "here"),
    [
        ("products", "asin", ASIN),
        ("seller_terms", "seller_id", OWN_SELLER),
        ("fee_rules", "marketplace_id", GB),
    ],
)
def test_what_moves_away_and_back_is_heard_both_times(known, table, column, here):
    known.execute(f"UPDATE {table} SET {column} = 'B0ANOTHER1'")
    assert catch_up(known) == 1
    assert margins(known) == [None]
    known.execute(f"UPDATE {table} SET {column} = %s", (here,))
    assert catch_up(known) == 1
    assert margins(known) == [MARGIN]


@pytest.mark.parametrize("table", ["products", "seller_terms", "fee_rules"])
def test_a_transaction_asks_for_one_job(known, table):
    with known.transaction():
        for _ in range(2):
            known.execute(f"UPDATE {table} SET updated_at = now()")
    assert column(known, "SELECT task_name FROM procrastinate_jobs") == ["reassess"]


def test_a_product_of_several_offers_is_asked_for_once(conn):
    set_products(conn, product(), product(sku="X"), product(fulfilment_channel="merchant"))
    assert column(conn, "SELECT asins FROM reassessments") == [[ASIN]]


def test_where_no_value_changes_nothing_is_written_and_nothing_rings(known, open_connection):
    cursor = read_feed(known, None).next_cursor
    ear = Ear(open_connection, STATE_CHANNEL)
    set_products(known, product(title="Mug", tags=["core"]))
    set_terms(known, valid_from=MIDNIGHT - timedelta(days=900))
    set_fees(known, *fees(note="checked"))
    assert waiting(known) == 3
    assert catch_up(known) == 0
    assert (versions(known), waiting(known)) == ([1], 0)
    assert (read_feed(known, cursor).rows, ear.heard()) == ([], [])


def test_the_severity_follows_the_margin(known):
    set_products(known, product(unit_cost=Decimal("13.00")))
    catch_up(known)
    assert column(known, "SELECT severity FROM current_state") == ["warning"]
    assert column(known, "SELECT risk_flags FROM current_state") == [["below-cost"]]


def test_the_alerts_hear_what_a_cost_has_made_of_the_state(known):
    assert column(known, "SELECT severity FROM alerts") == []
    set_products(known, product(unit_cost=Decimal("11.00")))
    catch_up(known)
    assert column(known, "SELECT severity FROM current_state") == ["warning"]
    (facts,) = column(known, "SELECT facts FROM alerts WHERE severity = 'warning'")
    assert Decimal(facts["margin_at_market_low"]) < 5
    assert column(known, "SELECT change FROM alert_events") == ["raised"]


def test_an_alert_that_a_cost_has_raised_rings(known, open_connection):
    ear = Ear(open_connection, ALERT_CHANNEL)
    set_products(known, product(unit_cost=Decimal("11.00")))
    catch_up(known)
    [bell] = ear.heard()
    assert json.loads(bell.payload)["changed"] == [[PRODUCT, "warning"]]


def test_an_alert_of_margins_does_not_clear_because_they_are_no_longer_known(known):
    set_products(known, product(unit_cost=Decimal("11.00")))
    catch_up(known)
    known.execute("DELETE FROM fee_rules")
    catch_up(known)
    assert column(known, "SELECT economics_unknown IS NULL FROM current_state") == [False]
    assert column(known, "SELECT unknown_since IS NULL FROM alerts") == [False]
    tick(known, now=datetime.now(UTC) + timedelta(hours=1), seconds=20)
    assert column(known, "SELECT condition FROM alerts") == ["firing"]


def test_an_import_of_the_same_again_asks_for_nothing(known):
    set_products(known)
    set_fees(known)
    set_terms(known)
    assert waiting(known) == 0
    assert fetch_job(known) is None


def test_a_large_import_is_one_job_and_some_hundred_products_a_piece(conn):
    set_products(conn, *(product(name) for name in asins(1001)))
    assert column(conn, "SELECT count(*) FROM procrastinate_jobs") == [1]
    assert column(conn, "SELECT cardinality(asins) FROM reassessments ORDER BY id") == [200] * 5 + [
        1
    ]
    set_products(conn, *(product(name, unit_cost=Decimal(n)) for n, name in enumerate(asins(3))))
    assert column(conn, "SELECT count(*) FROM procrastinate_jobs") == [2]


def test_fees_concern_the_marketplace_they_are_of_and_the_one_they_leave(known):
    known.execute("UPDATE fee_rules SET marketplace_id = %s, currency = 'USD'", (US,))
    assert sorted(column(known, "SELECT marketplace_id FROM reassessments")) == sorted([GB, US])
    assert column(known, "SELECT count(*) FROM procrastinate_jobs") == [1]


def ask_for_pages(conn, products):
    """So many states in a marketplace whose fees have changed since."""
    set_all(conn, *(product(name) for name in asins(products)))
    tell(conn, *asins(products))
    dearer(conn)


def test_a_marketplace_is_worked_through_in_pages(conn, monkeypatch):
    monkeypatch.setattr(reassessment, "PRODUCTS_AT_ONCE", 3)
    ask_for_pages(conn, 10)
    with conn.transaction():
        sql.settle_reassessments(conn)
    pages = []
    while (done := reassess_some(conn, analyst())) is not None:
        pages.append(done)
    assert pages == [3, 3, 3, 1]
    assert margins(conn) == [Decimal("37.00")] * 10
    assert waiting(conn) == 0


def test_a_turn_that_is_over_puts_the_rest_in_line(conn, monkeypatch):
    monkeypatch.setattr(reassessment, "PRODUCTS_AT_ONCE", 1)
    ask_for_pages(conn, 2)
    conn.execute("DELETE FROM procrastinate_jobs")
    reassessment.reassess_waiting(conn, analyst(), seconds=0)
    assert margins(conn) == [Decimal("37.00"), MARGIN]
    assert column(conn, "SELECT task_name FROM procrastinate_jobs") == ["reassess"]


def test_each_minute_s_job_begins_no_line_of_turns_of_its_own(conn, monkeypatch):
    """Where much is to be done messages would wait for a turn of each of them."""
    monkeypatch.setattr(reassessment, "PRODUCTS_AT_ONCE", 1)
    ask_for_pages(conn, 4)
    conn.execute("DELETE FROM procrastinate_jobs")
    for _ in range(3):
        reassessment.reassess_waiting(conn, analyst(), seconds=0)
    assert column(conn, "SELECT task_name FROM procrastinate_jobs") == ["reassess"]


def test_a_killed_worker_loses_its_own_page_only(conn, open_connection, monkeypatch):
    monkeypatch.setattr(reassessment, "PRODUCTS_AT_ONCE", 1)
    ask_for_pages(conn, 3)
    with conn.transaction():
        sql.settle_reassessments(conn)
    assert reassess_some(conn, analyst()) == 1
    doomed = begin(open_connection())
    assert reassess_some(doomed, analyst()) == 1
    conn.execute("SELECT pg_terminate_backend(%s)", (doomed.info.backend_pid,))
    with pytest.raises(psycopg.OperationalError):
        doomed.execute("SELECT 1")
    assert margins(conn) == [Decimal("37.00"), MARGIN, MARGIN]
    assert catch_up(conn) == 2
    assert margins(conn) == [Decimal("37.00")] * 3
    assert versions(conn) == [2, 2, 2]


def test_two_at_once_take_different_pieces(conn, open_connection):
    names = asins(201)
    set_all(conn, *(product(name) for name in names))
    tell(conn, names[0], names[200])
    set_products(conn, *(product(name, unit_cost=Decimal(3)) for name in names))
    with conn.transaction():
        sql.settle_reassessments(conn)
    first = begin(open_connection())
    assert reassess_some(first, analyst()) == 1
    assert reassess_some(conn, analyst()) == 1
    assert reassess_some(conn, analyst()) is None
    first.commit()
    assert margins(conn) == [CHEAP_MARGIN] * 2
    assert waiting(conn) == 0


def test_a_piece_that_fails_waits_while_the_others_go_on(conn, monkeypatch):
    names = asins(201)
    set_all(conn, *(product(name) for name in names))
    tell(conn, names[0], names[200])
    set_products(conn, *(product(name, unit_cost=Decimal(3)) for name in names))
    sound = reassessment.reassess

    def broken(state, *args, **more):
        if state.subject.asin == names[0]:
            raise ZeroDivisionError("a bug of ours")
        return sound(state, *args, **more)

    monkeypatch.setattr(reassessment, "reassess", broken)
    assert catch_up(conn) == 1
    assert margins(conn) == [MARGIN, CHEAP_MARGIN]
    assert waiting(conn) == 1
    monkeypatch.undo()
    assert catch_up(conn) == 0
    assert catch_up(conn, later=timedelta(minutes=11)) == 1
    assert margins(conn) == [CHEAP_MARGIN] * 2


# the tasks ----------------------------------------------------------------------------------------


def test_the_job_does_it_as_the_role_that_workers_have(known, database_url):
    set_products(known, CHEAPER)
    url = psycopg.conninfo.make_conninfo(database_url, options="-c role=buybox_worker")
    with ConnectionPool(url, min_size=1, max_size=2, open=True) as pool:
        tasks = build_app(Settings(database_url=url, worker_id="w"), pool=pool).tasks
        job = fetch_job(known)
        context = SimpleNamespace(should_abort=lambda: False)
        tasks[job["task_name"]].func(context, **job["args"])
        finish_job(known, job["id"])
        tasks["reassess_new_days"].func(timestamp=0)
        with pool.connection() as worker:
            set_fees(worker, *fees(rate="0.20"))
            set_terms(worker, registered=False)
    assert margins(known) == [CHEAP_MARGIN]
    assert waiting(known) == 2
