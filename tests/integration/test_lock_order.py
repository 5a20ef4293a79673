"""Who locks several rows takes them in the order of their keys, so that two who meet queue.

The rows lie the other way round in their table, and the one that is last by its key is somebody
else's: whoever waits for it holds the first one already. In any other order two could hold one each
and wait for the other's.
"""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from db import acts, alerts, delivery, products
from tests import alert_rows as rows
from tests.acting import act
from tests.alerts import NOW
from tests.delivery import add_alert, add_message, add_route
from tests.factories import GB
from tests.interleave import Background, begin, column, deliver, letter

FIRST, LAST = "B0FIRST001", "B0LAST0001"
KEYS = [f"{GB}:{LAST}", f"{GB}:{FIRST}"]


@pytest.fixture
def takes_the_first_before_the_last(conn, open_connection):
    """Whether who waits for the row `last` of this table holds the row `first` by then."""

    def look(table, first, last, doing, *given, **named):
        holder, busy = begin(open_connection()), begin(open_connection())
        holder.execute(f"SELECT FROM {table} WHERE {last} FOR UPDATE")
        waiting = Background(doing, busy, *given, **named).until_blocked(conn)
        free = conn.execute(f"SELECT FROM {table} WHERE {first} FOR UPDATE SKIP LOCKED").fetchall()
        holder.rollback()
        waiting.result()
        busy.rollback()
        return not free

    return look


def of(asin):
    return f"asin = '{asin}'"


def numbered(number):
    return f"id = {number}"


def moved(conn, table, number):
    """A new version of the row, behind all others in its table."""
    conn.execute(f"UPDATE {table} SET reason = reason WHERE id = %s", (number,))


def test_the_notifications_of_a_t2(conn, takes_the_first_before_the_last):
    for asin in (LAST, FIRST):
        deliver(conn, letter(asin=asin))
    claim, now = products.claim_notifications, datetime.now(UTC)
    assert takes_the_first_before_the_last(
        "worker_notifications", of(FIRST), of(LAST), claim, KEYS, now=now, max_rows=9
    )


def test_the_states_of_a_t2(conn, takes_the_first_before_the_last):
    for asin in (LAST, FIRST):
        conn.execute(
            "INSERT INTO current_state (marketplace_id, asin, item_condition, audience, seller_id,"
            " severity, severity_policy, severity_reasons, trace_id, worker_id, updated_at, version)"
            " VALUES (%s, %s, 'new', 'consumer', 'S1', 'info', 'full', '{}', 't', 'w', now(), 1)",
            (GB, asin),
        )
    keys = [(GB, LAST), (GB, FIRST)]
    assert takes_the_first_before_the_last(
        "current_state", of(FIRST), of(LAST), products.lock_states, keys
    )


@pytest.mark.parametrize("by", ["ids", "subjects"])
def test_the_alerts_of_a_t2_and_of_the_clock(conn, takes_the_first_before_the_last, by):
    ids = [add_alert(conn, asin) for asin in (LAST, FIRST)]
    subjects = column(conn, "SELECT subject_key FROM alerts ORDER BY id")
    doing, keys = {
        "ids": (alerts.lock_alerts, ids),
        "subjects": (alerts.lock_newest_alerts, subjects),
    }[by]
    assert takes_the_first_before_the_last("alerts", of(FIRST), of(LAST), doing, keys)


@pytest.mark.parametrize("table", ["alert_queues", "alert_deliveries"])
def test_what_an_act_holds_back(conn, takes_the_first_before_the_last, table):
    alert = add_alert(conn)
    messages = [add_message(conn, alert) for _ in range(2)]
    deliveries = [rows.delivery(conn, one) for one in messages]
    first, last = {"alert_queues": messages, "alert_deliveries": deliveries}[table]
    moved(conn, table, first)
    doing = {"who": "ann", "note": None, "now": NOW}
    assert takes_the_first_before_the_last(
        table, numbered(first), numbered(last), _acknowledge, alert, **doing
    )


def _acknowledge(conn, alert, **doing):
    return act(acts.acknowledge_alerts, conn, alert, **doing)


def test_what_waits_for_a_route_that_is_off(conn, takes_the_first_before_the_last):
    add_route(conn)
    conn.execute("UPDATE alert_routes SET enabled = false")
    (route,) = column(conn, "SELECT id FROM alert_routes")
    alert = add_alert(conn)
    first, last = (add_message(conn, alert) for _ in range(2))
    for message in (last, first):
        rows.delivery(conn, message, route_id=route)
    moved(conn, "alert_queues", first)
    assert takes_the_first_before_the_last(
        "alert_queues",
        numbered(first),
        numbered(last),
        delivery.cancel_stranded_deliveries,
        reason="off",
    )
