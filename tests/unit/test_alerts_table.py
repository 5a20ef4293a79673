"""The whole lifecycle as a table, written by hand from the rules and held against the code."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from tests.alerts import (
    HOUR,
    MINUTE,
    NOW,
    SECOND,
    SETTINGS,
    SUBJECT,
    alert,
    delivered,
    ended,
    falling,
    reviewing,
    shown,
    sighting,
    snoozed,
    unknown,
)
from tests.people import Acknowledge, Assign, Note, Reopen, Resolve, Snooze, Unacknowledge, advance
from worker.alerts.events import Delivered, Tick
from worker.alerts.steps import Refusal, Step

STATES = {
    "none": None,
    "new": alert(),
    "delivered": delivered(),
    "reviewing": reviewing(),
    "snoozed": snoozed(),
    "expired": snoozed(until=NOW - MINUTE),
    "falling": falling(),
    "muted": alert(last_told_at=None, owed="raised", inhibited_by="the Buy Box is suppressed"),
    "cleared": ended("cleared"),
    "by hand": ended("manual"),
    "by hand, long ago": ended("manual", ago=31 * MINUTE),
    "timeout": ended("timeout"),
    "superseded": ended("superseded", superseded_by=2),
}
"""Every state an alert of severity high can be in. "expired": its snooze ended, no tick came yet."""

EVENTS = {
    "worse": (sighting("critical"), NOW),
    "same": (sighting("high"), NOW),
    "less": (sighting("warning"), NOW),
    "clear": (sighting("success"), NOW),
    "neutral": (sighting("info"), NOW),
    "unknown": (unknown(), NOW),
    "late": (sighting("critical", NOW - HOUR), NOW),
    "foreign": (replace(sighting(), subject=SUBJECT._replace(asin="B0OTHER001")), NOW),
    "delivery": (Delivered("mail"), NOW),
    "ack": (Acknowledge("bob"), NOW),
    "unack": (Unacknowledge("bob"), NOW),
    "assign": (Assign("bob", "eve"), NOW),
    "note": (Note("bob", "their price is a mistake"), NOW),
    "snooze": (Snooze("bob"), NOW),
    "snooze long": (Snooze("bob", 24 * HOUR + SECOND), NOW),
    "snooze back": (Snooze("bob", -MINUTE), NOW),
    "resolve": (Resolve("bob"), NOW),
    "reopen": (Reopen("bob"), NOW),
    "nobody": (Acknowledge(" "), NOW),
    "tick": (Tick(), NOW),
    "tick in 4 h": (Tick(), NOW + 4 * HOUR),
    "tick in 24 h": (Tick(), NOW + 24 * HOUR),
}

# `.` nothing, `x` refused, `!` a message is due, `/A` ends an acknowledgement, `/S` a snooze.
TABLE = """
worse: none > raised!
       new, delivered, falling, muted > superseded rose!
       reviewing > superseded/A rose!
       snoozed, expired > superseded/S rose!
       cleared > raised!
       by hand, by hand long ago, timeout > rose!
       superseded > x superseded
same: none, cleared > raised!
      new, delivered, reviewing, snoozed, falling, by hand > updated
      expired > updated snooze-over/S!
      muted > updated told-late!
      by hand long ago, timeout > still-true!
      superseded > x superseded
less: none, cleared > raised!
      new, delivered, reviewing, snoozed, falling, muted, by hand > updated
      expired > updated snooze-over/S
      by hand long ago, timeout > still-true!
      superseded > x superseded
clear: none, cleared > .
       new, delivered, reviewing, snoozed, falling, muted > updated
       expired > updated snooze-over/S
       by hand, by hand long ago, timeout > updated
       superseded > x superseded
neutral: none, cleared > .
         new, delivered, reviewing, snoozed, falling, muted > updated
         expired > updated snooze-over/S
         by hand, by hand long ago, timeout > updated
         superseded > x superseded
unknown: none, cleared > .
         new, delivered, reviewing, snoozed, falling > updated
         expired > updated snooze-over/S!
         muted > updated told-late!
         by hand, by hand long ago, timeout > updated
         superseded > x superseded
late: none > raised!
      new, delivered, reviewing, snoozed, expired, falling, muted > x late
      cleared, by hand, by hand long ago, timeout > x late
      superseded > x superseded
foreign: none > raised!
         new, delivered, reviewing, snoozed, expired, falling, muted > x another-subject
         cleared, by hand, by hand long ago, timeout, superseded > x another-subject
delivery: none > x no-alert
          new, muted > delivered
          delivered, reviewing, snoozed, expired, falling > .
          cleared, by hand, by hand long ago, timeout, superseded > x already-resolved
ack: none > x no-alert
     new, delivered, snoozed, expired, falling, muted > acknowledged
     reviewing > x already-acknowledged
     cleared, by hand, by hand long ago, timeout > x already-resolved
     superseded > x superseded
