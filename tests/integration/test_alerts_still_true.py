"""An alert whose place another takes: what the one owes to the other, and to people."""

from __future__ import annotations

import pytest

from db.acts import resolve_alerts
from tests.alerting import Story
from tests.factories import GB
from worker.alerts.storing import record_delivery


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


@pytest.mark.parametrize("heard", [True, False])
def test_who_heard_of_the_warning_hears_that_what_it_became_is_over(story, heard):
    story.see("warning", 0)
    if heard:
        record_delivery(story.conn, [story.newest()["id"]], "mail", story.at(6))
    story.see("critical", 10, suppressed=True)  # told of the cause alone
    assert story.newest()["last_told_at"] is None
    story.see("success", 20)
    story.tick(26)
    (cleared,) = story.rows(
        "SELECT e.told, e.quiet FROM alert_events e JOIN alerts a ON a.id = e.alert_id"
        " WHERE e.change = 'cleared' AND a.kind = 'price'"
    )
    assert cleared == (
        {"told": "cleared", "quiet": None} if heard else {"told": None, "quiet": "never-told"}
    )


def test_a_message_that_arrives_after_the_end_of_one_of_its_alerts_is_recorded_for_the_others(
    story,
):
    """Or its courier would fail, and send it again and again."""
    story.see("critical", 0)
    resolve(story, 1)
    over = story.newest()
    other = Story(story.conn, asin="B0OTHER001")
    other.see("critical", 1)
    there = other.newest()["id"]
    changed = record_delivery(story.conn, [over["id"], there], "mail", story.at(2))
    assert changed == [(f"{GB}:{other.asin}", "critical")]
    first, second = story.alerts()
    assert (first, second["delivered_at"]) == (over, story.at(2))


def test_with_the_longest_settings_everything_is_still_worked(story):
    story.execute(
        "UPDATE alert_settings SET clear_hold = '366 days', dedupe_window = '366 days',"
        " repeat_interval = '366 days', snooze_max = '366 days', escalate_after = '366 days',"
        " escalation_limit = '366 days', auto_resolve_after = '366 days',"
        " flapping_horizon = '366 days', burst_window = '366 days', batch_every = '366 days'"
    )
    for minute, severity in enumerate(("critical", "success", "warning", "high", "success")):
        story.see(severity, minute)
        story.tick(minute)
    assert story.newest()["severity"] == "critical"
    assert not story.rows("SELECT FROM worker_failures")


def test_one_that_cleared_while_unstable_leaves_the_remark_to_its_successor(story):
    """Each clear has held, so each relapse is an alert of its own; the last one is still true."""
    for minute in range(0, 84, 12):
        story.see("critical", minute)
        story.see("success", minute + 6)
        story.tick(minute + 11)
    story.see("critical", 84)
    *_, before, after = story.alerts()
    assert (before["condition"], after["condition"]) == ("cleared", "firing")
    assert after["unstable_since"] is not None
    assert (before["unstable_since"], before["due_at"]) == (None, None)
    for minute in range(85, 240, 5):
        story.tick(minute)
    assert [reason for reason, _ in settled(story)] == ["stable again: critical"]
