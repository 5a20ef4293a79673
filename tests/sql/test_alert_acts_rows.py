"""What an act leaves besides the alert: the feed's clock, messages held back, and who may do it."""

from __future__ import annotations

from datetime import timedelta

import psycopg
import pytest
from msgspec.structs import replace

from db import acts
from tests import alert_rows as rows
from tests.acting import PEOPLE, act, do, each_act
from tests.alerts import MINUTE, NOW, SUBJECT, alert
from tests.people import Acknowledge, Assign, Note, Resolve, Snooze, Unacknowledge

# what only the row shows --------------------------------------------------------------------------


def test_the_feed_and_the_workers_learn_of_an_act(scratch):
    alert_id = rows.store(scratch, due_at=NOW + timedelta(hours=1), changed_in="3")
    act(acts.note_alerts, scratch, alert_id, who="ann", note="n", now=NOW)
    after = rows.row(scratch, alert_id)
    assert (after["due_at"], after["updated_at"]) == (NOW, NOW)
    assert scratch.execute("SELECT pg_current_xact_id()::text").fetchone() == (
        str(after["changed_in"]),
    )


def test_other_settings_have_everything_looked_at_that_time_may_change(scratch):
    later = rows.store(scratch, due_at=NOW + timedelta(days=900))
    never = rows.store(scratch, rows.product("B0ANOTHER1"), due_at=None)
    scratch.execute("UPDATE alert_settings SET clear_hold = '1 minute'")
    (now,) = scratch.execute("SELECT now()").fetchone()
    assert [rows.row(scratch, one)["due_at"] for one in (later, never)] == [now, None]


def test_a_refusal_touches_nothing(scratch):
    alert_id = rows.store(scratch, changed_in="3")
    act(acts.unacknowledge_alerts, scratch, alert_id, who="ann", now=NOW)
    assert str(rows.row(scratch, alert_id)["changed_in"]) == "3"


def test_the_acts_read_well_by_name_in_psql(scratch):
    alert_id = rows.store(scratch)
    for call, code in (
        ("buybox_acknowledge_alert(%s, who => 'ann', note => 'mine')", "acknowledged"),
        ("buybox_assign_alert(%s, who => 'ann', assignee => 'bob')", "assigned"),
        ("buybox_snooze_alert(%s, 'ann', '2 hours')", "snoozed"),
        ("buybox_snooze_alert(%s, who => 'ann', snooze => '1 week')", "snooze-too-long"),
        ("buybox_unacknowledge_alert(%s, 'ann')", "unacknowledged"),
        ("buybox_resolve_alert(%s, 'ann')", "resolved"),
        ("buybox_reopen_alert(%s, 'ann')", "reopened"),
        ("buybox_note_alert(%s, NULL, 'x')", "nobody"),
    ):
        found = scratch.execute(f"SELECT * FROM {call}", (alert_id,)).fetchall()
        assert [(alert_id, code)] == [(one[0], one[2]) for one in found]


@pytest.mark.parametrize("length", ["0", "-1 second", "1 hour -60 minutes"])
def test_a_snooze_that_ends_at_once_or_has_ended_is_none(scratch, length):
    alert_id = rows.store(scratch)
    found = scratch.execute(
        "SELECT done, code FROM buybox_snooze_alert(%s, 'ann', %s)", (alert_id, length)
    ).fetchone()
    assert found == (False, "snooze-not-ahead")
    assert rows.row(scratch, alert_id)["snooze_until"] is None


@pytest.mark.parametrize(
    ("before", "owed"),
    [
        ({"owed": "rose", "last_told_at": NOW}, "rose"),
        ({"owed": "rose", "last_told_at": None}, "rose"),
        ({"owed": None, "last_told_at": None}, "raised"),
        ({"owed": None, "last_told_at": NOW}, None),
    ],
)
def test_an_alert_that_is_given_back_is_owed_what_it_was_or_that_it_was_raised(
    scratch, before, owed
):
    reviewing = {"attention": "reviewing", "acknowledged_by": "bob", "acknowledged_at": NOW}
    one = rows.store(scratch, replace(alert(), id=None), **reviewing | before)
    act(acts.unacknowledge_alerts, scratch, one, who="ann", now=NOW + MINUTE)
    assert rows.row(scratch, one)["owed"] == owed