unack: none > x no-alert
       new, delivered, snoozed, expired, falling, muted > x not-acknowledged
       reviewing > unacknowledged/A
       cleared, by hand, by hand long ago, timeout > x already-resolved
       superseded > x superseded
assign: none > x no-alert
        new, delivered, reviewing, snoozed, expired, falling, muted > assigned
        cleared, by hand, by hand long ago, timeout > x already-resolved
        superseded > x superseded
note: none > x no-alert
      new, delivered, reviewing, snoozed, expired, falling, muted > noted
      cleared, by hand, by hand long ago, timeout, superseded > noted
snooze: none > x no-alert
        new, delivered, reviewing, falling, muted > snoozed
        snoozed, expired > snoozed/S
        cleared, by hand, by hand long ago, timeout > x already-resolved
        superseded > x superseded
snooze long: none > x no-alert
             new, delivered, reviewing, snoozed, expired, falling, muted > x snooze-too-long
             cleared, by hand, by hand long ago, timeout > x already-resolved
             superseded > x superseded
snooze back: none > x no-alert
             new, delivered, reviewing, snoozed, expired, falling, muted > x snooze-not-ahead
             cleared, by hand, by hand long ago, timeout > x already-resolved
             superseded > x superseded
resolve: none > x no-alert
         new, delivered, falling, muted > resolved
         reviewing > resolved/A
         snoozed, expired > resolved/S
         cleared, by hand, by hand long ago, timeout > x already-resolved
         superseded > x superseded
reopen: none > x no-alert
        new, delivered, reviewing, snoozed, expired, falling, muted > x not-resolved
        cleared > x cleared
        by hand, by hand long ago, timeout > reopened
        superseded > x superseded
nobody: none, new, delivered, reviewing, snoozed, expired, falling, muted > x nobody
        cleared, by hand, by hand long ago, timeout, superseded > x nobody
tick: none, new, delivered, reviewing, snoozed, falling, muted > .
      expired > snooze-over/S!
      cleared, by hand, by hand long ago, timeout, superseded > .
tick in 4 h: none, reviewing, muted > .
             new, delivered > repeated!
             snoozed, expired > snooze-over/S!
             falling > cleared!
             cleared, by hand, by hand long ago, timeout, superseded > .
tick in 24 h: none, muted > .
              new > repeated!
              delivered > timed-out!
              reviewing > timed-out/A!
              snoozed, expired > snooze-over/S!
              falling > cleared!
              cleared, by hand, by hand long ago, timeout, superseded > .
"""


def expected():
    """(event, state) -> outcome, from the table."""
    found = {}
    event = None
    for line in TABLE.strip().splitlines():
        cells, outcome = line.split(" > ")
        if ":" in cells:
            event, cells = cells.split(":")
        for state in cells.replace("by hand long", "by hand; long").split(","):
            key = (event.strip(), state.strip().replace(";", ","))
            assert key not in found, key
            found[key] = outcome.strip()
    return found


def test_the_table_has_a_cell_for_every_pair():
    assert set(expected()) == {(event, state) for event in EVENTS for state in STATES}


@pytest.mark.parametrize("event", EVENTS)
def test_every_state_answers_the_event_as_the_table_says(event):
    happens, now = EVENTS[event]
    got = {state: shown(advance(STATES[state], happens, now, SETTINGS)) for state in STATES}
    assert got == {state: cell for (name, state), cell in expected().items() if name == event}


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("event", EVENTS)
def test_a_refusal_is_a_sentence_and_a_step_tells_who_and_why(state, event):
    happens, now = EVENTS[event]
    outcome = advance(STATES[state], happens, now, SETTINGS)
    if isinstance(outcome, Refusal):
        assert outcome.why[0].isupper()
        assert outcome.why.endswith(".")
        return
    assert isinstance(outcome, Step)
    for transition in outcome.transitions:
        assert transition.who
        assert transition.reason
        assert transition.voice.why
        assert "None" not in transition.reason + transition.voice.why


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("event", EVENTS)
def test_each_transition_starts_where_the_one_before_ended(state, event):
    happens, now = EVENTS[event]
    outcome = advance(STATES[state], happens, now, SETTINGS)
    if isinstance(outcome, Refusal):
        return
    phase = {"closed": STATES[state], "alert": STATES[state]}
    phase = {of: found.phase if found else None for of, found in phase.items()}
    for transition in outcome.transitions:
        if transition.before is None:
            phase[transition.of] = None
        assert transition.before == phase[transition.of]
        phase[transition.of] = transition.after
    if outcome.transitions:
        assert phase["alert"] == outcome.alert.phase
    if outcome.closed:
        assert phase["closed"] == outcome.closed.phase
