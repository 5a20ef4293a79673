"""Lengths of time as people type and read them: 30 min, 2h, 1d 12h."""

from __future__ import annotations

import re
from datetime import timedelta

_UNITS = {
    "d": timedelta(days=1),
    "h": timedelta(hours=1),
    "min": timedelta(minutes=1),
    "m": timedelta(minutes=1),
    "s": timedelta(seconds=1),
}
_PART = re.compile(r"\s*(\d{1,9}(?:\.\d{1,6})?)\s*(d|h|min|m|s)", re.ASCII)

HOW_TO_WRITE = "a length is written 30min, 2h or 1d12h"


def read_length(text: str) -> timedelta | None:
    """The length that a text says, None if it says none."""
    total, rest = timedelta(0), text.strip()
    if not rest:
        return None
    while rest:
        part = _PART.match(rest)
        if part is None:
            return None
        try:
            total += float(part[1]) * _UNITS[part[2]]
        except OverflowError:
            return None
        rest = rest[part.end() :]
    return total


def write_length(length: timedelta) -> str:
    """The shortest text that `read_length` reads as this length: "1d 12h", "0s"."""
    seconds = length.total_seconds()
    parts = []
    for unit in ("d", "h", "min"):
        count, seconds = divmod(seconds, _UNITS[unit].total_seconds())
        if count:
            parts.append(f"{count:.0f}{unit}")
    if seconds or not parts:
        parts.append(f"{seconds:g}s")
    return " ".join(parts)
