"""What data do to an alert, one rule after the other, at their boundaries."""

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
    unknown,
)
from worker.alerts.events import Tick
from worker.alerts.lifecycle import advance
from worker.alerts.settings import LONGEST, AlertSettings
from worker.alerts.values import Phase

TOUCHED_BY_AN_UPDATE = {
    "occurrences", "last_seen", "last_event_time", "facts", "unknown_since", "inhibited_by",
    "below_critical_since", "below_high_since", "below_warning_since",
}  # fmt: skip


# identity -----------------------------------------------------------------------------------------


def test_the_subject_is_as_operators_know_it():
    assert alert().subject.key == "A1OWN|A1F83G8C2ARO7P|B0ALERTS01|new|price"


def test_phases_read_well():
    assert str(Phase("high", "firing", "new")) == "high firing/new"
    assert str(ended("timeout").phase) == "high firing/resolved(timeout)"


# updates ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("before", [alert(), delivered(), reviewing(), snoozed(), falling()])
@pytest.mark.parametrize("heard", [sighting(), sighting("warning"), sighting("success"), unknown()])
def test_an_update_touches_counters_times_and_facts_only(before, heard):
    before = replace(before, note="call them", assignee="eve", escalation_level=2)
    after = advance(before, replace(heard, facts={"gap": "23 %"}), NOW, SETTINGS).alert
    changed = {
        name for name in after.__struct_fields__ if getattr(after, name) != getattr(before, name)
    }
    assert changed <= TOUCHED_BY_AN_UPDATE
    assert after.facts == {"gap": "23 %"}


def test_the_same_severity_counts_and_another_one_does_not():
    assert advance(delivered(), sighting(), NOW, SETTINGS).alert.occurrences == 2
    assert advance(delivered(), sighting("warning"), NOW, SETTINGS).alert.occurrences == 1


def test_a_message_between_two_that_were_heard_is_late():
    """Whatever the newest one was: the same, or one that only touched the times."""
    for newest in (sighting(at=NOW), sighting("success", at=NOW), unknown(at=NOW)):
        before = delivered(last_event_time=NOW - 10 * MINUTE)
        after = advance(before, newest, NOW, SETTINGS).alert
        late = sighting("success", at=NOW - MINUTE)
        assert advance(after, late, NOW, SETTINGS).code == "late"


def test_the_data_are_silent_only_while_they_cannot_say():
    """What is seen at this severity is seen, whatever else is missing."""
    for heard in (sighting(), sighting(missing="costs"), sighting("warning")):
        before = delivered(unknown_since=NOW - MINUTE)
        assert advance(before, heard, NOW, SETTINGS).alert.unknown_since is None


def test_who_is_told_again_reads_how_long_it_was_out_of_sight():
    before = delivered(last_seen=NOW - 3 * HOUR, last_told_at=NOW - 3 * HOUR)
    (told,) = advance(before, sighting(), NOW, SETTINGS).told
    assert told.why == "seen again after 180 min; true since 11:50 UTC"


@pytest.mark.parametrize(("gap", "message"), [(30 * MINUTE, False), (30 * MINUTE + SECOND, True)])
def test_it_is_told_again_beyond_thirty_minutes_out_of_sight_and_not_at_thirty(gap, message):
    before = delivered(last_seen=NOW - gap, last_told_at=NOW - gap)
    assert bool(advance(before, sighting(), NOW, SETTINGS).told) == message


def test_what_was_told_a_moment_ago_is_not_told_again_because_it_was_out_of_sight():
    before = delivered(last_seen=NOW - HOUR, last_told_at=NOW - MINUTE)
    assert shown(advance(before, sighting(), NOW, SETTINGS)) == "updated"


def test_the_window_counts_from_the_last_sighting_not_the_first():
    story = [(sighting("warning"), minute) for minute in range(0, 240, 29)]
    assert play(story)[1] == [("raised", 0)]


@pytest.mark.parametrize("quiet", [reviewing, snoozed])
def test_what_is_seen_again_stays_quiet_for_who_is_on_it_or_wanted_quiet(quiet):
    before = quiet(last_seen=NOW - HOUR, last_told_at=NOW - HOUR)
    step = advance(before, sighting(), NOW, SETTINGS)
    assert shown(step) == "seen-again"
    assert step.alert.owed is None, "a reminder that was not due is not due later either"


