"""Dispatch: who hears of what is due, in one transaction, and what waits."""

from __future__ import annotations

import json
from datetime import time

import pytest

from tests.delivery import (
    DE,
    HOUR,
    MINUTE,
    NOW,
    SECOND,
    add_alert,
    add_message,
    add_route,
    deliveries,
    delivery_jobs,
    dispatch,
    items,
    statuses,
)
from tests.factories import GB
from tests.interleave import Background, Ear, begin, column


def products(conn, count, *, at=NOW, first=0, marketplace=GB):
    """Critical messages about so many products."""
    for n in range(first, first + count):
        alert = add_alert(conn, f"B0BURST{n:03d}", at=at, marketplace_id=marketplace)
        add_message(conn, alert, at=at)


# the dashboard ------------------------------------------------------------------------------------


def test_without_a_route_the_dashboard_has_it_when_the_transaction_ends(conn, open_connection):
    ear = Ear(open_connection, "buybox_alerts")
    alert = add_alert(conn)
    add_message(conn, alert)
    assert dispatch(conn).messages == 1
    assert statuses(conn) == ["delivered"]
    assert conn.execute(
        "SELECT channel, reach, status, delivered_at FROM alert_deliveries"
    ).fetchall() == [("dashboard", "immediate", "delivered", NOW)]
    (bell,) = ear.heard()
    assert json.loads(bell.payload) == {
        "v": 1, "changed": [[f"{GB}:B0ALERTS01", "critical"]], "more": False,
    }  # fmt: skip
    row = conn.execute("SELECT attention, delivered_at, timeout_from FROM alerts").fetchone()
    assert row == ("delivered", NOW, NOW)
    assert column(conn, "SELECT change FROM alert_events") == ["delivered"]


def test_the_bell_calls_all_clear_what_the_state_s_bell_does(conn, open_connection):
    ear = Ear(open_connection, "buybox_alerts")
    add_message(conn, add_alert(conn), tell="cleared", severity=None)
    dispatch(conn)
    (bell,) = ear.heard()
    assert json.loads(bell.payload)["changed"] == [[f"{GB}:B0ALERTS01", "success"]]


def test_what_is_rolled_back_was_never_dispatched(conn, open_connection):
    add_message(conn, add_alert(conn))
    ear = Ear(open_connection, "buybox_alerts")
    with conn.transaction(force_rollback=True):
        dispatch(conn)
    assert (statuses(conn), deliveries(conn, "id"), ear.heard()) == (["queued"], [], [])


def test_what_is_not_due_waits(conn):
    add_message(conn, add_alert(conn), at=NOW + SECOND)
    assert dispatch(conn).messages == 0
    assert statuses(conn) == ["queued"]
    assert dispatch(conn, NOW + SECOND).messages == 1


def test_high_goes_to_the_dashboard_only(conn):
    add_route(conn)
    add_message(conn, add_alert(conn, severity="high"), "dashboard")
    dispatch(conn)
    assert deliveries(conn, "id") == []
    (reason,) = column(conn, "SELECT reason FROM alert_queues")
    assert "to dashboard; ops: such messages go to the dashboard only" in reason


def test_history_goes_to_nobody_and_holds_nothing_up(conn):
    add_route(conn)
    add_message(conn, add_alert(conn), "history", severity="success")
    add_message(conn, add_alert(conn, "B0LATER001"), "history", at=NOW + SECOND)
    assert dispatch(conn).messages == 0
    assert (statuses(conn), deliveries(conn, "id")) == (["delivered", "queued"], [])


# routes -------------------------------------------------------------------------------------------


def test_each_route_gets_a_row_and_a_job_in_the_same_transaction(conn):
    add_route(conn, "chat")
    add_route(conn, "night", "mailto:ann@example.com", severities=["warning"])
    add_message(conn, add_alert(conn))
    dispatch(conn)
    assert deliveries(conn, "route_name", "channel", "status", "due_at") == [
        ("chat", "apprise", "queued", NOW)
    ]
    assert delivery_jobs(conn) == [("deliver_alert", None)]
    (reason,) = column(conn, "SELECT reason FROM alert_queues")
    assert reason == "a test; to dashboard, chat; night: not for critical"


def test_a_second_dispatch_finds_nothing(conn):
    add_route(conn)
    add_message(conn, add_alert(conn))
    assert dispatch(conn).deliveries == 2
    assert dispatch(conn).deliveries == 0


