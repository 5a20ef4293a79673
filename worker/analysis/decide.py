"""From claimed rows and known states to what must be written. Pure: no clock, no database."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import groupby
from typing import NamedTuple

import msgspec
from msgspec.structs import replace

from economics.costing import NOTHING_KNOWN, Economy
from economics.facts import facts_from_json
from worker.analysis.state import (
    Assessment,
    Depth,
    Event,
    Moment,
    ProductState,
    SeveritySettings,
    Subject,
    apply_event,
)
from worker.errors import PermanentError, UnreadableFactsError

RETRY_FIRST = timedelta(seconds=2)
RETRY_LONGEST = timedelta(minutes=5)
UNREADABLE_ATTEMPTS = 12
"""Attempts at what another version wrote: during a deploy an ingester may be newer than a worker.
They take 12 to 24 minutes, in which the worker is renewed too; those of other errors seconds."""


class Claimed(msgspec.Struct, frozen=True, gc=False):
    """A notification in hand, its facts still as JSON (None: the body was dropped)."""

    row_id: int
    subject: Subject
    moment: Moment
    attempts: int
    trace_id: str
    facts_json: str | None


@dataclass(frozen=True, slots=True)
class FailedAttempt:
    """One notification whose analysis raised. `next_attempt_at` None: given up."""

    claimed: Claimed
    error_type: str
    error_message: str
    next_attempt_at: datetime | None


class Heard(NamedTuple):
    """A state as one message left it, for the alerts to hear, and the trace of that message."""

    state: ProductState
    trace_id: str


@dataclass(slots=True)
class Decision:
    """Everything one transaction has to write, and what the alerts are to hear, in order.

    `noted` are the states in which nothing changed but the lows remembered: nobody is told. What a
    late message says is history, and no alert hears it, unless it ends a PRICING_HEALTH.
    """

    states: list[ProductState] = field(default_factory=list)
    noted: list[ProductState] = field(default_factory=list)
    assessments: list[Assessment] = field(default_factory=list)
    failed: list[FailedAttempt] = field(default_factory=list)
    heard: list[Heard] = field(default_factory=list)


def decide(
    claimed: Iterable[Claimed],
    known: Mapping[Subject, ProductState],
    settings: SeveritySettings,
    *,
    now: datetime,
    max_attempts: int,
    jitter: random.Random,
    economy: Economy = NOTHING_KNOWN,
) -> Decision:
    """Apply the claimed notifications to the known states in event order.

    A notification whose analysis raises is set apart with its error; the others go on.
    """
    decision = Decision()
    for subject, group in groupby(sorted(claimed, key=_order), key=lambda c: c.subject):
        course = _run(known.get(subject), list(group), settings, economy)
        decision.assessments += course.assessments
        decision.heard += course.heard
        decision.failed += (
            failed_attempt(one, error, now=now, max_attempts=max_attempts, jitter=jitter)
            for one, error in course.errors
        )
        before, after = known.get(subject), course.after
        if not course.assessments or after == before:
            continue
        only_noted = before is not None and replace(before, low_points=after.low_points) == after
        changed = decision.noted if only_noted else decision.states
        changed.append(replace(after, version=after.version + 1))
    return decision


@dataclass(slots=True)
class _Course:
    """What the messages of one subject came to."""

    after: ProductState
    assessments: list[Assessment] = field(default_factory=list)
    heard: list[Heard] = field(default_factory=list)
    errors: list[tuple[Claimed, Exception]] = field(default_factory=list)


def _run(
    known: ProductState | None,
    claimed: Sequence[Claimed],
    settings: SeveritySettings,
    economy: Economy,
) -> _Course:
    """Apply one subject's messages to its state, in the order given: that of events.

    All but the last are taken as passed over, which is cheaper, and right if the last becomes the
    state. Where it does not (it says nothing of the market, or failed), all are taken again.
    """
    before = known or ProductState(claimed[0].subject, policy=settings.policy)
    course = _apply(before, claimed, settings, economy, passed_over=len(claimed) - 1)
    if course.after.row_id in {before.row_id, claimed[-1].row_id}:
        return course
    return _apply(before, claimed, settings, economy, passed_over=0)


def _apply(
    state: ProductState,
    claimed: Sequence[Claimed],
    settings: SeveritySettings,
    economy: Economy,
    *,
    passed_over: int,
) -> _Course:
    course = _Course(state)
    for place, one in enumerate(claimed):
        try:
            depth: Depth = "margins" if place < passed_over else "advice"
            after, assessment = apply_event(course.after, _event(one), settings, economy, depth)
        except Exception as error:  # noqa: BLE001  whatever it is, it concerns this one only
            course.errors.append((one, error))
            continue
        course.assessments.append(assessment)
        if assessment.outcome != "late" or after.health is not course.after.health:
            course.heard.append(Heard(after, one.trace_id))
        course.after = after
    return course


def _order(claimed: Claimed) -> tuple[Subject, Moment]:
    return claimed.subject, claimed.moment


def failed_attempt(
    claimed: Claimed,
    error: Exception,
    *,
    now: datetime,
    max_attempts: int,
    jitter: random.Random,
) -> FailedAttempt:
    """What an error means for one notification: another try later, or giving up.

    An error of unknown kind may be a bug that the next deploy mends, so it is tried again too.
    """
    attempt = claimed.attempts + 1
    if isinstance(error, UnreadableFactsError):
        max_attempts = max(max_attempts, UNREADABLE_ATTEMPTS)
    hopeless = isinstance(error, PermanentError) or attempt >= max_attempts
    return FailedAttempt(
        claimed,
        type(error).__name__,
        str(error)[:1000].replace("\x00", ""),
        None if hopeless else now + backoff(attempt, jitter),
    )


def backoff(attempt: int, jitter: random.Random) -> timedelta:
    """How long to wait after an attempt (1 is the first): doubling, capped, half jittered."""
    longest: timedelta = min(RETRY_LONGEST, RETRY_FIRST * 2 ** min(attempt - 1, 20))
    return longest * (0.5 + jitter.random() / 2)


def subjects(claimed: Sequence[Claimed]) -> list[tuple[str, str]]:
    """The (marketplace, ASIN) pairs concerned, each once, sorted."""
    return sorted({(c.subject.marketplace_id, c.subject.asin) for c in claimed})


def _event(claimed: Claimed) -> Event:
    if claimed.facts_json is None:
        raise PermanentError("the body was dropped by retention before it could be analysed")
    try:
        facts = facts_from_json(claimed.facts_json)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UnreadableFactsError(f"the stored facts cannot be read: {error}") from error
    return Event(claimed.row_id, claimed.subject, claimed.moment, facts, claimed.trace_id)