@pytest.mark.parametrize(("since", "message"), [(4 * HOUR - SECOND, ""), (4 * HOUR, "repeated!")])
def test_it_is_told_again_every_four_hours_even_if_no_message_comes(since, message):
    before = delivered(last_told_at=NOW - since)
    assert shown(advance(before, Tick(), NOW, SETTINGS)) == (message or ".")


# falls and clears ---------------------------------------------------------------------------------


def test_a_clear_counts_when_it_has_held_for_five_minutes_and_not_a_second_sooner():
    before = falling(since=NOW)
    assert shown(advance(before, Tick(), NOW + 5 * MINUTE - SECOND, SETTINGS)) == "."
    step = advance(before, Tick(), NOW + 5 * MINUTE, SETTINGS)
    assert str(step.alert.phase) == "high cleared/resolved(cleared)"


@pytest.mark.parametrize("all_clear", ["success", "info"])
def test_both_names_of_all_clear_clear(all_clear):
    assert play([(sighting(all_clear), 0), (Tick(), 5)], delivered())[1] == [("cleared", 5)]


def test_a_fall_that_does_not_hold_never_was():
    story = [(sighting("success"), 1), (sighting(), 5), (sighting("success"), 6), (Tick(), 10)]
    step, told = play(story, delivered())
    assert step.alert.is_open
    assert told == []


def test_a_fall_counts_down_to_the_worst_that_was_seen_while_it_was_held():
    """warning from minute 0, clear from minute 2: eased at 5, cleared at 7."""
    story = [(sighting("warning"), 0), (sighting("success"), 2)]
    story += [(Tick(), minute) for minute in range(3, 9)]
    step, told = play(story, delivered("critical"))
    assert told == [("eased", 5), ("cleared", 7)]
    assert step.alert.severity == "warning"


def test_what_eased_is_told_at_the_severity_that_it_has_now():
    """And was last seen when it became what it is now."""
    before = falling("critical", NOW - 2 * MINUTE, below_warning_since=None)
    step = advance(before, Tick(), NOW + HOUR, SETTINGS)
    assert [(tell.kind, tell.severity) for tell in step.told] == [("eased", "warning")]
    assert (step.alert.severity, step.alert.last_seen) == ("warning", NOW - 2 * MINUTE)


def test_a_worse_sighting_in_between_restarts_only_the_levels_it_denies():
    """Under critical since 0; under warning only since 4, for a warning came at 3."""
    story = [(sighting("success"), 0), (sighting("warning"), 3), (sighting("success"), 4)]
    story += [(Tick(), minute) for minute in range(5, 11)]
    assert play(story, delivered("critical"))[1] == [("eased", 5), ("cleared", 9)]


def test_an_eased_alert_keeps_its_acknowledgement_and_rises_again_at_once():
    step, told = play([(sighting("warning"), 0), (Tick(), 5)], reviewing("critical"))
    assert (step.alert.severity, step.alert.attention) == ("warning", "reviewing")
    step, more = play([(sighting("critical"), 6)], step.alert)
    assert [kind for kind, _ in told + more] == ["eased", "rose"]
    assert step.alert.attention == "new"


def test_a_clear_whose_tick_was_missed_is_found_by_the_next_sighting():
    """And its "cleared" is not sent after the "raised" that came with it."""
    step, told = play([(sighting("success"), 0), (sighting("high"), 30)], delivered())
    assert told == [("raised", 30)]
    assert shown(step) == "cleared raised!"
    assert step.transitions[0].voice.code == "told-otherwise"
    assert step.closed.resolution == "cleared"
    assert step.alert.still_true_since is None
    assert advance(step.closed, sighting(), NOW + HOUR, SETTINGS).closed is None, "nothing happened"


def test_with_no_time_to_hold_a_clear_counts_at_once():
    settings = AlertSettings(clear_hold=0 * SECOND)
    assert shown(advance(delivered(), sighting("success"), NOW, settings)) == "updated cleared!"
    over = advance(ended("timeout"), sighting("success"), NOW, settings)
    assert shown(over) == "updated cleared-later"


