"""Two people at one alert, a person and the data, interleaved by hand: one wins, the other is told."""

from __future__ import annotations

import json

import pytest
from msgspec.structs import replace

from db import acts
from tests import alert_rows as rows
from tests.acting import act
from tests.alerts import NOW, alert
from tests.interleave import Background, Ear, begin

END = {"attention": "resolved", "resolution": "manual", "resolved_by": "x", "resolved_at": NOW}


@pytest.fixture
def first(open_connection):
    return begin(open_connection())


@pytest.fixture
def second(open_connection):
    return open_connection(autocommit=True)


def test_of_two_who_acknowledge_at_once_one_wins_and_the_other_is_told(conn, first, second):
    alert_id = rows.store(conn)
    assert act(acts.acknowledge_alerts, first, alert_id, who="ann", note=None, now=NOW).done
    late = Background(
        act, acts.acknowledge_alerts, second, alert_id, who="bob", note="mine", now=NOW
    ).until_blocked(conn)
    first.commit()
    assert late.result() == (
        alert_id,
        False,
        "already-acknowledged",
        "It is acknowledged: ann has been on it since 12:00 UTC.",
    )
    assert rows.row(conn, alert_id)["note"] is None
    assert [one["who"] for one in rows.events(conn, alert_id)] == ["ann"]


def test_who_comes_second_wins_if_the_first_takes_it_back(conn, first, second):
    alert_id = rows.store(conn)
    act(acts.acknowledge_alerts, first, alert_id, who="ann", note=None, now=NOW)
    late = Background(
        act, acts.acknowledge_alerts, second, alert_id, who="bob", note=None, now=NOW
    ).until_blocked(conn)
    first.rollback()
    assert late.result().done
    assert rows.row(conn, alert_id)["acknowledged_by"] == "bob"


def test_an_acknowledgement_that_comes_after_a_resolve_is_refused(conn, first, second):
    alert_id = rows.store(conn)
    assert act(acts.resolve_alerts, first, alert_id, who="ann", now=NOW).done
    late = Background(
        act, acts.acknowledge_alerts, second, alert_id, who="bob", note=None, now=NOW
    ).until_blocked(conn)
    first.commit()
    assert late.result().message == "It has ended at 2026-03-10 12:00 UTC (manual, ann)."


def test_a_resolve_that_comes_after_an_acknowledgement_ends_it_and_says_so(conn, first, second):
    alert_id = rows.store(conn)
    act(acts.acknowledge_alerts, first, alert_id, who="ann", note=None, now=NOW)
    late = Background(act, acts.resolve_alerts, second, alert_id, who="bob", now=NOW).until_blocked(
        conn
    )
    first.commit()
    assert late.result().done
    assert [one["ended"] for one in rows.events(conn, alert_id)] == [[], ["acknowledgement"]]
    assert rows.row(conn, alert_id)["acknowledged_by"] == "ann"


def test_a_snooze_that_meets_a_rise_is_told_which_alert_to_act_on(conn, first, second):
    """The worse alert takes the place in the worker's transaction, while somebody wants quiet."""
    old = rows.store(conn)
    superseded = END | {"resolution": "superseded"}
    first.execute("SELECT 1 FROM alerts WHERE id = %s FOR UPDATE", (old,))
    late = Background(
        act, acts.snooze_alerts, second, old, who="ann", length=None, now=NOW
    ).until_blocked(conn)
    assignments = ", ".join(f"{name} = %({name})s" for name in superseded)
    first.execute(f"UPDATE alerts SET {assignments} WHERE id = {old}", superseded)
    new = rows.store(first, replace(alert("critical"), id=None), supersedes=old)
    first.execute("UPDATE alerts SET superseded_by = %s WHERE id = %s", (new, old))
    first.commit()
    assert late.result().message == f"It became worse: act on the alert #{new} in its place."
    assert rows.row(conn, new)["snooze_until"] is None


@pytest.mark.parametrize("raised", [True, False])
def test_reopening_what_is_raised_anew_at_this_moment(conn, first, second, raised):
    """The newer alert cannot be seen yet: the index of open alerts makes the reopening wait."""
    old = rows.store(conn, replace(alert(), id=None), **END)
    new = rows.store(first, replace(alert(), id=None))
    late = Background(act, acts.reopen_alerts, second, old, who="ann", now=NOW).until_blocked(conn)
    if raised:
        first.commit()
        why = f"A newer alert has taken its place: act on #{new}."
        assert late.result() == (old, False, "superseded", why)
        assert rows.events(conn, old) == []
    else:
        first.rollback()
        assert late.result().done
    one_open = "SELECT count(*) FROM alerts WHERE attention <> 'resolved'"
    assert conn.execute(one_open).fetchone() == (1,)


def test_a_delivery_about_two_alerts_is_cancelled_by_who_holds_back_the_last(conn, first, second):
    one, other = rows.store(conn), rows.store(conn, rows.product("B0OTHER001"))
    both = rows.delivery(conn, rows.message(conn, one), rows.message(conn, other))
    act(acts.acknowledge_alerts, first, one, who="ann", note=None, now=NOW)
    late = Background(
        act, acts.acknowledge_alerts, second, other, who="bob", note=None, now=NOW
    ).until_blocked(conn)
    first.commit()
    assert late.result().done
    assert rows.status(conn, "alert_deliveries", both) == (
        "cancelled",
        "acknowledged by bob before it was sent",
    )


def test_an_act_on_several_meets_an_analysis_at_the_first_and_holds_none_of_the_others(
    conn, first, open_connection
):
    """Analyses lock by subject, whatever the order of the ids: neither waits for the other in turn."""
    last, soonest = (rows.store(conn, rows.product(asin)) for asin in ("B0LAST0009", "B0FIRST001"))
    first.execute("SELECT FROM alerts WHERE id = %s FOR UPDATE", (soonest,))
    acting = begin(open_connection())
    late = Background(
        acts.acknowledge_alerts, acting, [last, soonest], who="ann", now=NOW
    ).until_blocked(conn)
    conn.execute("SELECT FROM alerts WHERE id = %s FOR UPDATE NOWAIT", (last,))
    first.commit()
    assert [one.done for one in late.result()] == [True, True]


def test_an_act_rings_once_and_a_refusal_does_not(conn, open_connection):
    ear = Ear(open_connection, "buybox_alerts")
    alert_id = rows.store(conn)
    act(acts.acknowledge_alerts, conn, alert_id, who="ann", note="n", now=NOW)
    act(acts.acknowledge_alerts, conn, alert_id, who="bob", note=None, now=NOW)
    (bell,) = ear.heard()
    assert json.loads(bell.payload) == {
        "v": 1,
        "changed": [["A1F83G8C2ARO7P:B0ALERTS01", "high"]],
        "more": False,
    }
