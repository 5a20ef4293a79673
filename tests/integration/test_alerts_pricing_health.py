"""Alerts of PRICING_HEALTH: Amazon says it once, and offers say neither that it lasts nor its end."""

from __future__ import annotations

import pytest

from db.acts import resolve_alerts
from tests.alerting import Story, market_time
from tests.factories import pricing_health
from tests.interleave import deliver, letter
from worker.alerts.storing import record_delivery

KIND = "pricing-health"


@pytest.fixture
def story(conn):
    return Story(conn)


def disqualify(story, minute):
    """Amazon says that the own offer is not featured because of its price."""
    message = pricing_health(asin=story.asin, event_time=market_time(story.at(minute)))
    deliver(story.conn, letter(message))
    assert story.work(minute).processed == 1


def close_by_hand(story, minute):
    resolve_alerts(story.conn, [story.newest(KIND)["id"]], who="ann", now=story.at(minute))


def run_out_of_time(story, minute):
    story.execute("UPDATE alert_settings SET auto_resolve_after = '1 minute'")
    record_delivery(story.conn, [story.newest(KIND)["id"]], "mail", story.at(minute - 1))
    story.tick(minute)


def told(story, kind=KIND):
    """(minute, message) of what people were told of alerts of this kind."""
    events = story.rows(
        "SELECT e.at, e.told FROM alert_events AS e JOIN alerts AS a ON a.id = e.alert_id"
        " WHERE a.kind = %s AND e.told IS NOT NULL ORDER BY e.id",
        kind,
    )
    return [((row["at"] - story.begin).total_seconds() / 60, row["told"]) for row in events]


def test_messages_about_offers_do_not_say_it_again(story):
    disqualify(story, 0)
    for minute in (60, 120, 180):
        story.see("high", minute)
    alert = story.newest(KIND)
    assert (alert["occurrences"], alert["last_seen"]) == (1, story.at(0))
    assert alert["facts"]["market_low"] == "24.00", "what it is worth knowing is kept up"
    disqualify(story, 200)
    alert = story.newest(KIND)
    assert (alert["occurrences"], alert["last_seen"]) == (2, story.at(200))
    assert told(story) == [(0, "raised"), (200, "seen-again")]


@pytest.mark.parametrize("end", [close_by_hand, run_out_of_time])
def test_what_ended_without_a_clear_comes_back_when_amazon_says_it_again(story, end):
    disqualify(story, 0)
    end(story, 10)
    story.see("high", 60)
    assert [row["attention"] for row in story.alerts(KIND)] == ["resolved"]
    disqualify(story, 70)
    assert [row["attention"] for row in story.alerts(KIND)] == ["resolved", "new"]
    assert told(story)[-1] == (70, "still-true")


@pytest.mark.parametrize("end", [close_by_hand, run_out_of_time])
def test_the_price_alerts_are_muted_no_longer_than_it_is_open(story, end):
    """Or for ever: an offer that is undercut does not win, and nothing else takes it back."""
    disqualify(story, 0)
    story.see("critical", 5)
    assert told(story, "price") == []
    end(story, 10)
    story.see("critical", 60)
    assert told(story, "price") == [(60, "raised")]
    disqualify(story, 70)
    story.see("critical", 71)
    assert "PRICING_HEALTH" in story.newest()["inhibited_by"]


def test_an_own_winner_clears_it_even_after_it_was_closed(story):
    disqualify(story, 0)
    close_by_hand(story, 10)
    story.see("success", 60)
    story.tick(66)
    assert story.newest(KIND)["condition"] == "cleared"
