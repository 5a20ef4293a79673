"""People's acts in SQL are those of tests/people.py: same row, same event, same refusal."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from hypothesis.strategies import composite

from tests import alert_rows as rows
from tests.acting import PEOPLE, do, each_act
from tests.alerts import (
    MINUTE,
    NOW,
    SETTINGS,
    alert,
    delivered,
    ended,
    reviewing,
    shown,
    snoozed,
)
from tests.people import Acknowledge, Assign, Note, Reopen, Resolve, Snooze, Unacknowledge, act
from worker.alerts.flapping import STEADY
from worker.alerts.settings import AlertSettings
from worker.alerts.steps import Refusal
from worker.alerts.values import ALERT_SEVERITIES

DAY = timedelta(days=1)
LATER_ID = 1000
"""Of another product's alert, for links; it is there before each example."""


# every alert and every act ------------------------------------------------------------------------

moments = st.timedeltas(-DAY, DAY).map(lambda length: NOW + length)
maybe = st.none() | moments
NAMES = ["ann", "bob", "Zoë O'Hara", "%s %(who)s", "data", "a|b", "[red]x"]
BLANKS = ["", " ", "\t\r\n", "\u3000\xa0", "\x1c\x85\u2029"]
names = st.sampled_from(NAMES)
words = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=12)
whos = st.sampled_from([*NAMES, *NAMES, *NAMES, *BLANKS])
texts = st.sampled_from([*NAMES, *BLANKS]) | words
lengths = st.none() | st.timedeltas(timedelta(hours=-1), timedelta(days=2))


@composite
def alerts(draw):
    """An alert in any phase that the table allows."""
    attention = draw(st.sampled_from(["new", "delivered", "reviewing", "resolved"]))
    values = {
        "assignee": draw(st.none() | names),
        "note": draw(st.none() | names | words),
        "looked_at": draw(maybe),
        "delivered_at": draw(maybe),
        "last_told_at": draw(maybe),
        "timeout_from": draw(maybe),
        "below_warning_since": draw(maybe),
        "inhibited_by": draw(st.none() | names),
        "escalation_level": draw(st.integers(0, 3)),
        "snoozed_by": draw(names),
    }
    if attention == "reviewing" or draw(st.booleans()):
        values |= {"acknowledged_by": draw(names), "acknowledged_at": draw(moments)}
    if attention != "resolved":
        values["snooze_until"] = draw(maybe)
        values["owed"] = draw(st.sampled_from([None, "raised", "rose"]))
    else:
        resolution = draw(st.sampled_from(["cleared", "timeout", "manual", "superseded"]))
        cleared = resolution == "cleared" or draw(st.booleans())
        values |= {
            "resolution": resolution,
            "resolved_at": draw(moments),
            "resolved_by": draw(names),
            "condition": "cleared" if cleared else "firing",
            "superseded_by": draw(st.sampled_from([None, LATER_ID])),
        }
    return alert(draw(st.sampled_from(ALERT_SEVERITIES)), attention=attention, **values)


acts = st.one_of(
    st.builds(Acknowledge, whos, st.none() | texts),
    st.builds(Unacknowledge, whos),
    st.builds(Assign, whos, st.none() | texts),
    st.builds(Note, whos, texts),
    st.builds(Snooze, whos, lengths),
    st.builds(Resolve, whos),
    st.builds(Reopen, whos),
)


@composite
def limits(draw):
    minutes = st.integers(1, 3000).map(lambda n: n * MINUTE)
    default = draw(minutes)
    return AlertSettings(snooze_default=default, snooze_max=default + draw(minutes))


