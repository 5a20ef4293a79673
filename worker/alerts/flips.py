"""The remark that a subject became unstable or settled, which belongs to no single alert."""

from __future__ import annotations

from datetime import datetime

from msgspec.structs import replace

from worker.alerts import flapping
from worker.alerts.draft import Draft
from worker.alerts.flapping import Flap
from worker.alerts.steps import Quiet, Step, Tell, Transition, Voice
from worker.alerts.values import Alert, TellKind
from worker.alerts.voice import voice


def flipped(draft: Draft, before: Flap, who: str, inhibited: str | None) -> Step:
    """The finished step, the remark first if there is one. `inhibited` mutes the subject now."""
    step = draft.step()
    change = flapping.flip(before, step.flap)
    if change is None:
        return step
    if change == "unstable":
        said, why = _unstable(draft, step, inhibited)
        if isinstance(said, Quiet):  # nobody has heard of it, so nothing is old news
            step = replace(step, flap=replace(step.flap, peak=None))
    else:
        said, why = _settled(draft, step, before, inhibited)
    phase = step.alert.phase if step.alert else None
    remark = Transition(change, "subject", phase, phase, who, why, said)
    return replace(step, transitions=(remark, *step.transitions))


def _unstable(draft: Draft, step: Step, inhibited: str | None) -> tuple[Voice, str]:
    peak = step.flap.peak
    why = flapping.describe(step.flap, draft.now, draft.settings)
    why += f"; from now on only worse than {peak} is told"
    hushed = _hushed("unstable", step.alert, step.flap, draft.now, inhibited)
    return hushed or Tell("unstable", peak, why), why


def _settled(draft: Draft, step: Step, before: Flap, inhibited: str | None) -> tuple[Voice, str]:
    alert = step.alert
    severity = alert.severity if alert and alert.condition == "firing" else None
    why = f"stable again: {severity or 'all clear'}"
    if alert and severity and not alert.is_open:
        return Quiet("resolved", f"it ended before ({alert.resolution}) and is still true"), why
    if before.peak is None:
        return Quiet("never-told", "nobody was told that it was unstable"), why
    if step.told:
        return Quiet("told-otherwise", "another message about it is due at this moment"), why
    hushed = _hushed("settled", step.alert, step.flap, draft.now, inhibited)
    return hushed or Tell("settled", severity, why), why


def _hushed(
    kind: TellKind, alert: Alert | None, flap: Flap, now: datetime, inhibited: str | None
) -> Quiet | None:
    if inhibited is not None:
        return Quiet("inhibited", f"muted: {inhibited}")
    if alert is None or not alert.is_open:
        return None
    said = voice(kind, alert, flap, now, "")
    return said if isinstance(said, Quiet) else None
