"""What would be noise: one cause with many effects, one event with many products. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from worker.alerts.events import Sighting
from worker.alerts.settings import AlertSettings
from worker.alerts.values import Kind

PRICE_KINDS: frozenset[Kind] = frozenset({"price", "business-price"})

MUTES_PRICE_ALERTS = "price alerts of this product are muted meanwhile"
"""What the alert about the cause says, so that nobody waits for the muted ones."""


def inhibition(sighting: Sighting) -> str | None:
    """Why the subject's alert is muted, None if it is not: only price alerts ever are.

    Nobody has a suppressed Buy Box, and an offer with a pricing health issue can't win it: then
    the distance to a winner says nothing.
    """
    if sighting.subject.kind not in PRICE_KINDS:
        return None
    if sighting.buy_box_suppressed:
        return "the Buy Box is suppressed, nobody has it"
    if sighting.pricing_health:
        return "the own offer is not featured because of its price (PRICING_HEALTH)"
    return None


# bursts -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Waiting:
    """A message on its way. One that was `sent` counts for a burst and is not sent again."""

    alert_id: int
    marketplace_id: str
    asin: str
    at: datetime
    sent: bool = False


@dataclass(frozen=True, slots=True)
class Bundle:
    """What goes out as one message: one alert by itself, or the list of a burst."""

    marketplace_id: str
    items: tuple[Waiting, ...]
    grouped: bool
    why: str


def bundles(waiting: Iterable[Waiting], settings: AlertSettings) -> list[Bundle]:
    """The messages to send, by the time of their oldest item.

    A burst is what came within some `burst_window` if that is more than `burst_limit` products of
    one marketplace; windows that share a message are one burst. What lies outside goes alone.
    """
    found: list[Bundle] = []
    by_marketplace: dict[str, list[Waiting]] = defaultdict(list)
    for item in waiting:
        by_marketplace[item.marketplace_id].append(item)
    for marketplace, items in by_marketplace.items():
        items.sort(key=lambda item: (item.at, item.alert_id))
        found += _of_one_marketplace(marketplace, items, settings)
    return sorted(found, key=lambda bundle: (bundle.items[0].at, bundle.items[0].alert_id))


def _of_one_marketplace(
    marketplace: str, items: list[Waiting], settings: AlertSettings
) -> list[Bundle]:
    found: list[Bundle] = []
    alone = 0
    for start, end in _bursts(items, settings.burst_window, settings.burst_limit):
        found += [_single(item) for item in items[alone:start] if not item.sent]
        unsent = tuple(item for item in items[start:end] if not item.sent)
        products = len({item.asin for item in items[start:end]})
        if unsent:
            why = f"{products} products of {marketplace} at once (more than {settings.burst_limit})"
            found.append(Bundle(marketplace, unsent, grouped=True, why=why))
        alone = end
    return found + [_single(item) for item in items[alone:] if not item.sent]


def _single(item: Waiting) -> Bundle:
    return Bundle(item.marketplace_id, (item,), grouped=False, why="no burst")


def _bursts(items: Sequence[Waiting], window: timedelta, limit: int) -> list[tuple[int, int]]:
    """The bursts as [start, end) of the items, which are sorted by time. One pass."""
    found: list[tuple[int, int]] = []
    inside: dict[str, int] = defaultdict(int)
    start = 0
    for end, item in enumerate(items, 1):
        inside[item.asin] += 1
        while item.at - items[start].at >= window:
            oldest = items[start].asin
            inside[oldest] -= 1
            if not inside[oldest]:
                del inside[oldest]
            start += 1
        if len(inside) <= limit:
            continue
        if found and start < found[-1][1]:
            found[-1] = (found[-1][0], end)
        else:
            found.append((start, end))
    return found
