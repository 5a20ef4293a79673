"""The lifecycle of an alert: what an event does to it. Pure; the one door is `advance`.

It is given the subject's newest alert, open or ended, since one that ended without a clear may
still be true. What data do is in `sighted`, what time does in `clock`, what keeps a message back in
`voice`, when a subject is unstable in `flapping`. People's acts are SQL functions, `db.acts`.
"""

from __future__ import annotations

from datetime import datetime

from msgspec.structs import replace

from worker.alerts import flapping
from worker.alerts.clock import remind, settle
from worker.alerts.draft import Draft
from worker.alerts.events import AlertEvent, Delivered, Sighting, Tick
from worker.alerts.flapping import STEADY, Flap
from worker.alerts.flips import flipped
from worker.alerts.noise import inhibition
from worker.alerts.settings import AlertSettings
from worker.alerts.sighted import sight, why_not
from worker.alerts.steps import CLOCK, DATA, DELIVERY, Quiet, Refusal, Step, Transition
from worker.alerts.values import Alert


def advance(
    alert: Alert | None,
    event: AlertEvent,
    now: datetime,
    settings: AlertSettings,
    flap: Flap = STEADY,
) -> Step | Refusal:
    """What the event does to the subject's newest alert (None: it never had one) and its flap.

    A refusal changes nothing and says why. No event in any state makes this raise an exception.
    """
    match event:
        case Sighting():
            return why_not(alert, event) or _sight(alert, event, now, settings, flap)
        case Tick():
            return _tick(alert, now, settings, flap)
        case Delivered():
            return _deliver(alert, event, now, flap)


def _sight(
    alert: Alert | None, sighting: Sighting, now: datetime, settings: AlertSettings, flap: Flap
) -> Step:
    """Time first, then the data, then what people should not forget."""
    if sighting.missing is None:
        after = flapping.note(flap, sighting.severity, now, settings)
    else:
        after = flapping.judge(flap, now, settings)
    draft = Draft(alert, now, settings, after)
    settle(draft)
    sight(draft, sighting)
    remind(draft)
    return flipped(draft, flap, DATA, inhibition(sighting))


def _tick(alert: Alert | None, now: datetime, settings: AlertSettings, flap: Flap) -> Step:
    if alert is not None and alert.superseded_by is not None:
        return Step(alert, STEADY)  # the alert that took its place follows the clock
    draft = Draft(alert, now, settings, flapping.judge(flap, now, settings))
    settle(draft)
    remind(draft)
    # An open alert itself says what mutes it; an ended one knows only what muted it before.
    return flipped(draft, flap, CLOCK, None)


def _deliver(alert: Alert | None, delivery: Delivered, now: datetime, flap: Flap) -> Step | Refusal:
    """The first delivery starts the time until the timeout, unless it has started already."""
    if alert is None:
        return Refusal("no-alert", "There is no alert that could have been delivered.")
    if not alert.is_open:
        return Refusal("already-resolved", f"The alert had ended ({alert.resolution}) before.")
    if alert.delivered_at is not None:
        return Step(alert, flap)
    after = replace(
        alert,
        attention="delivered" if alert.attention == "new" else alert.attention,
        delivered_at=now,
        timeout_from=alert.timeout_from or now,
    )
    said = Quiet("bookkeeping", "a delivery is no news")
    reason = f"{delivery.channel} took the message"
    delivered = Transition("delivered", "alert", alert.phase, after.phase, DELIVERY, reason, said)
    return Step(after, flap, (delivered,))
