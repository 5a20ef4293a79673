"""People's acts as values, done in SQL the way db/acts.py sends them."""

from __future__ import annotations

import pytest

from db import acts
from tests.people import Acknowledge, Assign, Note, Reopen, Resolve, Snooze, Unacknowledge

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


def act(doing, conn, alert_id, **given):
    """An act on one alert: what came of it."""
    return doing(conn, [alert_id], **given)[0]


def do(conn, alert_id, doing, now):
    """The act in SQL, as db/acts.py sends it."""
    who = doing.who
    match doing:
        case Acknowledge():
            return act(acts.acknowledge_alerts, conn, alert_id, who=who, note=doing.note, now=now)
        case Unacknowledge():
            return act(acts.unacknowledge_alerts, conn, alert_id, who=who, now=now)
        case Assign():
            return act(
                acts.assign_alerts, conn, alert_id, who=who, assignee=doing.assignee, now=now
            )
        case Note():
            return act(acts.note_alerts, conn, alert_id, who=who, note=doing.text, now=now)
        case Snooze():
            return act(acts.snooze_alerts, conn, alert_id, who=who, length=doing.length, now=now)
        case Resolve():
            return act(acts.resolve_alerts, conn, alert_id, who=who, now=now)
        case Reopen():
            return act(acts.reopen_alerts, conn, alert_id, who=who, now=now)
