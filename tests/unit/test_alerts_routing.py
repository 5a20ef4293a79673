"""Which queue, and when: batches, digests across changes of the clock, the weekly rollup."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import get_args
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.alerts import MINUTE, NOW, SECOND, SETTINGS
from worker.alerts.routing import history, next_batch, next_digest, next_rollup, placements
from worker.alerts.settings import AlertSettings
from worker.alerts.steps import Tell
from worker.alerts.values import TellKind

KINDS = get_args(TellKind)
ZONES = [
    "Europe/London", "Europe/Berlin", "America/New_York", "America/Santiago", "Asia/Tokyo",
    "Australia/Lord_Howe", "Africa/Casablanca", "UTC",
]  # fmt: skip
"""Santiago changes at midnight, Lord Howe by half an hour."""


def local(zone, hour=7):
    return AlertSettings(digest_zone=ZoneInfo(zone), digest_hour=hour)


def queues(kind, severity):
    return [(p.queue, p.reach) for p in placements(Tell(kind, severity, "."), NOW, SETTINGS)]


NOW_EVERYWHERE = [("high_priority", "immediate-channels")]
ON_THE_DASHBOARD = [("high_priority", "dashboard")]
LATER = [("standard", "batch"), ("standard", "digest")]
NO_HURRY = {"cleared", "eased", "timed-out", "settled"}


@pytest.mark.parametrize("kind", KINDS)
def test_severity_decides_the_queue_and_good_news_can_wait(kind):
    critical = LATER if kind in NO_HURRY else NOW_EVERYWHERE
    high = LATER if kind in NO_HURRY else ON_THE_DASHBOARD
    if kind == "escalated":
        high = NOW_EVERYWHERE
    assert queues(kind, "critical") == critical
    assert queues(kind, "high") == high
    if kind != "escalated":
        assert queues(kind, "warning") == LATER
        assert queues(kind, None) == LATER


def test_what_goes_at_once_is_due_now_and_every_place_has_a_reason():
    for kind in KINDS:
        for severity in ("critical", "high", "warning"):
            for place in placements(Tell(kind, severity, "."), NOW, SETTINGS):
                assert place.reason
                assert (place.at == NOW) == (place.queue == "high_priority")


@pytest.mark.parametrize("severity", ["success", "info"])
def test_all_clear_is_history_for_the_weekly_rollup(severity):
    """NOW is a Tuesday; the rollup is due on Monday the 16th at 7."""
    place = history(severity, NOW, SETTINGS)
    assert (place.queue, place.reach) == ("background", "history")
    assert place.at == datetime(2026, 3, 16, 7, tzinfo=UTC)


@pytest.mark.parametrize(
    ("now", "batch"),
    [(NOW, NOW + 5 * MINUTE), (NOW + SECOND, NOW + 5 * MINUTE), (NOW - SECOND, NOW)],
)
def test_batches_are_every_five_minutes_and_one_that_begins_now_is_too_late(now, batch):
    assert next_batch(now, SETTINGS) == batch


# the clock changes --------------------------------------------------------------------------------


def digests(zone, hour, start, count):
    at, found = start, []
    for _ in range(count):
        at = next_digest(at, local(zone, hour))
        found.append(at.strftime("%d %H:%M"))
    return found


def test_the_digest_stays_at_seven_on_the_wall_when_the_clock_changes():
    spring = digests("Europe/London", 7, datetime(2026, 3, 27, 12, tzinfo=UTC), 3)
    assert spring == ["28 07:00", "29 06:00", "30 06:00"]
    autumn = digests("Europe/London", 7, datetime(2026, 10, 23, 12, tzinfo=UTC), 3)
    assert autumn == ["24 06:00", "25 07:00", "26 07:00"]


def test_an_hour_that_the_clock_skips_is_not_skipped():
    """London has no 1 o'clock on 29 March; at 01:00 UTC its clocks say 2."""
    found = digests("Europe/London", 1, datetime(2026, 3, 27, 12, tzinfo=UTC), 3)
    assert found == ["28 01:00", "29 01:00", "30 00:00"]


def test_an_hour_that_comes_twice_sends_one_digest():
    """London has 1 o'clock twice on 25 October, at 00:00 and at 01:00 UTC."""
    found = digests("Europe/London", 1, datetime(2026, 10, 23, 12, tzinfo=UTC), 3)
    assert found == ["24 00:00", "25 00:00", "26 01:00"]
    between = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    assert digests("Europe/London", 1, between, 1) == ["26 01:00"]


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("hour", [0, 1, 2, 7, 23])
def test_every_day_of_the_year_has_one_digest(zone, hour):
    at = next_digest(datetime(2025, 12, 31, 23, 59, tzinfo=UTC), local(zone, hour))
    days = []
    for _ in range(366):
        wall = at.astimezone(ZoneInfo(zone))
        days.append(wall.date())
        assert wall.hour in {hour, hour + 1}
        at = next_digest(at, local(zone, hour))
    assert days == [days[0] + timedelta(days=n) for n in range(366)]
    assert days[0] >= date(2025, 12, 31)


@given(
    st.integers(0, 4 * 366 * 24 * 60).map(lambda m: datetime(2024, 1, 1, tzinfo=UTC) + m * MINUTE),
    st.sampled_from(ZONES),
    st.integers(0, 23),
)
def test_the_next_digest_is_ahead_and_no_other_is_in_between(now, zone, hour):
    settings = local(zone, hour)
    at = next_digest(now, settings)
    assert timedelta(0) < at - now <= timedelta(hours=25)
    assert next_digest(at - SECOND / 1000, settings) == at
    assert next_rollup(now, settings).astimezone(ZoneInfo(zone)).weekday() == 0
    assert next_rollup(now, settings) - now <= timedelta(days=7, hours=1)
