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
