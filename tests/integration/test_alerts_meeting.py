"""Workers, clocks and people at one alert at once: two connections, interleaved by hand."""

from __future__ import annotations

import psycopg
import pytest

from db import acts
from db import alerts as sql
from tests.acting import act
from tests.alerting import Story
from tests.interleave import Background, begin
from worker.alerts.storing import record_delivery


@pytest.fixture
def story(conn):
    return Story(conn)


@pytest.fixture
def other(open_connection):
    """Somebody else's connection, in a transaction that the test commits."""
    return begin(open_connection())


@pytest.fixture
def observer(database_url):
    with psycopg.connect(database_url, autocommit=True) as found:
        yield found


def acknowledge(conn, story, minutes):
    number = story.newest()["id"]
    return act(acts.acknowledge_alerts, conn, number, who="ann", note=None, now=story.at(minutes))


def snooze(conn, story, minutes, number):
    return act(acts.snooze_alerts, conn, number, who="ann", length=None, now=story.at(minutes))


def messages(story, tell):
    return story.rows("SELECT status, reason FROM alert_queues WHERE tell = %s ORDER BY id", tell)


# two workers --------------------------------------------------------------------------------------


def test_two_workers_at_one_product_raise_one_alert(story, other, observer):
    story.see("success", 0)
    story.file("critical", 1)
    assert story.work(1, other).processed == 1
    story.file("critical", 2)
    second = Background(story.work, 2).until_blocked(observer)
    other.commit()
    assert second.result().processed == 1
    (alert,) = story.alerts()
    assert alert["occurrences"] == 2
    assert [told for _, told in story.told()] == ["raised"]


def test_a_worker_that_dies_leaves_the_alert_to_the_other(story, other, observer):
    story.see("success", 0)
    story.file("critical", 1)
    story.work(1, other)
    story.file("critical", 2)
    second = Background(story.work, 2).until_blocked(observer)
    other.close()
    second.result()
    story.work(3)
    (alert,) = story.alerts()
    assert [told for _, told in story.told()] == ["raised"]
    assert story.rows("SELECT id FROM worker_notifications WHERE status = 'waiting'") == []
    assert alert["attention"] == "new"


# an acknowledgement and an escalation -------------------------------------------------------------


def test_an_alert_that_somebody_is_acknowledging_is_not_escalated(story, other):
    story.see("critical", 0)
    assert acknowledge(other, story, 61).done
    assert story.tick(61) == 0
    other.commit()
    story.tick(62)
    assert [told for _, told in story.told()] == ["raised"]
    assert story.newest()["escalation_level"] == 0


def test_an_acknowledgement_that_comes_during_an_escalation_takes_its_message_back(
    story, other, observer
):
    story.see("critical", 0)
    assert story.tick(61, other) == 1
    second = Background(acknowledge, story.conn, story, 61).until_blocked(observer)
    other.commit()
    assert second.result().done
    alert = story.newest()
    assert (alert["escalation_level"], alert["attention"]) == (1, "reviewing")
    (message,) = messages(story, "escalated")
    assert message["status"] == "suppressed"
    assert "acknowledged by ann" in message["reason"]
    story.tick(125)
    assert [told for _, told in story.told()] == ["raised", "escalated"]


# a delivery and an acknowledgement ----------------------------------------------------------------


def test_a_delivery_recorded_during_an_acknowledgement_takes_nothing_from_it(
    story, other, open_connection, observer
):
    story.see("critical", 0)
    number = story.newest()["id"]
    assert acknowledge(other, story, 1).done
    courier = begin(open_connection())
    record = Background(record_delivery, courier, [number], "mail", story.at(1))
    record.until_blocked(observer)
    other.commit()
    record.result()
    courier.commit()
    alert = story.newest()
    assert (alert["attention"], alert["acknowledged_by"]) == ("reviewing", "ann")
    assert alert["delivered_at"] == story.at(1)


# many alerts at once ------------------------------------------------------------------------------


@pytest.mark.parametrize("raised", [("B000000001", "B000000002"), ("B000000002", "B000000001")])
@pytest.mark.parametrize("by", ["subjects", "ids"])
def test_many_are_locked_in_the_order_of_their_subjects(
    conn, other, open_connection, observer, raised, by
):
    """Whoever locks some of the same meets the other at the first and waits, without a deadlock."""
    for asin in raised:
        Story(conn, asin=asin).see("critical", 0)
    found = conn.execute("SELECT subject_key, id FROM alerts ORDER BY subject_key").fetchall()
    (first, first_id), (last, last_id) = found
    other.execute("SELECT FROM alerts WHERE id = %s FOR UPDATE", (first_id,))
    locker = begin(open_connection())
    if by == "subjects":
        locking = Background(sql.lock_newest_alerts, locker, [last, first])
    else:
        locking = Background(sql.lock_alerts, locker, [last_id, first_id])
    locking.until_blocked(observer)
    observer.execute("SELECT FROM alerts WHERE id = %s FOR UPDATE NOWAIT", (last_id,))
    other.commit()
    assert [row.id for row in locking.result()] == [first_id, last_id]


# a snooze and a rise ------------------------------------------------------------------------------


def test_a_snooze_that_comes_during_a_rise_is_told_what_happened(story, other, observer):
    story.see("warning", 0)
    number = story.newest()["id"]
    story.file("critical", 1)
    story.work(1, other)
    second = Background(snooze, story.conn, story, 1, number).until_blocked(observer)
    other.commit()
    outcome = second.result()
    assert (outcome.done, outcome.code) == (False, "superseded")
    assert f"#{story.newest()['id']}" in outcome.message
    assert story.newest()["snooze_until"] is None


def test_a_rise_that_comes_during_a_snooze_gets_through(story, other, observer):
    story.see("warning", 0)
    assert snooze(other, story, 1, story.newest()["id"]).done
    story.file("critical", 2)
    second = Background(story.work, 2).until_blocked(observer)
    other.commit()
    assert second.result().processed == 1
    old, new = story.alerts()
    assert (old["resolution"], new["severity"]) == ("superseded", "critical")
    assert new["snooze_until"] is None
    (told,) = messages(story, "rose")
    assert told["status"] == "queued"
    ended = story.rows("SELECT ended FROM alert_events WHERE change = 'superseded'")
    assert ended == [{"ended": ["snooze"]}]
