"""Random histories, kept by the tables and in memory side by side: what is stored is what was meant."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from db import alerts as sql
from tests.alerts import NOW, SETTINGS, SUBJECT, sighting
from tests.interleave import begin
from tests.people import Acknowledge, Assign, Note, Reopen, Resolve, Snooze, advance
from worker.alerts.events import Delivered, Tick
from worker.alerts.flapping import STEADY, Flap, Seen, changes
from worker.alerts.rows import kept_from_row
from worker.alerts.steps import Refusal
from worker.alerts.storing import account_of, store

SEEN = st.builds(
    lambda severity, missing, suppressed: ("see", severity, missing, suppressed),
    st.sampled_from(["critical", "high", "warning", "success", "success"]),
    st.sampled_from([None, None, "the own offer is unknown"]),
    st.sampled_from([False, False, True]),
)
OTHERS = st.sampled_from(
    [
        Tick(),
        Delivered("mail"),
        Acknowledge("ann", "looking"),
        Assign("ann", "bob"),
        Note("bob", "their mistake"),
        Snooze("ann"),
        Resolve("ann"),
        Reopen("ann"),
    ]
)
HISTORIES = st.lists(
    st.tuples(st.sampled_from([0, 61, 301, 1801, 3601, 15_000, 90_000]), SEEN | OTHERS),
    min_size=2,
    max_size=25,
)


def event_at(what, now):
    if isinstance(what, tuple):
        _, severity, missing, suppressed = what
        return sighting(severity, now, missing=missing, buy_box_suppressed=suppressed)
    return what


class InMemory:
    """The newest alert and its flap, as the rules give them."""

    def __init__(self):
        self.newest, self.flap, self.told = None, STEADY, []

    def happen(self, event, now, number):
        step = advance(self.newest, event, now, SETTINGS, self.flap)
        if isinstance(step, Refusal):
            return
        self.told += [tell.kind for tell in step.told]
        if step.alert is not None:
            self.newest = replace(step.alert, id=number)
            self.flap = step.flap


class InTables:
    def __init__(self, conn):
        self.conn = conn

    def happen(self, event, now):
        account = account_of(sql.lock_newest_alerts(self.conn, [SUBJECT.key]), now, SETTINGS)
        kept = account.newest.get(SUBJECT.key)
        alert, flap = (kept.alert, kept.flap) if kept else (None, STEADY)
        if kept and flap == STEADY and alert.condition == "cleared":
            flap = Flap((Seen(now, None),))  # as the hearing does for who has been well of late
        step = advance(alert, event, now, SETTINGS, flap)
        if not isinstance(step, Refusal):
            account.take(step, trace_id="trace")
        store(self.conn, account)

    def newest(self):
        rows = sql.lock_newest_alerts(self.conn, [SUBJECT.key])
        return kept_from_row(rows[0]) if rows else None

    def told(self):
        found = self.conn.execute("SELECT told FROM alert_events WHERE told <> '' ORDER BY id")
        return [kind for (kind,) in found]


def as_judged(flap, now):
    """All that anything is decided by."""
    return changes(flap, now, SETTINGS), flap.unstable_since, flap.peak


LINKS = ("supersedes", "superseded_by", "id")


@settings(max_examples=120, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(history=HISTORIES)
def test_the_tables_keep_what_the_rules_say(open_connection, history):
    with open_connection() as conn:
        memory, tables, now = InMemory(), InTables(begin(conn)), NOW
        for number, (wait, what) in enumerate(history):
            now += timedelta(seconds=wait)
            event = event_at(what, now)
            memory.happen(event, now, number)
            tables.happen(event, now)
            kept = tables.newest()
            if memory.newest is None:
                assert kept is None
                continue
            same = dict.fromkeys(LINKS)
            assert replace(kept.alert, **same) == replace(memory.newest, **same)
            assert as_judged(kept.flap, now) == as_judged(memory.flap, now)
        assert tables.told() == memory.told
        conn.execute("SET CONSTRAINTS ALL IMMEDIATE")
        links = conn.execute(
            "SELECT count(*) FROM alerts AS a JOIN alerts AS b ON b.id = a.superseded_by"
            " WHERE b.supersedes IS DISTINCT FROM a.id"
        ).fetchone()
        assert links == (0,)
        conn.rollback()