def test_missing_data_clear_nothing_however_long_they_last():
    story = [(unknown(), 0), (unknown("success"), 3), (Tick(), 30), (Tick(), 200)]
    step, told = play(story, delivered())
    assert step.alert.is_open
    assert step.alert.unknown_since == NOW
    assert told == []


def test_missing_data_stop_a_fall_that_was_being_held():
    story = [(sighting("success"), 0), (unknown(), 4), (Tick(), 60)]
    step, _ = play(story, delivered())
    assert step.alert.is_open


def test_a_reminder_says_when_the_data_have_gone_silent():
    step, _ = play([(unknown(), 0), (Tick(), 240)], delivered())
    assert "no usable data since 2026-03-10 12:00 UTC" in step.told[0].why


def test_missing_data_can_still_raise_and_rise():
    assert shown(advance(None, unknown("high"), NOW, SETTINGS)) == "raised!"
    assert shown(advance(delivered("warning"), unknown("high"), NOW, SETTINGS)).endswith("rose!")


def test_what_nobody_was_told_of_clears_in_silence():
    step = advance(falling(last_told_at=None), Tick(), NOW + HOUR, SETTINGS)
    assert step.transitions[0].voice.code == "never-told"


# rises --------------------------------------------------------------------------------------------


def test_a_rise_links_the_alerts_and_keeps_note_and_assignee_but_no_acknowledgement():
    before = reviewing("high", note="call them", assignee="eve", escalation_level=1)
    step = advance(before, sighting("critical"), NOW, SETTINGS)
    assert (step.closed.resolution, step.alert.supersedes) == ("superseded", 1)
    assert step.closed.acknowledged_by == "ann"
    new = step.alert
    assert (new.attention, new.acknowledged_by, new.snooze_until) == ("new", None, None)
    assert (new.note, new.assignee, new.escalation_level) == ("call them", "eve", 0)
    assert "what ann acknowledged was high" in step.told[0].why


def test_a_rise_says_what_was_snoozed_and_what_had_ended_before():
    step = advance(snoozed(), sighting("critical", facts={"gap": "40 %"}), NOW, SETTINGS)
    assert step.told[0].why == "critical instead of high; what ann snoozed was high"
    assert step.alert.facts == {"gap": "40 %"}
    step = advance(ended("timeout"), sighting("critical"), NOW, SETTINGS)
    assert step.told[0].why.startswith("critical instead of high; still true since ")


# clocks of two servers ----------------------------------------------------------------------------


def test_a_clock_that_is_a_little_behind_turns_no_time_back():
    before = delivered(last_seen=NOW, last_told_at=NOW)
    step = advance(before, sighting(), NOW - 2 * SECOND, SETTINGS)
    assert step.alert.last_seen == NOW
    assert not step.told


@pytest.mark.parametrize(
    "wrong",
    [
        {"dedupe_window": 0 * MINUTE}, {"clear_hold": -MINUTE}, {"flapping_leave_pct": 30},
        {"snooze_default": 25 * HOUR}, {"burst_limit": 0}, {"digest_hour": 24},
        {"escalation_levels": -1}, {"repeat_interval": LONGEST + SECOND}, {"digest_hour": -1},
        {"flapping_leave_pct": -1}, {"flapping_enter_pct": 101},
    ],
    ids=lambda wrong: "{}={}".format(*next(iter(wrong.items()))),
)  # fmt: skip
def test_settings_that_cannot_be_meant_are_refused_with_a_sentence(wrong):
    with pytest.raises(ValueError, match=r"\.$"):
        AlertSettings(**wrong)


@pytest.mark.parametrize(
    "widest",
    [
        {"repeat_interval": LONGEST, "snooze_default": 24 * HOUR, "burst_limit": 1},
        {"flapping_leave_pct": 0, "flapping_enter_pct": 100, "escalation_levels": 0},
        {"flapping_leave_pct": 99, "flapping_enter_pct": 100, "digest_hour": 0},
    ],
)
def test_settings_at_their_limits_are_meant(widest):
    assert AlertSettings(**widest)
