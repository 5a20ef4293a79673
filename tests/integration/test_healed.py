"""What healed before anybody looked at it, for the digest: only a clear counts, from its end on."""

from __future__ import annotations

import pytest

from db.delivery import read_healed
from tests import alert_rows as rows
from tests.alerts import (
    HOUR,
    MINUTE,
    NOW,
    SETTINGS,
    delivered,
    ended,
    falling,
    reviewing,
    sighting,
    snoozed,
)
from tests.delivery import add_route
from tests.interleave import column
from worker.alerts.events import Tick
from worker.alerts.lifecycle import advance
from worker.alerts.settings import AlertSettings


def healed_unseen(conn, since, until):
    """The ids of the alerts that a route without filters would be told of."""
    add_route(conn)
    (route,) = column(conn, "SELECT id FROM alert_routes")
    found = read_healed(conn, route, not_before=since, until=until, max_alerts=9)
    return [one.alert_id for one in found]


def test_healed_unseen_is_what_cleared_before_anybody_did_anything(conn):
    rows.store(conn, delivered(id=1))
    rows.store(conn, ended("cleared", acknowledged_by="ann", looked_at=NOW - HOUR, id=2))
    rows.store(conn, ended("cleared", ago=25 * HOUR, id=3))
    rows.store(conn, ended("timeout", id=4))
    rows.store(conn, ended("manual", id=5))
    healed = rows.store(conn, ended("cleared", ago=HOUR, id=6))
    assert healed_unseen(conn, NOW - 24 * HOUR, NOW) == [healed]


@pytest.mark.parametrize(
    "before", [reviewing(), snoozed(looked_at=NOW - HOUR)], ids=["ack", "snooze"]
)
def test_the_first_act_of_a_person_is_looking(conn, before):
    at_once = AlertSettings(clear_hold=0 * MINUTE)
    cleared = advance(before, sighting("success"), NOW, at_once).alert
    assert cleared.resolution == "cleared"
    rows.store(conn, cleared)
    assert healed_unseen(conn, NOW - HOUR, NOW + HOUR) == []


@pytest.mark.parametrize(("hours", "told"), [(2, True), (1, False)])
def test_what_healed_is_told_in_the_digest_after_its_end(conn, hours, told):
    cleared = advance(falling(), Tick(), NOW + HOUR, SETTINGS).alert
    number = rows.store(conn, cleared)
    found = healed_unseen(conn, NOW, NOW + hours * HOUR)
    assert found == ([number] if told else [])


# which digest tells it ----------------------------------------------------------------------------


def add_digest(conn, status, *, due_at):
    """A digest of the only route that was due then."""
    conn.execute(
        "INSERT INTO alert_deliveries (route_id, route_name, channel, reach, heading, status, reason,"
        " due_at, created_at, delivered_at, next_attempt_at)"
        " SELECT r.id, r.name, r.channel, 'digest', '', %(status)s, '', %(due)s, %(due)s,"
        " CASE %(status)s WHEN 'delivered' THEN %(due)s END, %(due)s FROM alert_routes AS r",
        {"status": status, "due": due_at},
    )


def told(conn, until=NOW):
    (route,) = column(conn, "SELECT id FROM alert_routes")
    found = read_healed(conn, route, not_before=NOW - 26 * HOUR, until=until, max_alerts=9)
    return [one.alert_id for one in found]


@pytest.mark.parametrize("status", ["delivered", "queued", "failed", "cancelled"])
def test_what_an_earlier_digest_told_is_not_told_again_unless_it_did_not_arrive(conn, status):
    add_route(conn)
    before = rows.store(conn, ended("cleared", ago=3 * HOUR, id=1))
    after = rows.store(conn, ended("cleared", ago=HOUR, id=2))
    add_digest(conn, status, due_at=NOW - 2 * HOUR)
    arrives = status in {"delivered", "queued"}
    assert told(conn) == ([after] if arrives else [before, after])


def test_what_healed_at_the_moment_of_a_digest_is_told_by_one_of_the_two(conn):
    add_route(conn)
    healed = rows.store(conn, ended("cleared", ago=2 * HOUR, id=1))
    assert told(conn, until=NOW - 2 * HOUR) == []
    add_digest(conn, "delivered", due_at=NOW - 2 * HOUR)
    assert told(conn) == [healed]


def test_a_route_from_an_escalation_level_on_hears_of_what_came_so_far(conn):
    add_route(conn, min_escalation=1)
    rows.store(conn, ended("cleared", ago=2 * HOUR, id=1))
    escalated = rows.store(conn, ended("cleared", ago=HOUR, id=2, escalation_level=1))
    assert told(conn) == [escalated]


@pytest.mark.parametrize(("seller", "heard"), [(None, True), ("ANOTHERSELLER", False)])
def test_the_tags_are_those_of_the_seller_s_own_product(conn, seller, heard):
    add_route(conn, tags=["shoes"])
    healed = rows.store(conn, ended("cleared", ago=HOUR, id=1))
    conn.execute(
        "INSERT INTO products (seller_id, marketplace_id, asin, item_condition, fulfilment_channel,"
        " currency, tags, updated_at) SELECT COALESCE(%s, seller_id), marketplace_id, asin, 'new',"
        " 'amazon', 'GBP', '{shoes}', now() FROM alerts",
        (seller,),
    )
    assert told(conn) == ([healed] if heard else [])
