"""What the states of one transaction say to their alerts, one after the other. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from functools import lru_cache

from worker.alerts.account import ASSESSED, Account, Kept, is_at_rest
from worker.alerts.evidence import kinds_of, severities_of, sighting_of
from worker.alerts.facts import MARGINS_KNOWN, facts_of, has_margins
from worker.alerts.flapping import STEADY, Flap, Seen
from worker.alerts.lifecycle import advance
from worker.alerts.steps import Refusal
from worker.alerts.values import AlertSubject, Kind, rank
from worker.analysis.decide import Heard
from worker.analysis.severity import Severity
from worker.analysis.state import ProductState, SeveritySettings, Subject


def subjects_of(products: Iterable[Subject]) -> list[str]:
    """The subject keys of all alerts that these products may have, in order."""
    return sorted({key for product in products for key in _keys(product).values()})


def hear(
    account: Account,
    heard: Iterable[Heard],
    known: Collection[Subject],
    severity: SeveritySettings,
) -> None:
    """Let each alert hear each state, in the order of their events.

    `known` are the products that had a state before: a new alert of theirs has an all clear behind
    it.
    """
    for state, trace_id in heard:
        account.tallies[ASSESSED] += 1
        keys = _keys(state.subject)
        for kind, seen in severities_of(state).items():
            kept = account.newest.get(keys[kind])
            if not is_at_rest(kept, seen):
                was_well = state.subject in known
                _hear(account, kept, state, kind, seen, trace_id, severity, was_well=was_well)
    account.hold_back_what_passed()


def _hear(
    account: Account,
    kept: Kept | None,
    state: ProductState,
    kind: Kind,
    seen: Severity,
    trace_id: str,
    severity: SeveritySettings,
    *,
    was_well: bool,
) -> None:
    margins_known = has_margins(state.economics)
    if kept is not None and kept.alert.condition == "firing":
        margins_known = margins_known or bool(kept.alert.facts.get(MARGINS_KNOWN))
    facts = facts_of(state, margins_known=margins_known)
    health = None
    if state.health is not None:
        health = account.newest.get(_keys(state.subject)[kinds_of(state.subject)[-1]])
    sighting = sighting_of(
        state,
        kind,
        seen,
        severity,
        facts,
        costs_known=margins_known,
        health_alert=health.alert if health else None,
    )
    flap = _flap(kept, account.now, was_well=was_well)
    alert = kept.alert if kept else None
    step = advance(alert, sighting, account.now, account.settings, flap)
    if isinstance(step, Refusal):
        account.tallies[step.code] += 1
        return
    account.take(step, trace_id=trace_id)
    was_bad = bool(flap.seen) and flap.seen[-1].severity is not None
    if was_bad and not rank(seen) and sighting.missing is None:
        account.all_clear(account.newest[sighting.subject.key].alert, seen)


def _flap(kept: Kept | None, now: datetime, *, was_well: bool) -> Flap:
    """What the subject looks back on.

    Nothing is kept of a subject that was only well of late: one such assessment says as much as
    twenty.
    """
    if kept is not None and (kept.flap != STEADY or kept.alert.condition == "firing"):
        return kept.flap
    return Flap((Seen(now, None),)) if was_well else STEADY


@lru_cache(maxsize=16_384)
def _keys(s: Subject) -> Mapping[Kind, str]:
    """The subject key of each alert that a product may have."""
    product = s.seller_id, s.marketplace_id, s.asin, s.item_condition
    return {kind: AlertSubject(*product, kind).key for kind in kinds_of(s)}
