"""Who locks several rows takes them in the order of their keys, so that two who meet queue.

The rows lie the other way round in their table, and the one that is last by its key is somebody
else's: whoever waits for it holds all others already. In any other order two could hold one each and
wait for the other's.
"""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from db import acts, alert_reading, alerts, delivery, products, routes
from tests import alert_rows as rows
from tests.acting import act
from tests.alerts import NOW
from tests.delivery import add_alert, add_route
from tests.factories import GB
from tests.interleave import Background, begin, column, deliver, letter

BACKWARDS = [f"B0ORDER00{n}" for n in range(6, 0, -1)]
LAST = BACKWARDS[0]
LUCK = ("enable_sort", "enable_indexscan", "enable_bitmapscan")
"""What may give rows an order that nobody asked for."""


@pytest.fixture
def takes_the_last_as_the_last(conn, open_connection):
    """Whether who waits for the row `last` of this table holds all others by then."""

    def look(table, last, doing, *given, **named):
        holder, busy = begin(open_connection()), begin(open_connection())
        holder.execute(f"SELECT FROM {table} WHERE {last} FOR UPDATE")
        for luck in LUCK:
            busy.execute(f"SET LOCAL {luck} = off")
        waiting = Background(doing, busy, *given, **named).until_blocked(conn)
        free = conn.execute(f"SELECT FROM {table} FOR UPDATE SKIP LOCKED").fetchall()
        holder.rollback()
        waiting.result()
        busy.rollback()
        return not free

    return look


def of(asin):
    return f"asin = '{asin}'"


def test_the_notifications_of_a_t2(conn, takes_the_last_as_the_last):
    for asin in BACKWARDS:
        deliver(conn, letter(asin=asin))
    keys = [f"{GB}:{asin}" for asin in BACKWARDS]
    claim, now = products.claim_notifications, datetime.now(UTC)
    assert takes_the_last_as_the_last(
        "worker_notifications", of(LAST), claim, keys, now=now, max_rows=9
    )


def test_the_states_of_a_t2(conn, takes_the_last_as_the_last):
    for asin in BACKWARDS:
        conn.execute(
            "INSERT INTO current_state (marketplace_id, asin, item_condition, audience, seller_id,"
            " severity, severity_policy, severity_reasons, trace_id, worker_id, updated_at, version)"
            " VALUES (%s, %s, 'new', 'consumer', 'S1', 'info', 'full', '{}', 't', 'w', now(), 1)",
            (GB, asin),
        )
    keys = [(GB, asin) for asin in BACKWARDS]
    assert takes_the_last_as_the_last("current_state", of(LAST), products.lock_states, keys)


@pytest.mark.parametrize("by", ["ids", "subjects"])
def test_the_alerts_of_a_t2_and_of_the_clock(conn, takes_the_last_as_the_last, by):
    ids = [add_alert(conn, asin) for asin in BACKWARDS]
    subjects = column(conn, "SELECT subject_key FROM alerts ORDER BY id")
    doing, keys = {
        "ids": (alerts.lock_alerts, ids),
        "subjects": (alerts.lock_newest_alerts, subjects),
    }[by]
    assert takes_the_last_as_the_last("alerts", of(LAST), doing, keys)


def test_the_alerts_that_somebody_acts_on(conn, takes_the_last_as_the_last):
    """Not in that of their ids: an analysis takes them by their subjects."""
    ids = [add_alert(conn, asin) for asin in BACKWARDS]
    doing = {"who": "ann", "note": "mine", "now": NOW}
    assert takes_the_last_as_the_last("alerts", of(LAST), acts.note_alerts, ids, **doing)


def test_the_alerts_that_a_change_of_the_settings_concerns(conn, takes_the_last_as_the_last):
    for asin in BACKWARDS:
        add_alert(conn, asin, due_at=NOW)
    change, anything = alert_reading.change_alert_settings, {"burst_limit": 5}
    assert takes_the_last_as_the_last("alerts", of(LAST), change, anything)


@pytest.mark.parametrize("table", ["alert_queues", "alert_deliveries"])
def test_what_an_act_holds_back(conn, takes_the_last_as_the_last, table):
    alert = add_alert(conn)
    for number in (3, 2, 1):
        rows.delivery(conn, rows.message(conn, alert, id=number), id=number)
    doing = {"who": "ann", "note": None, "now": NOW}
    assert takes_the_last_as_the_last(table, "id = 3", _acknowledge, alert, **doing)


def _acknowledge(conn, alert, **doing):
    return act(acts.acknowledge_alerts, conn, alert, **doing)


def test_what_waits_for_a_route_that_is_off(conn, takes_the_last_as_the_last):
    add_route(conn)
    conn.execute("UPDATE alert_routes SET enabled = false")
    (route,) = column(conn, "SELECT id FROM alert_routes")
    alert = add_alert(conn)
    for number in (3, 2, 1):
        rows.delivery(conn, rows.message(conn, alert, id=number), route_id=route)
    assert takes_the_last_as_the_last(
        "alert_queues",
        "id = 3",
        delivery.cancel_stranded_deliveries,
        reason="off",
    )


def test_who_closes_a_route_while_somebody_acts_on_what_waits_for_it(conn, open_connection):
    """The act takes the message and then its delivery: the other way round is a deadlock."""
    add_route(conn)
    (route,) = column(conn, "SELECT id FROM alert_routes")
    alert = add_alert(conn)
    rows.delivery(conn, rows.message(conn, alert), route_id=route)
    operator, colleague = begin(open_connection()), open_connection()
    cancelled = routes.cancel_route_deliveries(operator, route, reason="off")
    acting = Background(_acknowledge, colleague, alert, who="ann", note=None, now=NOW)
    acting.until_blocked(conn)
    delivery.fail_messages(operator, cancelled)
    operator.commit()
    assert acting.result().done
    assert column(conn, "SELECT status FROM alert_queues") == ["failed"]
