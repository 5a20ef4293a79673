"""What keeps a message from people: the rules seen from who asked for quiet, and from a cause."""

from __future__ import annotations

from typing import get_args

import pytest
from msgspec.structs import replace

from tests.alerts import (
    HOUR,
    MINUTE,
    NOW,
    SECOND,
    SETTINGS,
    delivered,
    ended,
    falling,
    play,
    reviewing,
    shown,
    sighting,
    snoozed,
)
from worker.alerts.events import Tick
from worker.alerts.flapping import STEADY, Flap
from worker.alerts.lifecycle import advance
from worker.alerts.steps import Quiet
from worker.alerts.values import TellKind
from worker.alerts.voice import voice

REMINDERS = {"seen-again", "repeated", "escalated"}
NEWS = {"raised", "rose", "still-true"}
REMARKS = {"unstable", "settled"}
UNSTABLE = Flap((), NOW - HOUR, "high")


def kept_back(alert, flap=STEADY):
    """The messages about this alert that nobody hears now."""
    return {
        kind
        for kind in get_args(TellKind)
        if isinstance(voice(kind, alert, flap, NOW, "why"), Quiet)
    }


def test_nothing_is_kept_from_who_asked_for_no_quiet():
    assert kept_back(delivered()) == set()


def test_who_took_it_on_is_not_reminded_and_hears_all_else():
    assert kept_back(reviewing()) == REMINDERS


def test_who_wanted_quiet_hears_only_what_is_new_and_that_the_quiet_or_the_alert_ends():
    told = NEWS | {"snooze-over", "timed-out"}
    assert kept_back(snoozed()) == set(get_args(TellKind)) - told


def test_a_snooze_that_has_ended_keeps_nothing_back_though_no_tick_has_come_yet():
    assert kept_back(snoozed(until=NOW + SECOND)) != set()
    assert kept_back(snoozed(until=NOW)) == set()
    assert kept_back(snoozed(until=NOW - MINUTE)) == set()


def test_while_a_cause_explains_it_only_that_it_is_over_is_told():
    muted = delivered(inhibited_by="the Buy Box is suppressed")
    assert kept_back(muted) == set(get_args(TellKind)) - {"cleared"}


def test_while_unstable_nothing_is_told_but_that_and_what_is_worse_than_before():
    assert kept_back(delivered("high"), UNSTABLE) == set(get_args(TellKind)) - REMARKS
    assert kept_back(delivered("critical"), UNSTABLE) == set()


# one message, and the one that says most ----------------------------------------------------------


@pytest.mark.parametrize("began", ["high", "warning"])
def test_who_was_told_hears_that_it_is_over_though_it_became_worse_in_silence(began):
    """However often another alert took the place of the one that was told."""
    worse = [severity for severity in ("high", "critical") if severity != began]
    story = [(sighting(s, buy_box_suppressed=True), n) for n, s in enumerate(worse)]
    story += [(sighting("success", buy_box_suppressed=True), 3), (Tick(), 8)]
    step, told = play(story, delivered(began))
    assert told == [("cleared", 8)]
    assert step.told[0].severity is None


@pytest.mark.parametrize(
    ("before", "owed"),
    [
        (None, "raised"),
        (delivered("warning"), "rose"),
        (ended("timeout"), "still-true"),
        (snoozed(until=NOW), "snooze-over"),
    ],
)
def test_what_a_cause_kept_back_is_owed_and_told_when_the_cause_ends(before, owed):
    held = advance(before, sighting(buy_box_suppressed=True), NOW, SETTINGS)
    assert (held.told, held.alert.owed) == ((), owed)
    step = advance(replace(held.alert, id=9), sighting(), NOW + HOUR, SETTINGS)
    assert [tell.kind for tell in step.told] == [owed]
    assert step.alert.owed is None


def test_what_is_told_late_says_so_where_the_data_have_gone_silent():
    before = delivered(owed="raised", unknown_since=NOW - 2 * MINUTE)
    (told,) = advance(before, Tick(), NOW, SETTINGS).told
    assert told.why.startswith("held back until now; it has been true since 2026-03-10 11:50 UTC")
    assert "no usable data since 2026-03-10 11:58 UTC, seen 2026-03-10 11:50 UTC" in told.why


def test_a_snooze_that_ends_as_it_eases_is_not_told_beside_that():
    before = falling("critical", NOW, snooze_until=NOW + 5 * MINUTE, snoozed_by="ann")
    before = replace(before, below_warning_since=None)
    step = advance(before, Tick(), NOW + 5 * MINUTE, SETTINGS)
    assert shown(step) == "eased! snooze-over/S"
    assert step.transitions[1].voice.code == "told-otherwise"
    assert (step.alert.snooze_until, step.alert.owed) == (None, None)


def test_a_snooze_that_ends_while_it_looks_better_ends_once():
    """The day after which nobody follows it any longer counts from there."""
    before = falling(since=NOW - MINUTE, snooze_until=NOW, snoozed_by="ann")
    step = advance(before, Tick(), NOW, SETTINGS)
    assert shown(step) == "snooze-over/S"
    assert step.transitions[0].voice.code == "waiting-to-fall"
    assert (step.alert.waiting_since, step.alert.timeout_from) == (NOW, NOW)
    assert shown(advance(step.alert, Tick(), NOW + MINUTE, SETTINGS)) == "."


def test_what_is_seen_again_as_its_snooze_ends_is_told_as_the_end_of_the_snooze():
    before = snoozed(until=NOW, last_seen=NOW - HOUR, last_told_at=NOW - HOUR)
    assert shown(advance(before, sighting(), NOW, SETTINGS)) == "updated snooze-over/S!"


def test_a_minute_without_ticks_brings_one_message_and_the_next_tick_the_other():
    then = NOW - 2 * HOUR
    before = delivered("critical", last_seen=then, last_told_at=then, waiting_since=then)
    step = advance(before, sighting("critical"), NOW, SETTINGS)
    assert shown(step) == "seen-again!"
    assert shown(advance(step.alert, Tick(), NOW + SECOND, SETTINGS)) == "escalated!"


# what repeats an old message, and is no sighting --------------------------------------------------


def test_an_echo_neither_counts_nor_reminds_nor_brings_back_what_has_ended():
    echo = sighting(echo=True)
    before = delivered(last_seen=NOW - HOUR, last_told_at=NOW - HOUR)
    step = advance(before, echo, NOW, SETTINGS)
    assert shown(step) == "updated"
    assert (step.alert.occurrences, step.alert.last_seen) == (1, NOW - HOUR)
    step = advance(ended("timeout"), echo, NOW, SETTINGS)
    assert shown(step) == "updated"
    assert step.transitions[0].reason == "bob closed it after it was said for the last time"
    assert shown(advance(ended("timeout"), sighting("critical"), NOW, SETTINGS)) == "rose!"


def test_what_was_closed_by_hand_and_is_seen_again_at_once_is_no_better_for_it():
    """Else a fall would go on that the data have denied meanwhile."""
    closed = ended("manual", ago=MINUTE)
    step, told = play([(sighting("success"), 0), (sighting(), 2)], closed)
    assert step.transitions[0].reason == "bob closed it a moment ago"
    step, more = play([(Tick(), 6), (Tick(), 8)], step.alert)
    assert (str(step.alert.phase), told + more) == ("high firing/resolved(manual)", [])
