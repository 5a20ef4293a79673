"""People's acts as values, done in SQL the way db/alert_acts.py sends them."""

from __future__ import annotations

import pytest

from db import alert_acts
from worker.alerts.events import (
    Acknowledge,
    Assign,
    Note,
    Reopen,
    Resolve,
    Snooze,
    Unacknowledge,
)

PEOPLE = (
    Acknowledge("ann"),
    Unacknowledge("ann"),
    Assign("ann", "bob"),
    Note("ann", "looks odd"),
    Snooze("ann"),
    Resolve("ann"),
    Reopen("ann"),
)
each_act = pytest.mark.parametrize("doing", PEOPLE, ids=lambda a: type(a).__name__)


def do(conn, alert_id, doing, now):
    """The act in SQL, as db/alert_acts.py sends it."""
    who = doing.who
    match doing:
        case Acknowledge():
            return alert_acts.acknowledge_alert(conn, alert_id, who=who, note=doing.note, now=now)
        case Unacknowledge():
            return alert_acts.unacknowledge_alert(conn, alert_id, who=who, now=now)
        case Assign():
            return alert_acts.assign_alert(
                conn, alert_id, who=who, assignee=doing.assignee, now=now
            )
        case Note():
            return alert_acts.note_alert(conn, alert_id, who=who, note=doing.text, now=now)
        case Snooze():
            return alert_acts.snooze_alert(conn, alert_id, who=who, length=doing.length, now=now)
        case Resolve():
            return alert_acts.resolve_alert(conn, alert_id, who=who, now=now)
        case Reopen():
            return alert_acts.reopen_alert(conn, alert_id, who=who, now=now)
