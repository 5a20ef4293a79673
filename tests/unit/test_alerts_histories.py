"""Thousands of random histories of one subject, each step held against what must always be so.

The machine keeps the rows as a table would, and an account of its own of what was sighted, so
that a clear is judged by the sightings and not by what the code remembers of them.
"""

from __future__ import annotations

from datetime import timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule
from msgspec.structs import replace

from tests.alerts import MINUTE, NOW, SETTINGS, sighting
from tests.people import (
    Acknowledge,
    Act,
    Assign,
    Note,
    Reopen,
    Resolve,
    Snooze,
    Unacknowledge,
    advance,
)
from worker.alerts.due import next_due
from worker.alerts.events import Delivered, Sighting, Tick
from worker.alerts.flapping import STEADY
from worker.alerts.steps import Quiet, Refusal, Tell
from worker.alerts.values import rank

PEOPLE = st.sampled_from(["ann", "bob"])
TEXTS = st.sampled_from(["call them", "their mistake", " "])
MISSING = st.sampled_from([None, None, None, "the own offer is unknown"])
ACTS = st.one_of(
    st.builds(Acknowledge, PEOPLE, st.none() | TEXTS),
    st.builds(Unacknowledge, PEOPLE),
    st.builds(Assign, PEOPLE, st.none() | PEOPLE),
    st.builds(Note, PEOPLE, TEXTS),
    st.builds(Snooze, PEOPLE, st.sampled_from([None, 5 * MINUTE, 600 * MINUTE, 1500 * MINUTE])),
    st.builds(Resolve, PEOPLE),
    st.builds(Reopen, PEOPLE),
    st.builds(Delivered, st.just("mail")),
)
WAITS = st.sampled_from([0, 1, 59, 60, 240, 300, 301, 1800, 1801, 3600, 14_400, 86_400])
"""Seconds; the rules' own times and a second more."""

HOLDING = ("acknowledged_by", "snooze_until", "note", "assignee")
LOST_AS = dict(
    zip(HOLDING, ("acknowledgement", "snooze", "note", "assignment"), strict=True),
)


