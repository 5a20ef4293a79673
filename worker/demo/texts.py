"""Values as text for the terminal. Whatever comes out of messages is made harmless here."""

from __future__ import annotations

from decimal import Decimal


def printable(text: str, *, most: int | None = None) -> str:
    """The text without anything that could steer a terminal, cut to `most` characters."""
    safe = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)
    if most is not None and len(safe) > most:
        return safe[: most - 1] + "\N{HORIZONTAL ELLIPSIS}"
    return safe


def money(amount: Decimal | None, minor_units: int = 2) -> str:
    """An amount with its currency's decimals; a dash where it is not known."""
    return "-" if amount is None else f"{amount:,.{minor_units}f}"


def seconds(value: float) -> str:
    """A span of time: 0.4 s, 12 s, 3:07 min."""
    if value < 10:  # noqa: PLR2004
        return f"{value:.1f} s"
    minutes, rest = divmod(round(value), 60)
    return f"{minutes}:{rest:02d} min" if minutes else f"{rest} s"


def milliseconds(value: float | None) -> str:
    """A latency; a dash where there is none."""
    return "-" if value is None else f"{value:,.0f} ms"
