"""Fewer points for a chart, with every extreme that the eye would look for. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

LEADS = ("your_price", "market_low")
"""The two lines of the sparkline: their extremes are kept in every stretch of time."""

FIELDS = (*LEADS, "prime_low", "buy_box_price")
"""All lines: each keeps at least its lowest and its highest point."""

FEWEST = 2 + 2 * len(FIELDS)
"""Fewer points than this cannot hold the first, the last and every line's extremes."""

_A_STRETCH = 3 * len(LEADS)


def downsample(rows: Sequence[Any], points: int) -> list[Any]:
    """At most `points` of the rows, in their order; all of them when they are few enough.

    Kept are the first and the last row and each line's lowest and highest point; then, from
    stretches of equal length, the lowest and highest of the leading lines and where one of them
    becomes unknown, so that no line is drawn through a time about which nothing is known. Rows are
    taken as they are, never averaged. Raises ValueError for fewer points than `FEWEST`.
    """
    if points < FEWEST:
        raise ValueError(f"{points} points cannot hold every extreme; ask for {FEWEST} or more")
    if len(rows) <= points:
        return list(rows)
    kept = {0, len(rows) - 1}
    for field in FIELDS:
        kept |= _extremes(rows, field, 0, len(rows))
    stretches = (points - len(kept)) // _A_STRETCH
    for number in range(stretches):
        begin = number * len(rows) // stretches
        end = (number + 1) * len(rows) // stretches
        for field in LEADS:
            kept |= _extremes(rows, field, begin, end) | _first_unknown(rows, field, begin, end)
    return [rows[n] for n in sorted(kept)]


def _extremes(rows: Sequence[Any], field: str, begin: int, end: int) -> set[int]:
    known: list[tuple[Decimal, int]] = [
        (value, n) for n in range(begin, end) if (value := getattr(rows[n], field)) is not None
    ]
    return {min(known)[1], max(known)[1]} if known else set()


def _first_unknown(rows: Sequence[Any], field: str, begin: int, end: int) -> set[int]:
    unknown = (n for n in range(begin, end) if getattr(rows[n], field) is None)
    first = next(unknown, None)
    return set() if first is None else {first}