def test_a_tag_of_the_product_lets_a_message_through(conn):
    add_route(conn, tags=["shoes"])
    add_message(conn, add_alert(conn, "B0TAGGED01"))
    add_message(conn, add_alert(conn, "B0PLAIN001"))
    conn.execute(
        "INSERT INTO products (seller_id, marketplace_id, asin, item_condition, fulfilment_channel,"
        " currency, tags, updated_at)"
        " SELECT CASE asin WHEN 'B0TAGGED01' THEN seller_id ELSE 'ANOTHERSELLER' END,"
        " marketplace_id, asin, 'new', 'amazon', 'GBP', '{shoes,red}', now() FROM alerts"
    )
    dispatch(conn)
    (delivery,) = deliveries(conn, "id")
    query = "SELECT asin FROM alert_delivery_items JOIN alert_queues ON id = queue_id WHERE delivery_id = %s"
    assert column(conn, query, delivery) == ["B0TAGGED01"]


def test_a_batch_is_one_message_a_route_and_a_digest_needs_a_route(conn):
    add_route(conn, "chat")
    for n in range(5):
        alert = add_alert(conn, f"B0BATCH00{n}", "warning")
        add_message(conn, alert, "batch")
        add_message(conn, alert, "digest")
    dispatch(conn)
    assert deliveries(conn, "reach", "heading") == [("batch", "5 messages about 5 products")]
    assert statuses(conn) == ["delivered", "suppressed"] * 5
    (reason,) = set(column(conn, "SELECT reason FROM alert_queues WHERE reach = 'digest'"))
    assert reason == "a test; no route takes it; chat: takes no digest messages"


def test_a_message_for_a_digest_stays_queued_until_a_route_has_it(conn):
    add_route(conn, "daily", reaches=["digest"])
    add_message(conn, add_alert(conn, severity="warning"), "digest")
    dispatch(conn)
    assert (statuses(conn), deliveries(conn, "reach")) == (["queued"], ["digest"])
    again = dispatch(conn)
    assert (again.messages, again.more) == (0, False), "or it would be looked for every second"


# quiet hours --------------------------------------------------------------------------------------

NIGHT = {"quiet_from": time(22), "quiet_to": time(7), "quiet_zone": "Europe/London"}


def test_quiet_hours_hold_back_all_but_critical_and_nothing_is_lost(conn):
    late = NOW.replace(hour=23)
    add_route(conn, **NIGHT)
    for n, severity in enumerate(["critical", "warning", "warning"]):
        reach = "immediate-channels" if severity == "critical" else "batch"
        add_message(conn, add_alert(conn, f"B0QUIET00{n}", severity, at=late), reach, at=late)
    dispatch(conn, late)
    morning = late + 8 * HOUR
    assert deliveries(conn, "reach", "due_at", "next_attempt_at") == [
        ("immediate", late, late),
        ("batch", morning, morning),
    ]
    assert delivery_jobs(conn) == [("deliver_alert", None), ("deliver_alert", morning)]


@pytest.mark.parametrize("zone", ["PST", "europe/london"])
def test_a_zone_that_only_postgres_knows_stops_nobody_s_messages(conn, zone):
    """Its quiet hours are read in UTC; so is the hour of the digest."""
    late = NOW.replace(hour=23)
    add_route(conn, "night-shift", **NIGHT | {"quiet_zone": zone})
    add_route(conn, "awake")
    conn.execute("UPDATE alert_settings SET digest_zone = %s", (zone,))
    add_message(conn, add_alert(conn, severity="high", at=late), at=late)
    dispatch(conn, late)
    told = dict(deliveries(conn, "route_name", "due_at"))
    assert told == {"night-shift": late + 8 * HOUR, "awake": late}


@pytest.mark.parametrize("tell", ["timed-out", "settled"])
def test_nobody_is_woken_by_a_batch_however_bad_it_was(conn, tell):
    """A critical alert that nobody follows any longer, a day after it came in the night."""
    late = NOW.replace(hour=23)
    add_route(conn, reaches=["batch", "digest"], **NIGHT)
    alert = add_alert(conn, severity="critical", at=late)
    for reach in ("batch", "digest"):
        add_message(conn, alert, reach, tell=tell, at=late)
        add_message(conn, add_alert(conn, f"B0{reach}", "warning", at=late), reach, at=late)
    dispatch(conn, late)
    morning = late + 8 * HOUR
    assert deliveries(conn, "reach", "due_at") == [("batch", morning), ("digest", morning)]


def test_what_comes_later_in_the_quiet_hours_joins_what_waits(conn):
    late = NOW.replace(hour=23)
    add_route(conn, **NIGHT)
    for n in range(3):
        at = late + n * HOUR
        add_message(conn, add_alert(conn, f"B0QUIET00{n}", "warning", at=at), "batch", at=at)
        dispatch(conn, at)
    ((delivery, due),) = deliveries(conn, "id", "due_at")
    assert (due, items(conn, delivery)) == (late + 8 * HOUR, 3)
    assert len(delivery_jobs(conn)) == 1


