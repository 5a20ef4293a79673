"""Why a message of an alert was told or not: the stations on its way, from rows to sentences. Pure.

A message begins as an event of the alert. What may keep it quiet asks in a fixed order
(worker/alerts/voice.py); what is to be told goes on to a queue, a route and a channel.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import groupby
from typing import Literal, NamedTuple

from db.alert_reading import Message, TrailEvent
from worker.alerts.voice import MUTES, Mute
from worker.wording import counted

Verdict = Literal["passed", "stopped", "waits", "not reached"]

NO_MESSAGE = frozenset({"act-of-a-person", "bookkeeping"})
"""Quiet codes of events that nobody was ever to be told of."""

_GATES: tuple[tuple[str, Mute, str], ...] = (
    ("acknowledgement", "acknowledged", "nobody had taken it on"),
    ("snooze", "snoozed", "nobody had snoozed it"),
    ("inhibition", "inhibited", "no other alert explained it"),
    ("flapping", "unstable", "the product was steady, or this was worse than all before"),
)
"""Station, the mute that stops there, and what it means to pass."""

_DEDUP = frozenset({"deduplicated", "told-otherwise", "never-told"})
_BEHIND = ("queue", "limits", "route", "channel")


class Station(NamedTuple):
    """A place on the way of a message: whether it went on from there, and why."""

    name: str
    verdict: Verdict
    reason: str = ""


def events_to_tell(trail: Sequence[TrailEvent]) -> list[TrailEvent]:
    """The events that people were to be told of, or were kept quiet."""
    return [one for one in trail if one.quiet not in NO_MESSAGE]


def trace(event: TrailEvent, messages: Sequence[Message]) -> list[Station]:
    """The stations of one event's message, in order."""
    return list(_stations(event, messages))


def outcome(found: Sequence[Station]) -> str:
    """The end of the way in a sentence."""
    stopped = [one for one in found if one.verdict == "stopped"]
    waiting = [one for one in found if one.verdict == "waits"]
    arrived = [one for one in found if one.name == "channel" and one.verdict == "passed"]
    if arrived:
        lost = any(one.name == "channel" for one in stopped)
        but = "; elsewhere it did not arrive" if lost else ""
        return f"told: {arrived[0].reason}{but}"
    if waiting:
        return f"not told yet: {waiting[0].name}: {waiting[0].reason}"
    if stopped:
        return f"not told: {stopped[0].name}: {stopped[0].reason}"
    return f"told: {found[-1].name}: {found[-1].reason}"


def _stations(event: TrailEvent, messages: Sequence[Message]) -> Iterator[Station]:
    stopped = False
    for station in _before_the_queue(event):
        yield Station(station.name, "not reached") if stopped else station
        stopped = stopped or station.verdict == "stopped"
    if stopped:
        yield from (Station(name, "not reached") for name in _BEHIND)
        return
    own = [one for one in messages if one.event_id == event.id]
    if not own:
        yield Station("queue", "waits", "no queue holds a message of this event")
    for _, rows in groupby(own, key=lambda one: one.id):
        yield from _from_the_queue(list(rows))


def _before_the_queue(event: TrailEvent) -> Iterator[Station]:
    """What may keep it quiet, in the order in which it is asked."""
    quiet = event.quiet
    if quiet is None or quiet in _DEDUP or quiet in {mute for _, mute, _ in _GATES}:
        yield Station("sighting", "passed", f"{event.change}: {event.reason}")
    else:
        yield Station("sighting", "stopped", event.voice_why)
    if quiet in _DEDUP:
        yield Station("dedup", "stopped", event.voice_why)
    else:
        yield Station("dedup", "passed", "nobody had been told just this")
    kind = event.told or event.change
    heeds = MUTES.get(kind) if kind in MUTES else None
    for name, mute, passed in _GATES:
        if quiet == mute:
            yield Station(name, "stopped", event.voice_why)
        elif heeds is not None and mute not in heeds:
            yield Station(name, "passed", f"a message of the kind {kind} does not heed it")
        else:
            yield Station(name, "passed", passed)


def _from_the_queue(rows: list[Message]) -> Iterator[Station]:
    """One message: where it was put, and each delivery that carries it."""
    one = rows[0]
    where = f"{one.queue}, {one.reach}, for {moment(one.scheduled_at)}"
    held_back = one.status in {"suppressed", "snoozed"}
    waits = one.status == "queued" and one.dispatched_at is None
    verdict: Verdict = "stopped" if held_back else "waits" if waits else "passed"
    yield Station("queue", verdict, f"{where}: {one.reason}")
    for row in rows:
        if row.delivery_id is not None:
            yield from _delivery(row)
    if one.delivery_id is None and verdict == "passed":
        arrived = one.status == "delivered"
        yield Station("route", "passed" if arrived else "stopped", one.reason)


def _delivery(row: Message) -> Iterator[Station]:
    if row.items > 1:
        yield Station("limits", "passed", f"one of {row.items} in one message")
    else:
        yield Station("limits", "passed", "by itself")
    yield Station("route", "passed", f"{row.route_name} ({row.channel}): {row.delivery_reason}")
    yield _channel(row)


def _channel(row: Message) -> Station:
    tries = counted(row.attempts or 0, "attempt")
    trouble = f": {row.error_class or 'failed'}: {row.last_error}" if row.last_error else ""
    match row.delivery_status:
        case "delivered":
            took = f"{row.route_name} took it at {moment(row.arrived_at)}"
            return Station("channel", "passed", took)
        case "failed":
            return Station("channel", "stopped", f"{row.route_name} gave up, {tries}{trouble}")
        case "cancelled":
            return Station("channel", "stopped", row.delivery_reason or "")
        case _:
            again = f", next at {moment(row.next_attempt_at)}" if row.next_attempt_at else ""
            return Station("channel", "waits", f"{row.route_name}, {tries}{again}{trouble}")


def moment(at: datetime | None) -> str:
    """A time as these commands write it."""
    return f"{at:%Y-%m-%d %H:%M:%S} UTC" if at else "an unknown time"
