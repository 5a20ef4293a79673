"""The messages: real-size ANY_OFFER_CHANGED bodies, made once and the same for every contender."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import accumulate, islice
from pathlib import Path
from random import Random
from typing import Literal

from benchmarks.markets import Markets
from worker.ingest.notification import Arrival

Spread = Literal["zipf", "uniform"]

PRODUCTS = 5_000

_EVENT_EVERY = timedelta(milliseconds=20)


def make_bodies(path: Path, count: int, spread: Spread, *, now: datetime) -> None:
    """Write `count` bodies, one per line. All happened before `now`, in the order of the lines.

    Each tells of one change in its product's market.
    """
    rng = Random(spread)
    markets = Markets(rng)
    weights = [1 / rank if spread == "zipf" else 1.0 for rank in range(1, PRODUCTS + 1)]
    products = rng.choices(range(PRODUCTS), cum_weights=list(accumulate(weights)), k=count)
    with path.open("w", encoding="utf-8") as file:
        for place, product in enumerate(products):
            event_time = now - _EVENT_EVERY * (count - place)
            file.write(json.dumps(markets.message(asin(product), event_time)))
            file.write("\n")


def asin(product: int) -> str:
    """The ASIN of the product of that number."""
    return f"B0{product:08d}"


def read_arrivals(path: Path, *, skip: int, count: int, part: int, parts: int) -> list[Arrival]:
    """Every `parts`-th of `count` bodies after the first `skip`, as they come from SQS."""
    with path.open("rb") as file:
        lines: Iterator[tuple[int, bytes]] = islice(
            enumerate(file), skip + part, skip + count, parts
        )
        return [Arrival(line.rstrip(b"\n"), f"bench-{place}") for place, line in lines]
