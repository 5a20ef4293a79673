"""When a product is unstable: the weights restated, and what is told about it."""

from __future__ import annotations

from datetime import timedelta
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from tests.alerts import (
    HOUR,
    MINUTE,
    NOW,
    SECOND,
    SETTINGS,
    delivered,
    ended,
    shown,
    sighting,
    snoozed,
    unknown,
)
from tests.people import Acknowledge, advance
from tests.strategies import lists_of_any_length
from worker.alerts import flapping
from worker.alerts.events import Tick
from worker.alerts.flapping import STEADY, Flap, Seen
from worker.alerts.settings import AlertSettings

STEADY_PACE = AlertSettings(flapping_horizon=timedelta(days=366))
SEVERITIES = st.sampled_from(["critical", "high", "warning", "success", "info"])


def icinga(severities):
    """Unstable or not after each: a ring of 20 bits, the oldest weighs 0.8 and the newest 1.15."""
    ring, unstable, before, found = [False] * 20, False, None, []
    for severity in severities:
        now = "clear" if severity in {"success", "info"} else severity
        ring = [*ring[1:], before is not None and now != before]
        before = now
        weights = [Fraction("0.8") + Fraction("0.35") * i / 19 for i in range(20)]
        percent = 100 * sum(w for w, bit in zip(weights, ring, strict=True) if bit) / 20
        unstable = percent > (25 if unstable else 30)
        found.append(unstable)
    return found


RUNS = lists_of_any_length(st.tuples(SEVERITIES, st.integers(1, 7)), min_size=1, max_size=40)
"""Severities with how often each comes in a row, so that the share of changes is often near 30 %."""


@given(RUNS)
def test_it_is_unstable_when_the_weights_say_so(runs):
    severities = [severity for severity, times in runs for _ in range(times)]
    flap, found = STEADY, []
    for n, severity in enumerate(severities):
        flap = flapping.note(flap, severity, NOW + n * MINUTE, STEADY_PACE)
        found.append(flap.unstable)
        assert len(flap.seen) <= 21
    assert found == icinga(severities)


def test_between_the_two_thresholds_it_stays_what_it_was():
    """Six changes in the newest places weigh 4.8 + 99 * 0.35/19 = 6.62, 33 %. Each calm assessment
    moves them on by one place and takes 6 * 0.35/19 = 0.11 off: under 30 % after six of them, at
    25 % (a weight of 5) after 14.7. So it settles with the fifteenth.
    """
    flap, calm = STEADY, []
    for n in range(7):
        flap = flapping.note(flap, ("success", "high")[n % 2], NOW, STEADY_PACE)
    assert flap.unstable
    while flap.unstable:
        calm.append(sum(a.severity != b.severity for a, b in pairwise(flap.seen)))
        flap = flapping.note(flap, "success", NOW, STEADY_PACE)
    assert calm == [6] * 15


def changed_at(*places):
    """Twenty-one assessments of this moment that change at these places; 19 is the newest's."""
    severities, bad = [None], False
    for place in range(20):
        bad ^= place in places
        severities.append("high" if bad else None)
    return Flap(tuple(Seen(NOW, severity) for severity in severities))


@pytest.mark.parametrize(
    ("places", "enter_pct", "unstable"),
    [
        ((19, 18, 15, 10, 2, 1), 30, False),  # 6 * 0.8 + 65 * 0.35/19 = 5.997, 29.99 %
        ((19, 18, 16, 10, 2, 1), 30, True),  # 6 * 0.8 + 66 * 0.35/19 = 6.016, 30.08 %
        ((19, 18, 17, 12, 7, 2, 1), 35, False),  # 7 * 0.8 + 76 * 0.35/19 = 7, 35 % and no more
    ],
)
def test_it_is_unstable_above_the_threshold_and_not_at_it(places, enter_pct, unstable):
    settings = AlertSettings(flapping_enter_pct=enter_pct)
    assert flapping.judge(changed_at(*places), NOW, settings).unstable == unstable


def test_how_bad_it_was_before_the_changes_that_count_is_no_peak():
    """Else an old critical keeps quiet what is worse than all that is told of the product now."""
    for old, counts in ((2 * HOUR, False), (2 * HOUR - SECOND, True)):
        seen = (Seen(NOW - old, "critical"), *changed_at(*range(12, 20)).seen[1:])
        peak = flapping.judge(Flap(seen), NOW, SETTINGS).peak
        assert peak == ("critical" if counts else "high")


@pytest.mark.parametrize("severity", ["critical", "high", "warning"])
def test_all_clear_is_no_peak_where_there_was_worse(severity):
    assert flapping.worst(None, severity) == flapping.worst(severity, None) == severity


def back_and_forth(count, *, high="critical"):
    """`count` assessments, 6 minutes apart, with ticks between; the last step, and what was told."""
    told, flap, alert = [], STEADY, None
    for n in range(count):
        for event, minute in ((sighting((high, "success")[n % 2]), 0), (Tick(), 5.5)):
            now = NOW + (n * 6 + minute) * MINUTE
            step = advance(alert, event, now, SETTINGS, flap)
            alert, flap = step.alert and replace(step.alert, id=n + 1), step.flap
            told += [(tell.kind, n) for tell in step.told]
    return step, told, now


def test_six_changes_in_a_row_make_it_unstable_and_one_message_says_so():
    """The newest six weights add up to 6.62 (33 %), the newest five to 5.57 (27.8 %)."""
    _, told, _ = back_and_forth(20)
    changes = [("raised", 0), ("cleared", 1), ("raised", 2), ("cleared", 3), ("raised", 4)]
    assert told == [*changes, ("cleared", 5), ("unstable", 6)]