def a_night(conn, *, hour, asin):
    """A warning that the route's quiet hours hold back."""
    at = NOW.replace(hour=23) + hour * HOUR
    add_message(conn, add_alert(conn, asin, "warning", at=at), "batch", at=at)
    return at


def test_nothing_joins_what_somebody_has_cancelled(conn):
    add_route(conn, **NIGHT)
    at = a_night(conn, hour=0, asin="B0QUIET000")
    dispatch(conn, at)
    conn.execute("UPDATE alert_deliveries SET status = 'cancelled' WHERE channel <> 'dashboard'")
    at = a_night(conn, hour=1, asin="B0QUIET001")
    dispatch(conn, at)
    assert deliveries(conn, "status") == ["cancelled", "queued"]


def test_nothing_joins_what_somebody_is_cancelling(conn, open_connection):
    add_route(conn, **NIGHT)
    at = a_night(conn, hour=0, asin="B0QUIET000")
    dispatch(conn, at)
    person = begin(open_connection())
    person.execute("UPDATE alert_deliveries SET status = 'cancelled' WHERE channel <> 'dashboard'")
    at = a_night(conn, hour=1, asin="B0QUIET001")
    dispatch(open_connection(autocommit=True, lock_timeout="2s"), at)
    person.commit()
    assert deliveries(conn, "status") == ["cancelled", "queued"]


# bursts -------------------------------------------------------------------------------------------


def test_a_burst_seen_at_once_is_one_message_at_once(conn):
    add_route(conn)
    products(conn, 30)
    products(conn, 1, first=90, marketplace=DE)
    dispatch(conn)
    assert sorted(items(conn, d) for d in deliveries(conn, "id")) == [1, 30]
    assert set(deliveries(conn, "due_at")) == {NOW}


def test_a_burst_that_trickles_in_is_a_few_alone_and_then_one_list_a_window(conn):
    add_route(conn)
    for n in range(60):
        at = NOW + n * SECOND
        products(conn, 1, first=n, at=at)
        dispatch(conn, at)
    sizes = [items(conn, d) for d in deliveries(conn, "id")]
    assert sizes == [1] * 20 + [30, 10]
    first_list, second_list = deliveries(conn, "due_at")[-2:]
    assert first_list == NOW + 20 * SECOND + 30 * SECOND
    assert second_list == first_list + 5 * MINUTE
    assert sum(sizes) == 60


def test_half_a_burst_is_never_sent_by_two_dispatchers(conn, open_connection):
    add_route(conn)
    products(conn, 15)
    first, second = begin(open_connection()), open_connection()
    dispatch(first)
    products(conn, 15, first=50)
    waiting = Background(dispatch, second).until_blocked(conn)
    first.commit()
    assert waiting.result().messages == 15
    second.commit()
    assert sorted(items(conn, d) for d in deliveries(conn, "id")) == [1] * 15 + [15]


# people at work -----------------------------------------------------------------------------------


def test_what_a_person_holds_is_passed_over_and_looked_at_again_a_second_later(
    conn, open_connection
):
    add_route(conn)
    held = add_alert(conn, "B0HELD0001")
    add_message(conn, held)
    add_message(conn, add_alert(conn, "B0FREE0001"))
    person = begin(open_connection())
    person.execute("SELECT 1 FROM alerts WHERE id = %s FOR UPDATE", (held,))
    done = dispatch(conn)
    assert (done.messages, done.more) == (1, True)
    assert deliveries(conn, "due_at") == [NOW], "the other one is in a hurry all the same"
    assert ("dispatch_alerts", NOW + SECOND) in delivery_jobs(conn)
    person.execute("UPDATE alert_queues SET status = 'suppressed' WHERE alert_id = %s", (held,))
    person.commit()
    assert dispatch(conn, NOW + SECOND).messages == 0
    assert statuses(conn) == ["suppressed", "delivered"]


def test_a_route_cannot_go_while_its_deliveries_are_written(conn, open_connection):
    add_route(conn)
    add_message(conn, add_alert(conn))
    dispatcher, remover = begin(open_connection()), open_connection()
    dispatch(dispatcher)
    lock = "SELECT 1 FROM alert_routes WHERE name = 'ops' FOR UPDATE"
    removing = Background(remover.execute, lock).until_blocked(conn)
    dispatcher.commit()
    removing.result()
    assert deliveries(conn, "status") == ["queued"]


@pytest.mark.parametrize("status", ["suppressed", "snoozed"])
def test_what_an_act_took_back_is_not_sent(conn, status):
    add_route(conn)
    add_message(conn, add_alert(conn), status=status)
    assert dispatch(conn).messages == 0
    assert deliveries(conn, "id") == []