def is_the_same(conn, before, doing, now, limits):
    """The act in SQL leaves the row, writes the event and gives the answer that people.py does."""
    with conn.transaction(force_rollback=True):
        rows.store(conn, rows.product("B0OTHER001"), id=LATER_ID)
        rows.store(conn, before)
        conn.execute(
            "UPDATE alert_settings SET snooze_default = %s, snooze_max = %s",
            (limits.snooze_default, limits.snooze_max),
        )
        outcome = do(conn, before.id, doing, now)
        after, found = rows.stored(conn, before.id), rows.events(conn, before.id)
    expected = act(before, doing, now, limits, STEADY)
    if isinstance(expected, Refusal):
        assert outcome == (before.id, False, expected.code, expected.why)
        assert (after, found) == (before, [])
        return outcome
    (transition,) = expected.transitions
    assert after == expected.alert
    assert outcome == (before.id, True, transition.change, transition.reason)
    (written,) = found
    assert {name: value for name, value in written.items() if name != "id"} == {
        "alert_id": before.id,
        "at": now,
        "who": doing.who,
        "change": transition.change,
        "from_phase": str(transition.before),
        "to_phase": str(transition.after),
        "reason": transition.reason,
        "told": None,
        "quiet": transition.voice.code,
        "voice_why": transition.voice.why,
        "ended": list(transition.ended),
        "trace_id": None,
    }
    return outcome


@settings(
    max_examples=300,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(alerts(), acts, moments, limits())
def test_sql_does_what_people_py_does(scratch, before, doing, now, limits):
    outcome = is_the_same(scratch, before, doing, now, limits)
    event(f"{type(doing).__name__}: {outcome.code}")


@each_act
def test_there_is_no_act_on_nothing(scratch, doing):
    nothing = act(None, doing, NOW, SETTINGS, STEADY)
    assert do(scratch, 404, doing, NOW) == (404, False, "no-alert", nothing.why)


def test_the_blanks_of_both_languages_are_the_same(scratch):
    blank = [chr(n) for n in range(1, 0x3100) if chr(n).isspace()]
    (whole,) = scratch.execute("SELECT buybox_is_blank(%s)", ("".join(blank),)).fetchone()
    assert whole
    for character in ("x", "\u200b", "\x1b", "\ufeff"):
        assert not character.isspace()
        assert scratch.execute("SELECT buybox_is_blank(%s)", (character,)).fetchone() == (False,)


PHASES = {
    "new": alert(assignee="bob", note="looks odd"),
    "delivered": delivered(owed="rose"),
    "reviewing": reviewing(note="mine"),
    "snoozed": snoozed(),
    "cleared": ended("cleared"),
    "timeout": ended("timeout"),
    "manual": ended("manual", delivered_at=None, timeout_from=None),
    "superseded": ended("superseded", superseded_by=LATER_ID),
    "followed": ended("timeout", superseded_by=LATER_ID),
}
MORE = (Acknowledge("ann", "note"), Assign("ann", None), Assign("ann", " "), Note("ann", " "))
LENGTHS = (Snooze("ann", -MINUTE), Snooze("ann", DAY), Snooze("ann", DAY + MINUTE))
EVERYTHING = (*PEOPLE, *MORE, *LENGTHS, Acknowledge(" "))


@pytest.mark.parametrize("phase", PHASES)
def test_each_act_in_each_phase_is_the_same(scratch, phase):
    for doing in EVERYTHING:
        is_the_same(scratch, PHASES[phase], doing, NOW, SETTINGS)


def test_every_answer_of_people_py_was_among_them():
    answers = {
        shown(act(before, doing, NOW, SETTINGS, STEADY)).removeprefix("x ").partition("/")[0]
        for before in PHASES.values()
        for doing in EVERYTHING
    }
    done = {"acknowledged", "unacknowledged", "assigned", "noted", "snoozed", "resolved"}
    not_now = {"already-acknowledged", "not-acknowledged", "already-resolved", "not-resolved"}
    length = {"snooze-too-long", "snooze-not-ahead"}
    others = {"reopened", "superseded", "cleared", "unchanged", "nobody", "empty"}
    assert answers == done | not_now | length | others
