"""Which route takes what, and the ends of quiet hours on every clock."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from db.delivery_rows import DueMessage, RouteRow
from tests.delivery import GB, NOW
from worker.delivery.matching import quiet_until, severity_of, takes_on_dashboard, why_not

MESSAGE = DueMessage(
    1, "immediate-channels", 1, GB, "B0ALERTS01", "critical", "raised", 0, NOW, ["shoes"]
)  # fmt: skip
ROUTE = RouteRow(
    1, "ops", "apprise", None, None, None, None, ["immediate", "batch"], 0, None, None, None
)  # fmt: skip


@pytest.mark.parametrize(
    ("route", "message", "reason"),
    [
        ({}, {}, None),
        ({"reaches": ["digest"]}, {}, "takes no immediate messages"),
        ({}, {"reach": "dashboard"}, "such messages go to the dashboard only"),
        ({}, {"reach": "digest"}, "takes no digest messages"),
        ({"severities": ["high"]}, {}, "not for critical"),
        ({"severities": ["high"]}, {"severity": None}, "not for clear"),
        ({"severities": ["clear"]}, {"severity": "success"}, None),
        ({"marketplaces": ["X"]}, {}, "another marketplace"),
        ({"marketplaces": [GB]}, {}, None),
        ({"asins": ["B0OTHER001"]}, {}, "not one of its ASINs"),
        ({"asins": ["B0OTHER001", "B0ALERTS01"]}, {}, None),
        ({"tags": ["hats"]}, {}, "none of its tags"),
        ({"tags": ["hats", "shoes"]}, {}, None),
        ({"min_escalation": 1}, {}, "only from escalation level 1"),
        ({"min_escalation": 1}, {"escalation": 2}, None),
    ],
)
def test_a_route_takes_what_its_filters_let_through(route, message, reason):
    assert why_not(ROUTE._replace(**route), MESSAGE._replace(**message)) == reason


def test_the_dashboard_takes_everything_but_digests():
    taken = {
        reach
        for reach in ("immediate-channels", "dashboard", "batch", "digest")
        if takes_on_dashboard(MESSAGE._replace(reach=reach))
    }
    assert taken == {"immediate-channels", "dashboard", "batch"}


@pytest.mark.parametrize("severity", [None, "success", "info"])
def test_all_clear_is_a_severity_of_its_own(severity):
    assert severity_of(MESSAGE._replace(severity=severity)) == "clear"


def quiet(start, end, zone="UTC"):
    return ROUTE._replace(quiet_from=time(*start), quiet_to=time(*end), quiet_zone=zone)


@pytest.mark.parametrize(
    ("hours", "at", "end"),
    [
        (((22,), (7,)), (21, 59), None),
        (((22,), (7,)), (22, 0), (11, 7, 0)),
        (((22,), (7,)), (3, 0), (10, 7, 0)),
        (((22,), (7,)), (7, 0), None),
        (((12,), (14,)), (13, 0), (10, 14, 0)),
        (((12,), (14,)), (14, 0), None),
        (((0,), (6,)), (0, 0), (10, 6, 0)),
    ],
)
def test_quiet_hours_span_midnight_and_end_on_time(hours, at, end):
    now = NOW.replace(hour=at[0], minute=at[1])
    found = quiet_until(quiet(*hours), "warning", now)
    assert found == (end and datetime(2026, 3, end[0], end[1], end[2], tzinfo=UTC))


def test_critical_passes_the_quiet_hours_and_all_clear_does_not():
    night = NOW.replace(hour=23)
    assert quiet_until(quiet((22,), (7,)), "critical", night) is None
    assert quiet_until(quiet((22,), (7,)), "clear", night) is not None


def test_where_the_clock_is_put_forward_the_quiet_hours_are_an_hour_shorter():
    """London, 29 March 2026: 01:00 is 02:00."""
    night = datetime(2026, 3, 28, 23, 0, tzinfo=UTC)
    end = quiet_until(quiet((22,), (7,), "Europe/London"), "warning", night)
    assert end == datetime(2026, 3, 29, 6, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("zone", "night", "to", "end"),
    [
        ("Europe/London", (2026, 3, 28, 23), (1, 30), (2026, 3, 29, 1)),
        ("Europe/London", (2026, 3, 28, 23), (1, 0), (2026, 3, 29, 1)),
        ("Europe/London", (2026, 3, 28, 23), (1, 59, 59), (2026, 3, 29, 1)),
        ("Europe/London", (2026, 3, 28, 23), (2, 0), (2026, 3, 29, 1)),
        ("America/Santiago", (2026, 9, 6, 2), (0, 30), (2026, 9, 6, 4)),
        ("Australia/Lord_Howe", (2026, 10, 3, 12), (2, 10), (2026, 10, 3, 15, 30)),
    ],
)
def test_hours_that_would_end_while_the_clock_is_put_forward_end_then(zone, night, to, end):
    """Their end is a time that no clock shows: at the first one behind it they are over."""
    route = quiet((22,), to, zone)
    until = quiet_until(route, "warning", datetime(*night, tzinfo=UTC))
    assert until == datetime(*end, tzinfo=UTC)
    assert quiet_until(route, "warning", until) is None


@given(
    st.timedeltas(timedelta(0), timedelta(days=900)).map(lambda passed: NOW + passed),
    st.times(), st.times(),
    st.sampled_from(["Europe/London", "America/Santiago", "Australia/Lord_Howe", "Asia/Tokyo"]),
)  # fmt: skip
def test_quiet_hours_end_within_a_day_and_are_over_then(now, start, end, zone):
    route = ROUTE._replace(quiet_from=start, quiet_to=end, quiet_zone=zone)
    until = quiet_until(route, "warning", now)
    if until is None:
        return
    assert now <= until <= now + timedelta(hours=25)
    wall = until.astimezone(ZoneInfo(zone)).time()
    if until > now and wall == end:
        assert quiet_until(route, "warning", until) is None
    if until > now:
        assert wall >= end
        assert quiet_until(route, "warning", until - timedelta(microseconds=1)), "not too late"
