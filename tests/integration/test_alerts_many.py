"""A thousand times the same: people hear of it as often as the rules say."""

from __future__ import annotations

import pytest

from tests.alerting import Story

SIGHTINGS, HOURS = 1_000, 6


def six_hours_of(story):
    """The same critical market every 21.6 seconds, and a tick each minute."""
    step = HOURS * 60 / SIGHTINGS
    minute = 1
    for number in range(SIGHTINGS):
        at = number * step
        while minute <= at:
            story.tick(minute)
            minute += 1
        story.see("critical", at)


@pytest.mark.timeout(300)
def test_a_thousand_critical_assessments_in_six_hours_are_four_messages(conn):
    """Raised at once. Not acknowledged: escalated after one, two and three hours, which are all the
    levels there are. Repeated four hours after the last of these, the seventh hour: not within six.
    """
    story = Story(conn)
    six_hours_of(story)
    assert story.told() == [
        (0, "raised"),
        (60, "escalated"),
        (120, "escalated"),
        (180, "escalated"),
    ]
    (alert,) = story.alerts()
    assert (alert["occurrences"], alert["escalation_level"]) == (SIGHTINGS, 3)
    assert len(story.rows("SELECT id FROM alert_queues")) == 4
    tallies = story.rows("SELECT what, sum(n)::int AS n FROM alert_tallies GROUP BY 1 ORDER BY 1")
    assert {row["what"]: row["n"] for row in tallies} == {
        "assessed": SIGHTINGS,
        "deduplicated": SIGHTINGS - 1,
    }
