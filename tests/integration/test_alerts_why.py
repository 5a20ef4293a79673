"""`buybox alerts why`: a message that was suppressed, one that was batched, one that was delivered."""

from __future__ import annotations

import json

import pytest

from tests import alert_rows as rows
from tests.alerts import MINUTE, NOW


def lines(done) -> list[str]:
    assert done.exit_code == 0, done.output
    return done.stdout.splitlines()


def verdicts(done) -> dict[str, str]:
    """Station to verdict, of the lines of `why`."""
    return {
        parts[0]: " ".join(parts[1:])
        for parts in (one.split() for one in lines(done) if one.startswith("  "))
    }


def test_why_a_suppressed_one_was_not_told(conn, buybox_alerts):
    one = rows.store(conn, inhibited_by="nobody has the Buy Box", last_heard="deduplicated: seen")
    why = "muted: nobody has the Buy Box"
    rows.event(conn, one, "raised", quiet="inhibited", voice_why=why)
    done = buybox_alerts("why", one)
    found = verdicts(done)
    assert found["snooze"] == "passed a message of the kind raised does not heed it"
    assert found["inhibition"] == f"stopped {why}"
    assert found["flapping"] == found["channel"] == "not reached"
    assert f"so: not told: inhibition: {why}" in lines(done)
    assert "heard last: deduplicated: seen (2026-03-10 11:50:00 UTC)" in lines(done)


@pytest.mark.parametrize(
    ("quiet", "station"),
    [
        ("deduplicated", "dedup"),
        ("told-otherwise", "dedup"),
        ("waiting-to-fall", "sighting"),
        ("acknowledged", "acknowledgement"),
        ("snoozed", "snooze"),
        ("unstable", "flapping"),
    ],
)
def test_each_reason_to_be_quiet_stops_at_its_station(conn, buybox_alerts, quiet, station):
    one = rows.store(conn)
    rows.event(conn, one, "repeated", quiet=quiet)
    done = buybox_alerts("why", one)
    assert f"so: not told: {station}: why repeated" in lines(done)
    if station == "flapping":
        assert verdicts(done)["snooze"] == "passed nobody had snoozed it"


def test_why_a_batched_one_is_told_later_and_with_whom(conn, buybox_alerts):
    one, other = rows.store(conn), rows.store(conn, rows.product("B0OTHER001"))
    raised = rows.event(conn, one, "raised")
    batch = {"queue": "standard", "reach": "batch", "reason": "warning: the next batch"}
    waiting = rows.message(conn, one, raised, **batch, scheduled_at=NOW + 5 * MINUTE)
    when = "standard, batch, for 2026-03-10 12:05:00 UTC: warning: the next batch"
    done = buybox_alerts("why", one)
    assert verdicts(done)["queue"] == f"waits {when}"
    assert f"so: not told yet: queue: {when}" in lines(done)

    conn.execute("UPDATE alert_queues SET dispatched_at = %s", (NOW,))
    together = rows.message(conn, other, **batch)
    rows.delivery(conn, waiting, together, reach="batch", attempts=1, last_error="421 [busy]")
    found = verdicts(buybox_alerts("why", one))
    assert found["limits"] == "passed one of 2 in one message"
    assert found["route"] == "passed phone (apprise): the route takes critical"
    when = "next at 2026-03-10 12:00:00 UTC"
    assert found["channel"] == f"waits phone, 1 attempt, {when}: failed: 421 [busy]"


def test_why_a_delivered_one_was_told(conn, buybox_alerts):
    one = rows.store(conn)
    rose = rows.event(conn, one, "rose")
    sent = rows.message(
        conn, one, rose, status="delivered", delivered_at=NOW, dispatched_at=NOW, tell="rose"
    )
    rows.delivery(conn, sent, status="delivered", delivered_at=NOW + MINUTE, attempts=2)
    trouble = {"attempts": 3, "error_class": "auth", "last_error": "535 no", "channel": "mail"}
    rows.delivery(conn, sent, route_name="mail", status="failed", **trouble)
    done = buybox_alerts("why", one)
    assert verdicts(done)["snooze"] == "passed a message of the kind rose does not heed it"
    assert verdicts(done)["limits"] == "passed by itself"
    so = "so: told: phone took it at 2026-03-10 12:01:00 UTC; elsewhere it did not arrive"
    assert so in lines(done)
    assert "  channel          stopped      mail gave up, 3 attempts: auth: 535 no" in lines(done)


def test_why_one_was_not_sent_any_more_after_an_acknowledgement(conn, buybox_alerts):
    one = rows.store(conn)
    raised = rows.event(conn, one, "raised")
    rows.delivery(conn, rows.message(conn, one, raised, dispatched_at=NOW))
    buybox_alerts("ack", one)
    found = json.loads(buybox_alerts("why", one, "--json").stdout)
    why = "acknowledged by ann before it was sent"
    assert found["outcome"].endswith(why)
    assert found["outcome"].startswith("not told: queue: ")
    assert found["stations"][-1] == {"name": "channel", "verdict": "stopped", "reason": why}


def test_why_no_route_took_it(conn, buybox_alerts):
    one = rows.store(conn)
    raised = rows.event(conn, one, "raised")
    why = "no route takes high"
    rows.message(conn, one, raised, status="suppressed", dispatched_at=NOW, reason=why)
    assert why in buybox_alerts("why", one).stdout


def test_why_of_an_earlier_message(conn, buybox_alerts):
    one = rows.store(conn)
    raised = rows.event(conn, one, "raised")
    again = rows.event(conn, one, "repeated", quiet="snoozed", at=NOW + MINUTE)
    done = buybox_alerts("why", one)
    assert f"message #{again}, repeated, 2026-03-10 12:01:00 UTC:" in lines(done)
    assert f"also #{raised}, raised, 2026-03-10 12:00:00 UTC: told" in lines(done)
    found = json.loads(buybox_alerts("why", one, "--event", raised, "--json").stdout)
    assert (found["change"], found["event_id"]) == ("raised", raised)
    nothing = buybox_alerts("why", one, "--event", 999)
    assert (nothing.exit_code, f"{raised}, {again}" in nothing.stderr) == (1, True)
