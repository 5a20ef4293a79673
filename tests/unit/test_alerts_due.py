"""When somebody has to look at an alert again though nothing is heard: never too late."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from tests.alerts import (
    HOUR,
    MINUTE,
    NOW,
    SETTINGS,
    alert,
    delivered,
    ended,
    falling,
    reviewing,
    snoozed,
)
from worker.alerts import flapping
from worker.alerts.due import next_due
from worker.alerts.events import Delivered
from worker.alerts.flapping import STEADY, Flap, Seen
from worker.alerts.lifecycle import advance

MUTED = {"inhibited_by": "the Buy Box is suppressed"}
THEN = NOW - 10 * MINUTE
"""When the alerts of these tests began, were told and were delivered."""


def due(of_alert, flap=STEADY):
    return next_due(of_alert, flap, NOW, SETTINGS)


@pytest.mark.parametrize(
    ("of_alert", "at"),
    [
        (delivered(), THEN + 4 * HOUR),
        (delivered("critical"), THEN + HOUR),
        (delivered("critical", escalation_level=2, waiting_since=NOW), NOW + HOUR),
        (delivered("critical", escalation_level=3), THEN + 4 * HOUR),
        (delivered("critical", first_seen=NOW - 23 * HOUR, waiting_since=NOW), NOW + HOUR),
        (
            delivered("critical", first_seen=NOW - 25 * HOUR, waiting_since=NOW - 5 * HOUR),
            THEN + 4 * HOUR,
        ),
        (reviewing("critical"), NOW - 5 * MINUTE + 24 * HOUR),
        (delivered(last_told_at=None), THEN + 24 * HOUR),
        (snoozed("critical", NOW + 6 * HOUR), NOW + 6 * HOUR),
        (falling("critical", NOW - 2 * MINUTE), NOW + 3 * MINUTE),
        (falling("critical", NOW - 2 * MINUTE, **MUTED), NOW + 3 * MINUTE),
        (falling("critical", NOW - MINUTE, below_warning_since=None), NOW + 4 * MINUTE),
        (falling(snooze_until=NOW + MINUTE), NOW + MINUTE),
        (falling(waiting_since=NOW - HOUR, timeout_from=NOW - 24 * HOUR), NOW + 3 * MINUTE),
        (falling("critical", waiting_since=NOW - HOUR), NOW + 3 * MINUTE),
    ],
    ids=[
        "told again", "escalation", "next level", "no further level", "last time to escalate",
        "too old to escalate",
        "somebody has it", "never told", "snooze", "fall", "muted fall", "partial fall",
        "snooze before fall", "fall before timeout", "fall before escalation",
    ],
)  # fmt: skip
def test_an_open_alert_is_due_when_the_first_thing_is_that_time_does_to_it(of_alert, at):
    assert due(of_alert) == at


def test_what_is_owed_is_due_at_once_unless_something_mutes_it():
    assert due(alert(last_told_at=None, owed="raised")) == NOW
    assert due(alert(last_told_at=None, owed="raised", **MUTED)) is None
    assert due(delivered("critical", **MUTED)) == THEN + 24 * HOUR


def test_an_ended_alert_is_due_only_when_its_whole_fall_has_held():
    """It is lowered no more: it can only clear."""
    fall = {"below_critical_since": NOW - 4 * MINUTE, "below_high_since": NOW - 4 * MINUTE}
    assert due(ended("timeout", **fall)) is None
    assert due(ended("timeout", **fall, below_warning_since=NOW)) == NOW + 5 * MINUTE
    assert due(ended("cleared", **fall, below_warning_since=NOW)) is None


def test_an_unstable_product_is_due_when_its_oldest_change_grows_old():
    """Whatever became of its alert: nobody else would say that it has settled."""
    seen = [Seen(NOW + (n - 30) * MINUTE, ("high", None)[n % 2]) for n in range(20)]
    flap = Flap(tuple(seen), NOW - HOUR, "high")
    for of_alert in (ended("cleared"), ended("timeout"), delivered()):
        assert due(of_alert, flap) == NOW - 29 * MINUTE + 2 * HOUR
    assert due(ended("cleared"), replace(flap, unstable_since=None)) is None


@pytest.mark.parametrize("young", [0, 1, 4])
def test_an_unstable_product_whose_changes_grew_old_before_a_tick_came_is_due_at_once(young):
    """A delivery may be recorded then, and it judges nothing."""
    ages = [(120 if n < 20 - young else 1) * MINUTE for n in range(20)]
    seen = tuple(Seen(NOW - age, ("high", None)[n % 2]) for n, age in enumerate(ages))
    flap = Flap(seen, NOW - 3 * HOUR, "high")
    assert not flapping.judge(flap, NOW, SETTINGS).unstable
    before = alert(last_told_at=NOW - MINUTE)
    step = advance(before, Delivered("mail"), NOW, SETTINGS, flap)
    assert due(step.alert, step.flap) == NOW


def test_an_alert_that_another_took_the_place_of_is_never_due():
    flap = Flap((), NOW - HOUR, "high")
    fall = {"below_warning_since": NOW, "below_high_since": NOW}
    assert due(ended("superseded", superseded_by=2, **fall), flap) is None
    assert due(ended("timeout", superseded_by=2, **fall), flap) is None
