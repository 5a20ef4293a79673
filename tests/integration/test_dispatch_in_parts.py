"""Dispatch of more than it can take at once: a batch or digest is one mail all the same."""

from __future__ import annotations

import pytest

from tests.delivery import (
    MINUTE,
    NOW,
    SECOND,
    add_alert,
    add_message,
    add_route,
    deliveries,
    dispatch,
    items,
)
from tests.interleave import begin, column


@pytest.mark.parametrize("reach", ["batch", "digest"])
def test_what_the_first_dispatch_could_not_take_is_in_the_same_message(
    conn, open_connection, monkeypatch, reach
):
    """More than a transaction takes, and one that an analysis holds at that moment."""
    monkeypatch.setattr("worker.delivery.dispatch.MAX_MESSAGES", 3)
    add_route(conn, "daily", "mailto:ann@example.com", reaches=[reach])
    alerts = [add_alert(conn, f"B0EARLY00{n}", "warning") for n in range(8)]
    for alert in alerts:
        add_message(conn, alert, reach)
    analysis = begin(open_connection())
    analysis.execute("SELECT 1 FROM alerts WHERE id = %s FOR UPDATE", (alerts[0],))
    for seconds in range(3):
        assert dispatch(conn, NOW + seconds * SECOND).more
    analysis.rollback()
    assert not dispatch(conn, NOW + 3 * SECOND).more
    assert [items(conn, number) for number in deliveries(conn, "id")] == [8]
    add_message(conn, alerts[0], reach, at=NOW + MINUTE)
    dispatch(conn, NOW + MINUTE)
    assert [items(conn, number) for number in deliveries(conn, "id")] == [8, 1]


def test_a_mail_of_more_than_one_dispatch_takes_is_one_mail(conn, monkeypatch):
    """Of several, each would name a part of the products as if that were the day."""
    monkeypatch.setattr("worker.delivery.dispatch.MAX_MESSAGES", 5)
    add_route(conn, "ann", "mailto:ann@example.com", reaches=["digest", "batch"])
    add_route(conn, "hook", reaches=["digest"])
    for n in range(12):
        add_message(conn, add_alert(conn, f"B0DIGEST{n:02d}", severity="warning"), "digest")
    add_message(conn, add_alert(conn, "B0BATCH001", severity="warning"), "batch", at=NOW - SECOND)
    rounds = [dispatch(conn, NOW + n * SECOND).more for n in range(3)]
    assert rounds == [True, True, False]
    found = {
        (route, reach, items(conn, number))
        for number, route, reach in deliveries(conn, "id", "route_name", "reach")
    }
    assert found >= {("ann", "digest", 12), ("ann", "batch", 1)}
    # a program gets them all, in posts of a size that its server takes
    assert sorted(count for route, _, count in found if route == "hook") == [3, 4, 5]
    (due_at,) = column(conn, "SELECT max(due_at) FROM alert_deliveries WHERE reach = 'digest'"
                             " AND route_name = 'ann'")  # fmt: skip
    assert NOW < due_at <= NOW + MINUTE


def test_a_program_too_gets_in_one_post_what_an_analysis_holds_for_a_moment(conn, open_connection):
    add_route(conn, "hook", reaches=["batch"])
    alerts = [add_alert(conn, f"B0BATCH00{n}", "warning") for n in range(2)]
    for alert in alerts:
        add_message(conn, alert, "batch")
    analysis = begin(open_connection())
    analysis.execute("SELECT 1 FROM alerts WHERE id = %s FOR UPDATE", (alerts[0],))
    dispatch(conn)
    analysis.rollback()
    dispatch(conn, NOW + SECOND)
    assert [items(conn, number) for number in deliveries(conn, "id")] == [2]


def test_a_digest_that_one_dispatch_takes_goes_at_once(conn):
    add_route(conn, "ann", "mailto:ann@example.com", reaches=["digest"])
    add_message(conn, add_alert(conn, severity="warning"), "digest")
    dispatch(conn)
    assert deliveries(conn, "due_at", "joins_key") == [(NOW, None)]