class Histories(RuleBasedStateMachine):
    def __init__(self):
        super().__init__()
        self.rows, self.newest, self.flap, self.now = {}, None, STEADY, NOW
        self.good_since = None  # since when every sighting was all clear, with evidence
        self.heard = 0
        self.due = None  # time alone does nothing before this

    @initialize(severity=st.sampled_from(["critical", "high", "warning"]))
    def begin(self, severity):
        self.happen(sighting(severity))

    @rule(wait=WAITS)
    def pass_time(self, wait):
        self.now += timedelta(seconds=wait)
        if self.due is None or self.now < self.due:
            early = advance(self.newest, Tick(), self.now, SETTINGS, self.flap)
            assert early.transitions == ()
        self.happen(Tick())
        again = advance(self.newest, Tick(), self.now, SETTINGS, self.flap)
        assert again.transitions == ()  # two workers that tick at once do it once
        assert self.due is None or self.due > self.now  # and nobody looks at it again and again

    @rule(wait=WAITS)
    def miss_ticks(self, wait):
        self.now += timedelta(seconds=wait)

    @rule(
        severity=st.sampled_from(["critical", "high", "warning", "success", "info"]),
        missing=MISSING,
        suppressed=st.sampled_from([False, False, False, True]),
        age=st.sampled_from([0, 0, 0, 10_000]),
        wait=WAITS,
    )
    def see(self, severity, missing, suppressed, age, wait):
        self.now += timedelta(seconds=wait)
        at = self.now - timedelta(seconds=age)
        seen = sighting(severity, at, missing=missing, buy_box_suppressed=suppressed)
        self.happen(seen)

    @rule(event=ACTS)
    def act(self, event):
        self.happen(event)

    # one step -------------------------------------------------------------------------------------

    def happen(self, event):
        before, flap = self.newest, self.flap
        outcome = advance(before, event, self.now, SETTINGS, flap)
        self.texts_decide_nothing(before, event, flap, outcome)
        if isinstance(outcome, Refusal):
            assert outcome.why.strip().endswith(".")
            return
        self.only_evidence_clears(outcome)
        if isinstance(event, Sighting):
            self.account(event)
        self.store(outcome)
        self.look_ahead(event)
        self.one_is_open()
        self.people_lose_only_what_is_said(before, event, outcome)
        self.nobody_is_left_untold()
        self.times_do_not_go_back(before)
        self.quiet_is_kept(before, event, outcome)
        if isinstance(event, Sighting):
            self.worse_gets_through(before, event, flap, outcome)

    def look_ahead(self, event):
        """After what people do the row is looked at in the next minute, whatever it is."""
        if isinstance(event, Act) or self.newest is None:
            self.due = self.now
        else:
            self.due = next_due(self.newest, self.flap, self.now, SETTINGS)

    def account(self, seen):
        if seen.missing is None and rank(seen.severity) == 0:
            self.good_since = self.good_since or self.now
        else:
            self.good_since = None

    def store(self, step):
        """As the tables will: the closed one first, ids from a counter, both ends of a link."""
        if step.closed is not None:
            self.rows[step.closed.id] = step.closed
            self.one_is_open(spare=step.alert)
        alert = step.alert
        if alert is not None and alert.id is None:
            alert = replace(alert, id=len(self.rows) + 1)
            if alert.supersedes is not None:
                old = self.rows[alert.supersedes]
                assert not old.is_open
                assert old.superseded_by is None
                self.rows[old.id] = replace(old, superseded_by=alert.id)
        if alert is not None:
            self.rows[alert.id] = alert
        self.newest, self.flap = alert, step.flap

    # what must always be so -----------------------------------------------------------------------

    def one_is_open(self, spare=None):
        found = [row for row in self.rows.values() if row.is_open]
        assert len(found) <= (0 if spare is not None and spare.id is None else 1)
        for row in self.rows.values():
            assert row.is_open == (row.resolution is None) == (row.resolved_at is None)
            assert row.condition == "firing" or not row.is_open
            assert (row.resolution == "cleared") <= (row.condition == "cleared")
            assert (row.attention == "reviewing") <= (row.acknowledged_by is not None)

    def only_evidence_clears(self, step):
        for t in step.transitions:
            cleared = t.after and t.after.condition == "cleared"
            if t.of == "subject" or not cleared or (t.before and t.before.condition == "cleared"):
                continue
            assert t.change in {"cleared", "cleared-later"}
            assert self.good_since is not None
            assert self.now - self.good_since >= SETTINGS.clear_hold
        for tell in step.told:
            if tell.kind == "timed-out":
                assert "nothing says that it is over" in tell.why

    def people_lose_only_what_is_said(self, before, event, step):
        if before is None:
            return
        after = self.rows[before.id]
        said = {
            e
            for t in step.transitions
            for e in t.ended
            if t.of == "closed" or before.id == after.id
        }
        if before.attention == "reviewing" and after.attention != "reviewing":
            assert "acknowledgement" in said
        for name in HOLDING:
            old, new = getattr(before, name), getattr(after, name)
            if old is not None and new != old:
                assert LOST_AS[name] in said
            if isinstance(event, Sighting | Tick | Delivered) and name != "snooze_until":
                assert new == old
        goes_on = self.newest.supersedes == before.id and self.newest.id != before.id
        if goes_on:
            assert (self.newest.note, self.newest.assignee) == (before.note, before.assignee)

    def worse_gets_through(self, before, seen, flap, step):
        """Worse than what is open is told, or a policy that is stated says why not."""
        if rank(seen.severity) == 0:
            return
        is_open = before is not None and before.is_open
        if is_open and rank(seen.severity) <= rank(before.severity):
            return
        by_hand = before is not None and before.resolution == "manual"
        quiet = step.transitions[-1].change == "updated"
        if by_hand and quiet and rank(seen.severity) <= rank(before.severity):
            assert self.now - before.resolved_at <= SETTINGS.dedupe_window
            return
        new = step.alert
        assert (new.severity, new.attention, new.condition) == (seen.severity, "new", "firing")
        assert new.snooze_until is None
        if any(rank(tell.severity or "info") >= rank(seen.severity) for tell in step.told):
            return
        voice = step.transitions[-1].voice
        assert isinstance(voice, Quiet)
        assert new.owed is not None
        if voice.code == "inhibited":
            assert seen.buy_box_suppressed
        else:
            assert voice.code == "unstable"
            assert step.flap.unstable or flap.unstable
            assert rank(flap.peak) >= rank(seen.severity)

    def quiet_is_kept(self, before, event, step):
        """While snoozed only worse, or the end of the snooze, is told; nothing is told twice."""
        spoken = [t for t in step.transitions if isinstance(t.voice, Tell) and t.of != "subject"]
        assert len(spoken) <= 1
        if not isinstance(event, Sighting | Tick):
            assert not spoken
        if before is not None and before.snooze_until and before.snooze_until > self.now:
            cleared = any(t.change == "cleared" for t in step.transitions)
            assert {t.change for t in spoken} <= ({"raised"} if cleared else {"rose"})

    def nobody_is_left_untold(self):
        """What is open and in nobody's hands was told, or will be: else nothing ever reminds of it."""
        alert = self.newest
        if alert is None or not alert.is_open or alert.attention == "reviewing":
            return
        assert alert.last_told_at or alert.owed or alert.snooze_until

    def times_do_not_go_back(self, before):
        if before is None or self.newest.id != before.id:
            return
        assert self.newest.first_seen == before.first_seen
        assert self.newest.last_seen >= before.last_seen
        assert self.newest.last_event_time >= before.last_event_time
        assert self.newest.occurrences >= before.occurrences

    def texts_decide_nothing(self, before, event, flap, outcome):
        """Another text in the facts, another name of what is missing: the same happens."""
        if not isinstance(event, Sighting):
            return
        other = advance(
            before and replace(before, facts={"title": "was different"}),
            replace(event, facts={"title": "is different"}),
            self.now,
            SETTINGS,
            flap,
        )
        if isinstance(outcome, Refusal):
            assert other == outcome
            return
        assert other.transitions == outcome.transitions
        assert replace(other.alert, facts={}) == replace(outcome.alert, facts={})


TestHistories = Histories.TestCase
TestHistories.settings = settings(max_examples=1000, stateful_step_count=30)
