"""Alerts and sightings for tests of the lifecycle, at one moment `NOW`, all of one product."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from msgspec.structs import replace

from tests.people import advance
from worker.alerts.events import Sighting
from worker.alerts.settings import AlertSettings
from worker.alerts.values import Alert, AlertSubject

NOW = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
SUBJECT = AlertSubject("A1OWN", "A1F83G8C2ARO7P", "B0ALERTS01", "new", "price")
SETTINGS = AlertSettings()


def sighting(severity="high", at=NOW, **values):
    return Sighting(SUBJECT, severity, at, **values)


def unknown(severity="info", at=NOW, **values):
    return sighting(severity, at, missing="the own offer is unknown", **values)


def alert(severity="high", **values):
    """An open alert, raised and told ten minutes ago."""
    then = NOW - 10 * MINUTE
    plain = Alert(
        SUBJECT, severity, then, then, then, then, id=1, last_told_at=then, facts={"gap": "21 %"}
    )
    return replace(plain, **values)


def delivered(severity="high", **values):
    then = NOW - 10 * MINUTE
    return alert(
        severity,
        **({"attention": "delivered", "delivered_at": then, "timeout_from": then} | values),
    )


def reviewing(severity="high", **values):
    then = NOW - 5 * MINUTE
    person = {"acknowledged_by": "ann", "acknowledged_at": then, "timeout_from": then}
    return delivered(severity, **({"attention": "reviewing", "looked_at": then} | person | values))


def snoozed(severity="high", until=NOW + 20 * MINUTE, **values):
    return delivered(severity, snooze_until=until, snoozed_by="ann", **values)


def falling(severity="high", since=NOW - 2 * MINUTE, **values):
    below = {f"below_{level}_since": since for level in ("critical", "high", "warning")}
    return delivered(severity, **(below | values))


def ended(resolution, *, ago=10 * MINUTE, **values):
    end = {"attention": "resolved", "resolution": resolution, "resolved_at": NOW - ago}
    condition = "cleared" if resolution == "cleared" else "firing"
    return delivered(**(end | {"resolved_by": "bob", "condition": condition} | values))


def shown(outcome):
    """An outcome in a line: changes, `/` with what each ended, `!` if told; or `x` and the code."""
    if hasattr(outcome, "why"):
        return f"x {outcome.code}"
    letters = {"acknowledgement": "A", "snooze": "S", "note": "N", "assignment": "W"}
    return (
        " ".join(
            t.change
            + ("/" + "".join(letters[e] for e in t.ended) if t.ended else "")
            + ("!" if hasattr(t.voice, "kind") else "")
            for t in outcome.transitions
        )
        or "."
    )


def play(story, start=None):
    """Run (event, minutes after NOW) pairs: the last step, and what was told with its minute."""
    current, step, told = start, None, []
    for n, (event, minute) in enumerate(story):
        step = advance(current, event, NOW + minute * MINUTE, SETTINGS)
        current = step.alert and replace(step.alert, id=step.alert.id or 100 + n)
        told += [(tell.kind, minute) for tell in step.told]
    return replace(step, alert=current), told
