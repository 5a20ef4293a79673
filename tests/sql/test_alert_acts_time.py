"""The time of an act is one that everybody who reads the alert can show: not just Postgres."""

from __future__ import annotations

import pytest

from db.dashboard import read_product_alerts
from tests import alert_rows as rows

DOORS = (
    "SELECT * FROM buybox_acknowledge_alert(%(id)s, 'ann', at => %(at)s)",
    "SELECT * FROM buybox_snooze_alert(%(id)s, 'ann', at => %(at)s)",
    "SELECT * FROM buybox_resolve_alert(%(id)s, 'ann', at => %(at)s)",
)


@pytest.mark.parametrize("at", ["infinity", "-infinity", "20000-01-01", "0044-03-15 BC"])
@pytest.mark.parametrize("door", DOORS)
def test_an_act_at_a_time_that_no_program_can_read_is_refused(conn, door, at):
    one = rows.store(conn)
    (before,) = conn.execute("SELECT a::text FROM alerts AS a").fetchone()
    _, done, code, _ = conn.execute(door, {"id": one, "at": at}).fetchone()
    found = conn.execute("SELECT marketplace_id, asin FROM alerts").fetchone()
    assert read_product_alerts(conn, marketplace=found[0], asin=found[1])  # the dashboard's list
    assert (done, code) == (False, "no-time")
    assert conn.execute("SELECT a::text FROM alerts AS a").fetchone() == (before,)


@pytest.mark.parametrize("length", ["'1 day'", "NULL"])
def test_a_day_is_of_24_hours_whatever_the_clocks_of_the_caller_do_that_night(conn, length):
    conn.execute("SET timezone = 'Europe/London'")
    conn.execute("UPDATE alert_settings SET snooze_default = '1 day', snooze_max = '1 day'")
    one, noon = rows.store(conn), "2026-03-28 12:00Z"
    conn.execute(f"SELECT * FROM buybox_snooze_alert(%s, 'ann', {length}, %s)", (one, noon))
    (kept,) = conn.execute(
        "SELECT snooze_until = %s::timestamptz + interval '24 hours' FROM alerts", (noon,)
    ).fetchone()
    assert kept


@pytest.mark.parametrize("door", DOORS)
def test_an_act_whose_time_is_null_is_one_of_now(scratch, door):
    one = rows.store(scratch)
    assert scratch.execute(door, {"id": one, "at": None}).fetchone()[1]
    assert scratch.execute("SELECT updated_at = now() FROM alerts").fetchall() == [(True,)]
