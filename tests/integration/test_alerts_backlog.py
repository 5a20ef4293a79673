"""Alerts of a backlog: hours of messages in one transaction, and who is called for them."""

from __future__ import annotations

import pytest

from tests.alerting import Story


@pytest.fixture
def story(conn):
    return Story(conn)


def backlog(story, *severities):
    """An hour of messages, ten minutes apart, analysed at once."""
    story.see("success", 0)
    for n, severity in enumerate(severities, 1):
        story.file(severity, n * 10)
    assert story.work(60).processed == len(severities)


def test_what_was_over_before_anybody_could_be_told_calls_nobody(story):
    backlog(story, "critical", "success")
    assert (story.newest()["owed"], story.newest()["condition"]) == ("raised", "firing")
    story.tick(65)
    assert story.newest()["resolution"] == "cleared"
    assert story.told() == []
    due = "SELECT tell FROM alert_queues WHERE status = 'queued' AND reach <> 'history'"
    assert story.rows(due) == []


@pytest.mark.parametrize("wait", [1, 4])
def test_what_is_bad_again_before_it_has_cleared_is_told_then(story, wait):
    backlog(story, "critical", "success")
    story.see("critical", 60 + wait)
    assert story.told() == [(60 + wait, "raised")]
    assert len(story.alerts()) == 1


@pytest.mark.parametrize(
    "severities", [("success", "critical"), ("warning", "unknown"), ("critical", "warning")]
)
def test_what_the_last_message_of_a_backlog_does_not_deny_is_told_at_once(story, severities):
    backlog(story, *severities)
    assert story.told() == [(60, "raised")]