# reopening beside a newer alert -------------------------------------------------------------------


@pytest.mark.parametrize("newer", ["open", "ended"])
def test_an_alert_is_not_reopened_beside_a_newer_one(scratch, newer):
    end = {"attention": "resolved", "resolution": "manual", "resolved_by": "x", "resolved_at": NOW}
    old = rows.store(scratch, replace(alert(), id=None), **end)
    new = rows.store(scratch, replace(alert(), id=None), **({} if newer == "open" else end))
    outcome = act(acts.reopen_alerts, scratch, old, who="ann", now=NOW)
    why = f"A newer alert has taken its place: act on #{new}."
    assert outcome == (old, False, "superseded", why)
    assert rows.stored(scratch, old).subject == SUBJECT


def test_of_several_newer_ones_the_newest_is_the_one_to_act_on(scratch):
    end = {"attention": "resolved", "resolution": "manual", "resolved_by": "x", "resolved_at": NOW}
    old, _, newest = (rows.store(scratch, replace(alert(), id=None), **end) for _ in range(3))
    outcome = act(acts.reopen_alerts, scratch, old, who="ann", now=NOW)
    assert outcome[3].endswith(f"act on #{newest}.")


@pytest.mark.parametrize(
    ("before", "owed"),
    [
        ({}, "raised"),
        ({"last_told_at": NOW}, None),
        ({"acknowledged_by": "bob", "acknowledged_at": NOW}, None),
        ({"acknowledged_by": "bob", "acknowledged_at": NOW, "last_told_at": NOW}, None),
    ],
)
def test_a_reopened_alert_is_owed_to_people_unless_they_heard_of_it_or_somebody_has_it(
    scratch, before, owed
):
    end = {"attention": "resolved", "resolution": "manual", "resolved_by": "x", "resolved_at": NOW}
    untold = {"last_told_at": None, "owed": None}
    one = rows.store(scratch, replace(alert(), id=None), **untold | end | before)
    assert act(acts.reopen_alerts, scratch, one, who="ann", now=NOW + MINUTE)[1:3] == (
        True,
        "reopened",
    )
    after = rows.row(scratch, one)
    assert (after["owed"], after["attention"]) == (
        owed,
        "reviewing" if "acknowledged_by" in before else "new",
    )


# waiting messages ---------------------------------------------------------------------------------

END = {
    "acknowledge": (Acknowledge("ann"), "suppressed", "acknowledged by ann before it was sent"),
    "resolve": (Resolve("ann"), "suppressed", "resolved by ann before it was sent"),
    "snooze": (Snooze("ann"), "snoozed", "snoozed by ann until 2026-03-10 12:30 UTC"),
}


@pytest.mark.parametrize("name", END)
def test_what_waits_is_held_back_in_the_same_transaction(scratch, name):
    doing, left, why = END[name]
    alert_id, other = rows.store(scratch), rows.store(scratch, rows.product("B0OTHER001"))
    waiting, sent = rows.message(scratch, alert_id), rows.message(
        scratch, alert_id, status="delivered", delivered_at=NOW
    )  # fmt: skip
    history = rows.message(scratch, alert_id, queue="background", reach="history")
    of_other = rows.message(scratch, other)
    alone = rows.delivery(scratch, waiting, next_attempt_at=NOW)
    grouped = rows.delivery(scratch, waiting, of_other)
    in_hand = rows.delivery(scratch, waiting, status="sending", taken_at=NOW, taken_by="w")

    assert do(scratch, alert_id, doing, NOW).done
    assert rows.status(scratch, "alert_queues", waiting) == (left, why)
    assert rows.status(scratch, "alert_queues", sent)[0] == "delivered"
    assert rows.status(scratch, "alert_queues", history)[0] == "queued"
    assert rows.status(scratch, "alert_queues", of_other)[0] == "queued"
    assert rows.status(scratch, "alert_deliveries", alone) == ("cancelled", why)
    assert rows.status(scratch, "alert_deliveries", grouped)[0] == "queued"
    assert rows.status(scratch, "alert_deliveries", in_hand)[0] == "sending"

    assert do(scratch, other, doing, NOW).done
    assert rows.status(scratch, "alert_deliveries", grouped) == ("cancelled", why)


