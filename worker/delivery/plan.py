"""Who hears of what: messages that are due become deliveries. Pure.

What interrupts goes alone, or as one list in a burst; a batch or digest is one message per route.
Messages that a route's quiet hours hold back wait together until these end. A burst's list gathers
for a moment first, and after it has gone the next one gathers for the rest of the window: one list
per window, however the messages trickle in. A batch or digest of which a part could not be taken
yet gathers for the same moment: it is one message too, though programs get a very long one in
parts.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from db.delivery_rows import DueMessage, Gathering, Interruption, NewDelivery, RouteRow, Verdict
from worker.alerts.noise import Waiting, bundles
from worker.alerts.settings import AlertSettings
from worker.delivery.matching import (
    Interest,
    interest_of,
    quiet_until,
    severity_of,
    takes_on_dashboard,
    why_not,
)

GATHERS_FOR = timedelta(seconds=30)
"""A burst that has only begun to show waits this long for the rest of itself. So does a batch or
digest while some of what is due is held by others, or was too much for one transaction."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message to one receiver. It joins the delivery `joins` if there is one, else it is new."""

    new: NewDelivery
    messages: tuple[DueMessage, ...]
    joins: int | None = None


@dataclass(slots=True)
class Plan:
    """What is to be written: deliveries, the dashboard's first, and a verdict per message."""

    deliveries: list[Delivery] = field(default_factory=list)
    verdicts: list[Verdict] = field(default_factory=list)

    @property
    def on_dashboard(self) -> list[DueMessage]:
        """What the dashboard gets."""
        return [m for d in self.deliveries if d.new.channel == "dashboard" for m in d.messages]


@dataclass(frozen=True, slots=True)
class _Parcel:
    """Messages that go together, before it is known to whom. `burst` is a burst's marketplace."""

    reach: Interest
    messages: tuple[DueMessage, ...]
    why: str
    burst: str | None = None


def plan(
    due: Sequence[DueMessage],
    routes: Sequence[RouteRow],
    interruptions: Iterable[Interruption],
    gatherings: Sequence[Gathering],
    *,
    now: datetime,
    settings: AlertSettings,
    more: bool,
    is_full: bool = False,
) -> Plan:
    """The deliveries for what is due, and what becomes of each message.

    `more`: other messages are due and come a moment later. `is_full`: `due` is all that is taken
    at once.
    """
    made = Plan(_for_dashboard(due, now))
    takers: dict[int, list[str]] = defaultdict(list)
    waiting = {(one.route_id, one.joins_key): one for one in gatherings if one.is_open}
    left = _last_lists(gatherings)
    for parcel in _parcels(due, interruptions, settings):
        for route in routes:
            taken = tuple(m for m in parcel.messages if why_not(route, m) is None)
            for m in taken:
                takers[m.id].append(route.name)
            awaits_more = more or (route.id, parcel.reach) in waiting
            made.deliveries += _for_route(
                route, parcel, taken, waiting, left, now, settings,
                # A program's server may refuse what is too large, and a refusal is final.
                gathers=awaits_more and (route.channel == "mail" or not is_full),
            )  # fmt: skip
    made.verdicts = [_verdict(message, routes, takers[message.id]) for message in due]
    return made


def _for_dashboard(due: Sequence[DueMessage], now: datetime) -> list[Delivery]:
    """One row for what came at once and one for the batch."""
    by_reach: dict[str, list[DueMessage]] = defaultdict(list)
    for message in due:
        if takes_on_dashboard(message):
            by_reach[interest_of(message) or "immediate"].append(message)
    return [
        Delivery(
            NewDelivery(
                None, "dashboard", "dashboard", reach, heading_of(found), "the built-in route",
                now, None,
            ),
            tuple(found),
        )
        for reach, found in by_reach.items()
    ]  # fmt: skip


def _parcels(
    due: Sequence[DueMessage], interruptions: Iterable[Interruption], settings: AlertSettings
) -> Iterable[_Parcel]:
    now_or_never = [m for m in due if interest_of(m) == "immediate"]
    yield from _interrupting(now_or_never, interruptions, settings)
    for reach in ("batch", "digest"):
        found = tuple(m for m in due if interest_of(m) == reach)
        if found:
            yield _Parcel(reach, found, f"the {reach}")


