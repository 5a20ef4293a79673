"""From a market to what somebody is told, through the real parts: and `why` says what became of it."""

from __future__ import annotations

import pytest

from tests.alerting import Story
from tests.delivery import add_route, channels, deliver_all, desk, dispatch
from tests.receivers import HttpReceiver


@pytest.fixture
def story(conn):
    return Story(conn)


@pytest.fixture
def why(story, buybox_alerts):
    def ask(kind="price"):
        done = buybox_alerts("why", story.newest(kind)["id"])
        assert done.exit_code == 0, done.output
        return done.output

    return ask


def test_a_critical_one_is_delivered_at_once_and_why_names_the_receiver(
    story, why, receive, pool, clock
):
    receiver = receive(HttpReceiver, 200)
    add_route(story.conn, address=receiver.address())
    story.see("critical", 0)
    dispatch(story.conn, story.at(0))
    clock.now = story.at(0)
    assert deliver_all(pool, desk(channels(), clock)) == 1
    alert = story.newest()
    assert (alert["attention"], alert["delivered_at"]) == ("delivered", story.at(0))
    assert len(receiver.posts) == 1
    text = why()
    assert "so: told" in text, text


def test_a_warning_waits_for_its_batch_and_why_says_until_when(story, why):
    story.see("warning", 0)
    text = why()
    assert "so: not told yet: queue: standard, batch" in text
    due = story.rows("SELECT min(scheduled_at) AS at FROM alert_queues")[0]["at"]
    assert f"{due:%H:%M}" in text


def test_a_muted_one_is_suppressed_and_why_says_by_what(story, why):
    story.see("critical", 0, suppressed=True)
    assert story.newest("buy-box-suppressed")["severity"] == "high"
    (message,) = story.rows("SELECT status, reason FROM alert_queues WHERE severity = 'critical'")
    assert message["status"] == "suppressed"
    assert "nobody has it" in message["reason"]
    text = why()
    assert "so: not told: inhibition" in text, text
    assert "nobody has it" in text
