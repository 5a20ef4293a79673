"""What people and time do to an alert, one rule after the other, at their boundaries."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from tests.alerts import (
    HOUR,
    MINUTE,
    NOW,
    SECOND,
    SETTINGS,
    alert,
    delivered,
    ended,
    falling,
    play,
    reviewing,
    shown,
    sighting,
    snoozed,
)
from tests.people import Acknowledge, Assign, Note, Reopen, Resolve, Snooze, Unacknowledge, advance
from worker.alerts.events import Delivered, Tick
from worker.alerts.flapping import STEADY, Flap
from worker.alerts.steps import Quiet

# snooze -------------------------------------------------------------------------------------------


def test_a_snooze_lasts_thirty_minutes_if_nothing_else_is_said_and_a_day_at_most():
    step = advance(delivered(), Snooze("ann"), NOW, SETTINGS)
    assert step.alert.snooze_until == NOW + 30 * MINUTE
    step = advance(delivered(), Snooze("ann", 24 * HOUR), NOW, SETTINGS)
    assert step.alert.snooze_until == NOW + 24 * HOUR


def test_the_end_of_a_snooze_tells_at_once_why_and_only_once():
    told = play([(Tick(), 20), (Tick(), 21), (sighting(), 22)], snoozed())[1]
    assert told == [("snooze-over", 20)]
    first = advance(snoozed(), Tick(), NOW + 20 * MINUTE, SETTINGS)
    assert first.told[0].why == "the snooze of ann is over and it is still true"


def test_the_end_of_a_snooze_waits_for_a_clear_that_is_being_held():
    """Told if the clear does not hold, and not if it does."""
    start = snoozed(until=NOW + 2 * MINUTE)
    falls = [(sighting("success"), 0), (Tick(), 2)]
    assert play([*falls, (sighting(), 4)], start)[1] == [("snooze-over", 4)]
    assert play([*falls, (Tick(), 5)], start)[1] == [("cleared", 5)]


def test_a_clear_ends_a_snooze_in_silence_and_says_so_in_the_record():
    step, told = play([(sighting("success"), 0), (Tick(), 5)], snoozed())
    assert told == []
    assert step.transitions[0].ended == ("snooze",)
    assert step.transitions[0].reason.endswith("this ends the snooze of ann")
    assert step.alert.snooze_until is None


# time ---------------------------------------------------------------------------------------------


def test_critical_escalates_each_hour_three_times_then_only_repeats():
    story = [(sighting("critical"), 0), *((Tick(), minute) for minute in range(1, 480))]
    assert play(story)[1] == [
        ("raised", 0), ("escalated", 60), ("escalated", 120), ("escalated", 180), ("repeated", 420),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "before",
    [
        reviewing("critical"),
        snoozed("critical", NOW + 10 * HOUR),
        delivered("high"),
        ended("manual", severity="critical"),
        delivered("critical", first_seen=NOW - 24 * HOUR, timeout_from=NOW),
        delivered("critical", escalation_level=3),
        delivered("critical", inhibited_by="the Buy Box is suppressed"),
        falling("critical", NOW + HOUR - MINUTE),
    ],
    ids=["acknowledged", "snoozed", "high", "ended", "old", "top", "inhibited", "falling"],
)
def test_it_does_not_escalate(before):
    assert shown(advance(before, Tick(), NOW + HOUR, SETTINGS)) == "."


@pytest.mark.parametrize(("age", "told"), [(0 * SECOND, "escalated!"), (SECOND, ".")])
def test_it_escalates_until_it_is_a_day_old_and_no_longer(age, told):
    before = delivered("critical", first_seen=NOW - 24 * HOUR - age, waiting_since=NOW - HOUR)
    assert shown(advance(before, Tick(), NOW, SETTINGS)) == told


def test_who_gives_an_alert_back_has_an_hour_before_it_escalates():
    step, _ = play([(Unacknowledge("ann"), 0)], reviewing("critical", waiting_since=NOW - 9 * HOUR))
    assert step.alert.attention == "delivered"
    assert play([(Tick(), 59), (Tick(), 60)], step.alert)[1] == [("escalated", 60)]


def test_a_timeout_says_that_nothing_was_fixed_and_the_next_sighting_that_it_is_still_true():
    start = delivered(timeout_from=NOW, last_told_at=NOW + 23 * HOUR, note="n", assignee="eve")
    step, told = play([(Tick(), 24 * 60 - 1), (Tick(), 24 * 60)], start)
    assert told == [("timed-out", 24 * 60)]
    assert str(step.alert.phase) == "high firing/resolved(timeout)"
    assert step.told[0].why == (
        "closed 24 h after it was delivered; "
        "nothing says that it is over (last seen 2026-03-10 11:50 UTC)"
    )
    step, told = play([(sighting(), 24 * 60 + 5)], step.alert)
    assert told == [("still-true", 24 * 60 + 5)]
    assert step.told[0].why.startswith("still true since 2026-03-10 11:50 UTC")
    assert (step.alert.still_true_since, step.alert.supersedes) == (start.first_seen, 1)
    assert (step.alert.note, step.alert.assignee) == ("n", "eve")


def test_still_true_since_survives_a_second_timeout_and_a_rise():
    first = ended("timeout", first_seen=NOW - 48 * HOUR)
    step, _ = play([(sighting(), 0), (sighting("critical"), 1)], first)
    assert step.alert.still_true_since == NOW - 48 * HOUR
    again = replace(step.alert, attention="resolved", resolution="timeout", resolved_at=NOW)
    assert play([(sighting(), 2)], again)[0].alert.still_true_since == NOW - 48 * HOUR


def test_after_a_timeout_a_clear_is_recorded_and_what_comes_then_is_new():
    step, told = play([(sighting("success"), 0), (Tick(), 5)], ended("timeout"))
    assert str(step.alert.phase) == "high cleared/resolved(timeout)"
    step, more = play([(sighting(), 6)], step.alert)
    assert told + more == [("raised", 6)]
    assert step.alert.still_true_since is None


def test_a_timeout_waits_for_a_clear_that_is_being_held():
    before = falling(since=NOW - MINUTE, timeout_from=NOW - 24 * HOUR)
    assert play([(Tick(), 0), (Tick(), 4)], before)[1] == [("cleared", 4)]


def test_an_alert_that_reached_nobody_does_not_time_out():
    step, _ = play([(Tick(), minute) for minute in range(0, 3000, 60)], alert())
    assert step.alert.is_open


def test_the_end_of_a_snooze_starts_no_timeout_of_what_reached_nobody():
    before = alert(snooze_until=NOW + 20 * MINUTE, snoozed_by="ann")
    step, told = play([(Tick(), minute) for minute in range(20, 3000, 60)], before)
    assert told[0] == ("snooze-over", 20)
    assert "timed-out" not in dict(told)
    assert step.alert.is_open


def test_what_was_closed_by_hand_is_not_told_to_have_eased():
    story = [(sighting("warning"), 1), (Tick(), 7), (Tick(), 29)]
    step, told = play(story, ended("manual", ago=0 * MINUTE, severity="critical"))
    assert (told, step.alert.severity) == ([], "critical")


def test_a_snooze_is_not_cut_short_by_the_timeout():
    before = snoozed(until=NOW + 30 * MINUTE, timeout_from=NOW - 24 * HOUR)
    assert shown(advance(before, Tick(), NOW, SETTINGS)) == "."
    step = advance(before, Tick(), NOW + 30 * MINUTE, SETTINGS)
    assert shown(step) == "snooze-over/S!"
    assert step.alert.timeout_from == NOW + 30 * MINUTE


def test_who_acknowledges_late_gets_the_whole_day():
    step, _ = play([(Acknowledge("bob"), 0)], delivered(timeout_from=NOW - 23 * HOUR))
    assert shown(advance(step.alert, Tick(), NOW + 2 * HOUR, SETTINGS)) == "."


MUTED = alert(last_told_at=None, owed="raised", inhibited_by="the Buy Box is suppressed")


@pytest.mark.parametrize("unseen", [MINUTE, HOUR])
def test_what_is_seen_again_while_muted_says_what_mutes_it_and_stays_owed(unseen):
    before = replace(MUTED, last_seen=NOW - unseen)
    step = advance(before, sighting(buy_box_suppressed=True), NOW, SETTINGS)
    assert [t.voice.code for t in step.transitions] == ["inhibited"]
    assert step.alert.owed == "raised"
    step = advance(before, sighting(), NOW, SETTINGS)
    assert [tell.kind for tell in step.told] == ["raised"]


@pytest.mark.parametrize(
    "acts",
    [
        (Acknowledge("ann"), Unacknowledge("ann")),
        (Resolve("ann"), Reopen("ann")),
        (Acknowledge("ann"), Resolve("ann"), Reopen("ann"), Unacknowledge("ann")),
    ],
    ids=lambda acts: type(acts[-1]).__name__,
)
def test_what_was_muted_is_told_when_that_ends_though_somebody_had_it_for_a_while(acts):
    story = [(act, minute) for minute, act in enumerate(acts)]
    assert play([*story, (Tick(), 9), (sighting(), 10)], MUTED)[1] == [("raised", 10)]


# a thousand of the same ---------------------------------------------------------------------------

STEP = 6 * HOUR / 1000
"""21.6 s between two sightings."""


def a_thousand(severity, *acts):
    """What is told of 1,000 identical sightings, with the number of the sighting."""
    current, told = None, []
    for n in range(1000):
        now = NOW + n * STEP
        for event in (sighting(severity, now), *(e for at, e in acts if at == n)):
            step = advance(current, event, now, SETTINGS)
            current = replace(step.alert, id=1)
            told += [(tell.kind, n) for tell in step.told]
    assert current.occurrences == 1000
    return told


def test_a_thousand_critical_sightings_nobody_looks_at_are_four_messages():
    """Raised at 0 s. An hour is 166.67 steps, so the first sighting after it is 167 (3,607.2 s),
    then 334 (3,607.2 s later) and 501. Three levels are all. Four hours after the last one,
    at 25,221.6 s, would be a repetition; the six hours end at 21,578.4 s.
    """
    told = a_thousand("critical", (0, Delivered("mail")))
    assert told == [("raised", 0), ("escalated", 167), ("escalated", 334), ("escalated", 501)]


def test_a_thousand_high_ones_are_two_messages():
    """No escalation. Four hours are 666.67 steps; a second repetition would come after eight."""
    assert a_thousand("high", (0, Delivered("mail"))) == [("raised", 0), ("repeated", 667)]


def test_a_thousand_that_somebody_acknowledged_are_one_message():
    assert a_thousand("critical", (20, Acknowledge("ann"))) == [("raised", 0)]


def test_a_thousand_that_somebody_snoozed_for_two_hours():
    """Quiet from sighting 20 (432 s) to 7,632 s = 353.33 steps. Then the snooze's end at 354, and
    escalations an hour after each message: 521, 688, 855. The repetition would come four hours on.
    """
    told = a_thousand("critical", (20, Snooze("ann", 2 * HOUR)))
    assert told == [
        ("raised", 0), ("snooze-over", 354), ("escalated", 521), ("escalated", 688),
        ("escalated", 855),
    ]  # fmt: skip


# people -------------------------------------------------------------------------------------------


def test_of_two_who_acknowledge_one_wins_and_the_other_is_told_who():
    first = advance(delivered(), Acknowledge("ann", "mine"), NOW, SETTINGS)
    second = advance(first.alert, Acknowledge("bob"), NOW + SECOND, SETTINGS)
    assert second.why == "It is acknowledged: ann has been on it since 12:00 UTC."
    assert first.alert.note == "mine"


def test_a_note_that_takes_the_place_of_another_says_so():
    before = delivered(note="old", assignee="eve")
    assert shown(advance(before, Note("bob", "new"), NOW, SETTINGS)) == "noted/N"
    assert shown(advance(before, Acknowledge("bob", "new"), NOW, SETTINGS)) == "acknowledged/N"
    assert shown(advance(before, Acknowledge("bob"), NOW, SETTINGS)) == "acknowledged"
    assert shown(advance(before, Assign("bob", None), NOW, SETTINGS)) == "assigned/W"


@pytest.mark.parametrize(
    ("act", "code"),
    [
        (Note("bob", " "), "empty"),
        (Note("bob", "old"), "unchanged"),
        (Assign("bob", ""), "empty"),
        (Assign("bob", "eve"), "unchanged"),
    ],
)
def test_an_act_that_changes_nothing_is_refused(act, code):
    before = delivered(note="old", assignee="eve")
    assert advance(before, act, NOW, SETTINGS).code == code


def test_what_is_closed_says_who_closed_it_and_when_and_owes_nothing():
    before = replace(MUTED, snooze_until=NOW + HOUR, snoozed_by="ann")
    closed = advance(before, Resolve("bob"), NOW, SETTINGS).alert
    assert (closed.resolution, closed.resolved_by, closed.resolved_at) == ("manual", "bob", NOW)
    assert (closed.snooze_until, closed.owed) == (None, None)


def test_reopening_gives_back_the_acknowledgement():
    closed = advance(reviewing(), Resolve("bob"), NOW, SETTINGS)
    again = advance(closed.alert, Reopen("ann"), NOW + MINUTE, SETTINGS)
    assert (again.alert.attention, again.alert.acknowledged_by) == ("reviewing", "ann")
    assert again.alert.resolution is None


def test_what_came_after_keeps_an_old_alert_closed():
    old = ended("timeout", superseded_by=7)
    assert "#7" in advance(old, Reopen("ann"), NOW, SETTINGS).why


def test_closed_by_hand_it_stays_quiet_for_the_window_unless_it_gets_worse():
    closed = ended("manual", ago=0 * MINUTE)
    assert play([(sighting(), m) for m in (1, 15, 30)], closed)[1] == []
    assert play([(sighting(), 31)], closed)[1] == [("still-true", 31)]
    assert play([(sighting("critical"), 1)], closed)[1] == [("rose", 1)]


def test_the_first_delivery_starts_the_time_after_which_nobody_follows_it_and_no_other_does():
    first = advance(alert(), Delivered("mail"), NOW, SETTINGS).alert
    assert (first.attention, first.delivered_at, first.timeout_from) == ("delivered", NOW, NOW)
    assert advance(first, Delivered("chat"), NOW + HOUR, SETTINGS).alert == first
    then = NOW - 5 * MINUTE
    taken_on = reviewing(delivered_at=None, timeout_from=then)
    after = advance(taken_on, Delivered("mail"), NOW, SETTINGS).alert
    assert (after.attention, after.delivered_at, after.timeout_from) == ("reviewing", NOW, then)


def test_time_passes_for_the_alert_that_took_the_place_only():
    old = ended("timeout", superseded_by=7, below_warning_since=NOW - HOUR)
    step = advance(old, Tick(), NOW, SETTINGS, Flap((), NOW - HOUR, "high"))
    assert (step.alert, step.transitions, step.flap) == (old, (), STEADY)


@pytest.mark.parametrize("before", [delivered(), reviewing(), snoozed(), alert()])
def test_acts_and_deliveries_tell_nobody(before):
    for event in (Acknowledge("b"), Note("b", "x"), Snooze("b"), Resolve("b"), Delivered("mail")):
        outcome = advance(before, event, NOW, SETTINGS)
        for transition in getattr(outcome, "transitions", ()):
            assert isinstance(transition.voice, Quiet)
