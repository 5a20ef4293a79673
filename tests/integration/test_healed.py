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