def _interrupting(
    due: Sequence[DueMessage], interruptions: Iterable[Interruption], settings: AlertSettings
) -> Iterable[_Parcel]:
    """Each message alone, except in bursts."""
    by_item: dict[Waiting, list[DueMessage]] = defaultdict(list)
    items = []
    for m in due:
        item = Waiting(m.alert_id, m.marketplace_id, m.asin, m.scheduled_at)
        by_item[item].append(m)
        items.append(item)
    items += [
        Waiting(s.alert_id, s.marketplace_id, s.asin, s.scheduled_at, sent=True)
        for s in interruptions
    ]
    for bundle in bundles(items, settings):
        messages = tuple(by_item[item].pop(0) for item in bundle.items)
        burst = bundle.marketplace_id if bundle.grouped else None
        yield _Parcel("immediate", messages, bundle.why, burst)


def _for_route(
    route: RouteRow,
    parcel: _Parcel,
    messages: tuple[DueMessage, ...],
    waiting: dict[tuple[int, str], Gathering],
    left: dict[tuple[int, str], datetime],
    now: datetime,
    settings: AlertSettings,
    *,
    gathers: bool,
) -> Iterable[Delivery]:
    """The parcel's messages for this route: now, or with others later."""
    held: dict[tuple[datetime, str], list[DueMessage]] = defaultdict(list)
    for m in messages:
        at, key = now, ""
        if parcel.burst is not None:
            key = f"burst {parcel.burst}"
            at = _list_leaves(left.get((route.id, key)), len(parcel.messages), now, settings)
        elif gathers and parcel.reach != "immediate":
            key, at = parcel.reach, now + GATHERS_FOR
        # What goes with a batch or a digest is in no hurry, however bad it is or was.
        severity = severity_of(m) if parcel.reach == "immediate" else "clear"
        quiet_end = quiet_until(route, severity, at)
        if quiet_end is not None:
            at, key = quiet_end, f"quiet {parcel.reach}"
        held[at, key].append(m)
    for (at, key), together in held.items():
        joined = waiting.get((route.id, key)) if at > now else None
        due_at = joined.due_at if joined else at
        new = NewDelivery(
            route.id, route.name, route.channel, parcel.reach, heading_of(together),
            _why_then(parcel, key, due_at, now), due_at, key or None,
        )  # fmt: skip
        yield Delivery(new, tuple(together), joined.id if joined else None)


def _list_leaves(
    last: datetime | None, messages: int, now: datetime, settings: AlertSettings
) -> datetime:
    """When a burst's list goes out."""
    if last is not None and last + settings.burst_window > now:
        return last if last > now else last + settings.burst_window
    return now if messages > settings.burst_limit else now + GATHERS_FOR


def _last_lists(gatherings: Iterable[Gathering]) -> dict[tuple[int, str], datetime]:
    last: dict[tuple[int, str], datetime] = {}
    for one in gatherings:
        key = (one.route_id, one.joins_key)
        last[key] = max(last.get(key, one.due_at), one.due_at)
    return last


def _why_then(parcel: _Parcel, key: str, due_at: datetime, now: datetime) -> str:
    if due_at <= now:
        return parcel.why
    what = "quiet hours" if key.startswith("quiet") else "it gathers"
    return f"{parcel.why}; {what} until {due_at:%Y-%m-%d %H:%M:%S} UTC"


def _verdict(message: DueMessage, routes: Sequence[RouteRow], takers: Sequence[str]) -> Verdict:
    """What becomes of a message and, for whoever asks why, how each route stands to it."""
    refusals = [
        f"{route.name}: {reason}" for route in routes if (reason := why_not(route, message))
    ]
    to = [*(["dashboard"] if takes_on_dashboard(message) else []), *takers]
    told = f"to {', '.join(to)}" if to else "no route takes it"
    reason = "; ".join([told, *refusals])
    if takes_on_dashboard(message):
        return Verdict(message.id, "delivered", reason)
    return Verdict(message.id, "queued" if takers else "suppressed", reason)


def heading_of(messages: Sequence[DueMessage]) -> str:
    """What lists of deliveries show; the receiver reads the courier's own words."""
    first = messages[0]
    if len(messages) == 1:
        return f"{first.tell}: {first.asin} ({severity_of(first)})"
    products = len({(m.marketplace_id, m.asin) for m in messages})
    return f"{len(messages)} messages about {products} products"