def test_the_message_counts_the_changes_and_the_minutes():
    step, _, now = back_and_forth(6)
    step = advance(step.alert, sighting("critical"), now + MINUTE / 2, SETTINGS, step.flap)
    assert step.told[0].kind == "unstable"
    assert step.told[0].severity == "critical"
    why = "unstable: 6 changes in 30 min; from now on only worse than critical is told"
    assert step.told[0].why == why


def test_while_unstable_only_worse_breaks_through_and_then_worse_than_that():
    step, _, now = back_and_forth(20, high="warning")
    assert step.flap.peak == "warning"
    assert shown(advance(step.alert, sighting("warning"), now, SETTINGS, step.flap)) == "raised"
    step = advance(step.alert, sighting("high"), now, SETTINGS, step.flap)
    assert step.told[0].severity == "high"
    assert step.flap.peak == "high"
    back = replace(step.alert, severity="warning", id=99)
    assert not advance(back, sighting("high"), now, SETTINGS, step.flap).told
    assert advance(back, sighting("critical"), now, SETTINGS, step.flap).told


def test_what_is_told_while_it_is_stable_is_no_peak_to_be_measured_by():
    assert advance(None, sighting("critical"), NOW, SETTINGS).flap.peak is None


def test_it_settles_when_the_changes_are_old_even_if_nothing_comes_any_more():
    step, _, now = back_and_forth(20)
    told = []
    for minute in range(1, 121):
        step = advance(step.alert, Tick(), now + minute * MINUTE, SETTINGS, step.flap)
        told += [tell.kind for tell in step.told]
    assert told == ["settled"]
    assert (step.flap.unstable, step.flap.peak) == (False, None)


def test_what_was_held_back_is_told_when_it_settles():
    step, _, now = back_and_forth(19)
    assert step.alert.owed == "raised"
    told = []
    for minute in range(1, 121):
        step = advance(step.alert, Tick(), now + minute * MINUTE, SETTINGS, step.flap)
        told += [tell.kind for tell in step.told]
    assert told == ["raised"]


def test_a_change_a_day_is_not_flapping():
    flap = STEADY
    for n in range(40):
        flap = flapping.note(flap, ("high", "success")[n % 2], NOW + n * 24 * HOUR, SETTINGS)
        assert not flap.unstable


def test_the_same_over_and_over_and_the_two_names_of_all_clear_are_no_change():
    flap = STEADY
    for n in range(60):
        flap = flapping.note(flap, ("info", "success")[n % 2], NOW + n * MINUTE, SETTINGS)
        assert flapping.changes(flap, NOW + n * MINUTE, SETTINGS) == ()


def test_what_is_not_known_is_no_change():
    step = advance(None, unknown(), NOW, SETTINGS, Flap((Seen(NOW, "high"),)))
    assert len(step.flap.seen) == 1


@pytest.mark.parametrize("event", [Acknowledge("ann"), Tick()])
def test_a_flap_is_kept_by_what_does_not_concern_it(event):
    flap = Flap((Seen(NOW, "high"),))
    assert advance(snoozed(), event, NOW, SETTINGS, flap).flap == flap


def nearly_unstable():
    """Six assessments, five changes: one more makes it unstable."""
    flap = STEADY
    for n in range(6):
        flap = flapping.note(flap, ("success", "high")[n % 2], NOW - MINUTE, SETTINGS)
    assert not flap.unstable
    return flap


@pytest.mark.parametrize("hushed", [{"snooze": True}, {"suppressed": True}])
def test_if_nobody_hears_that_it_is_unstable_nothing_counts_as_heard(hushed):
    before = snoozed() if "snooze" in hushed else None
    last = sighting("success" if before else "critical", buy_box_suppressed="suppressed" in hushed)
    flap = nearly_unstable()
    flap = flap if before else flapping.note(flap, "success", NOW, STEADY_PACE)
    flap = replace(flap, unstable_since=None, peak=None)
    step = advance(before, last, NOW, SETTINGS, flap)
    assert step.flap.unstable
    assert step.told == ()
    assert step.flap.peak is None
    worse = advance(step.alert, sighting("critical"), NOW, SETTINGS, step.flap)
    assert worse.told


@pytest.mark.parametrize(
    ("before", "event", "peak", "why"),
    [
        (delivered(), Tick(), None, "never-told"),
        (snoozed(), Tick(), "high", "snoozed"),
        (ended("timeout"), Tick(), "high", "resolved"),
        (ended("cleared"), sighting("success", buy_box_suppressed=True), "high", "inhibited"),
    ],
    ids=lambda given: given if isinstance(given, str) else "",
)
def test_that_it_has_settled_is_not_told_where_nobody_heard_or_wants_to_hear(
    before, event, peak, why
):
    step = advance(before, event, NOW, SETTINGS, Flap((), NOW - HOUR, peak))
    (remark,) = (t for t in step.transitions if t.of == "subject")
    assert (remark.change, remark.voice.code) == ("settled", why)
    assert remark.before == remark.after == step.alert.phase


@pytest.mark.parametrize(
    ("before", "severity", "says"),
    [
        (delivered("warning"), "warning", "stable again: warning"),
        (ended("cleared"), None, "stable again: all clear"),
    ],
)
def test_that_it_has_settled_says_at_what(before, severity, says):
    (told,) = advance(before, Tick(), NOW, SETTINGS, Flap((), NOW - HOUR, "critical")).told
    assert (told.kind, told.severity, told.why) == ("settled", severity, says)


@pytest.mark.parametrize("event", [sighting("success"), Tick()])
def test_what_muted_an_alert_that_has_ended_mutes_no_remark_of_today(event):
    before = ended("cleared", inhibited_by="the Buy Box is suppressed")
    step = advance(before, event, NOW, SETTINGS, Flap((), NOW - HOUR, "high"))
    assert [tell.kind for tell in step.told] == ["settled"]