@pytest.mark.parametrize("doing", [Unacknowledge("ann"), Assign("ann", "b"), Note("ann", "n")])
def test_other_acts_hold_nothing_back(scratch, doing):
    person = {"attention": "reviewing", "acknowledged_by": "x", "acknowledged_at": NOW}
    alert_id = rows.store(scratch, **person)
    waiting = rows.message(scratch, alert_id)
    assert do(scratch, alert_id, doing, NOW).done
    assert rows.status(scratch, "alert_queues", waiting)[0] == "queued"


def test_a_snoozed_message_says_until_when(scratch):
    alert_id = rows.store(scratch)
    waiting = rows.message(scratch, alert_id)
    act(acts.snooze_alerts, scratch, alert_id, who="ann", length=MINUTE, now=NOW)
    statement = "SELECT snooze_until FROM alert_queues WHERE id = %s"
    assert scratch.execute(statement, (waiting,)).fetchone() == (NOW + MINUTE,)


# who may ------------------------------------------------------------------------------------------


@each_act
def test_a_worker_may_act_and_a_reader_may_not(scratch, doing):
    alert_id = rows.store(scratch)
    for role, may in (("buybox_worker", True), ("ops_reader", False)):
        (found,) = scratch.execute(
            "SELECT has_function_privilege(%s, p.oid, 'EXECUTE') FROM pg_proc AS p"
            " WHERE p.proname = 'buybox_' || %s || '_alert'",
            (role, type(doing).__name__.lower()),
        ).fetchone()
        assert found is may
    scratch.execute("SET LOCAL ROLE buybox_worker")
    assert do(scratch, alert_id, doing, NOW).code != "no-alert"


def test_nobody_goes_around_the_doors(scratch):
    """The functions behind them are for the doors alone; all have a fixed search_path."""
    found = scratch.execute(
        "SELECT proname, has_function_privilege('buybox_worker', oid, 'EXECUTE'), prosecdef,"
        " 'search_path=public, pg_temp' = ANY (proconfig)"
        " FROM pg_proc WHERE proname ~ '^buybox_(judge|refuse|store_act|act_on|withhold|.*_alert$)'"
    ).fetchall()
    doors = {f"buybox_{type(doing).__name__.lower()}_alert" for doing in PEOPLE}
    assert {name for name, *_ in found} > doors
    for name, may, as_owner, fixed in found:
        # T2 withholds what is old news, with the rights that a worker has on the tables.
        allowed = name in doors or name == "buybox_withhold_messages"
        assert (may, as_owner, fixed) == (allowed, name in doors, True), name


def test_who_may_only_act_needs_no_table(scratch):
    """As the API's role will: the doors act as their owner."""
    alert_id = rows.store(scratch)
    rows.message(scratch, alert_id)
    scratch.execute("CREATE ROLE buybox_who_only_acts NOLOGIN")
    scratch.execute("GRANT USAGE ON SCHEMA public TO buybox_who_only_acts")
    scratch.execute("GRANT EXECUTE ON FUNCTION buybox_acknowledge_alert TO buybox_who_only_acts")
    scratch.execute("SET LOCAL ROLE buybox_who_only_acts")
    assert do(scratch, alert_id, Acknowledge("ann"), NOW).done
    with pytest.raises(psycopg.errors.InsufficientPrivilege), scratch.transaction():
        do(scratch, alert_id, Resolve("ann"), NOW)
    with pytest.raises(psycopg.errors.InsufficientPrivilege), scratch.transaction():
        scratch.execute("SELECT 1 FROM alerts")


def test_a_table_of_the_caller_s_own_changes_no_rule(scratch):
    alert_id = rows.store(scratch)
    scratch.execute(
        "CREATE TEMP TABLE alert_settings (snooze_default interval, snooze_max interval)"
    )
    scratch.execute("INSERT INTO alert_settings VALUES ('1 year', '9 years')")
    assert do(scratch, alert_id, Snooze("ann", timedelta(days=9)), NOW).code == "snooze-too-long"
