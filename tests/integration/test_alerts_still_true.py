"""An alert that was closed while it was true, and the one that takes its place."""

from __future__ import annotations

import pytest

from db.acts import resolve_alerts
from tests.alerting import Story


@pytest.fixture
def story(conn):
    return Story(conn)


def make_unstable(story):
    """Critical in the end, twelve changes in as many minutes."""
    for minute in range(13):
        story.see("success" if minute % 2 else "critical", minute)
    assert story.newest()["unstable_since"] is not None


def resolve(story, minute):
    resolve_alerts(story.conn, [story.newest()["id"]], who="ann", now=story.at(minute))


def settled(story):
    """(severity, told) of each remark that the product is stable again."""
    return [
        (row["reason"], row["told"])
        for row in story.rows(
            "SELECT reason, told FROM alert_events WHERE change = 'settled' ORDER BY id"
        )
    ]


def test_what_was_closed_while_it_was_true_is_no_all_clear_when_it_settles(story):
    make_unstable(story)
    resolve(story, 13)
    story.tick(14)
    story.tick(140)
    assert settled(story) == [("stable again: critical", None)]
    assert not story.rows("SELECT FROM alert_queues WHERE tell = 'settled'")


def test_the_one_that_takes_its_place_alone_says_that_it_has_settled(story):
    make_unstable(story)
    resolve(story, 13)
    story.tick(14)
    story.see("critical", 60)
    before, after = story.alerts()
    assert (before["superseded_by"], before["due_at"]) == (after["id"], None)
    for minute in range(61, 200, 5):
        story.tick(minute)
    assert [reason for reason, _ in settled(story)] == ["stable again: critical"]


def test_the_one_whose_place_was_taken_is_not_cleared_by_what_it_heard_before(story):
    story.see("critical", 0)
    resolve(story, 1)
    story.see("success", 40)
    story.see("critical", 43)
    for minute in range(44, 60):
        story.tick(minute)
    assert "cleared-later" not in story.changes()
    assert [row["condition"] for row in story.alerts()] == ["firing", "firing"]


def test_one_that_was_left_ticking_beside_its_successor_comes_to_rest(story):
    story.see("critical", 0)
    resolve(story, 1)
    story.see("critical", 40)
    old = story.alerts()[0]["id"]
    story.execute(
        "UPDATE alerts SET due_at = %s, below_critical_since = %s, below_high_since = %s,"
        " below_warning_since = %s WHERE id = %s",
        story.at(41),
        *[story.at(30)] * 3,
        old,
    )
    story.tick(42)
    assert (story.alerts()[0]["due_at"], story.alerts()[0]["condition"]) == (None, "firing")
