"""An alert's facts in a line. Pure; every fact is optional, and money comes as exact text."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation

_PRICES = (
    ("your_price", "your price"),
    ("market_low", "market low"),
    ("prime_low", "Prime low"),
    ("buy_box_price", "Buy Box"),
    ("min_viable_price", "lowest viable price"),
    ("recommended_price", "recommended"),
)
_MARGINS = (  # in percent
    ("margin_at_current_price", "margin now"),
    ("margin_at_market_low", "margin at the market low"),
    ("margin_at_prime_low", "margin at the Prime low"),
)


def fact_line(facts: Mapping[str, object], currency: str | None = None) -> str:
    """What is known, in the order in which one asks; empty when nothing is."""
    unit = _text(facts.get("currency")) or currency
    said = [
        f"{name} {money(value, unit)}"
        for key, name in _PRICES
        if (value := _number(facts.get(key))) is not None
    ]
    gap = _number(facts.get("gap_pct"))
    if gap is not None:
        said.append(f"gap {gap:.1f} %")
    position, total = facts.get("your_position"), facts.get("total_offers")
    if position is not None:
        said.append(f"position {position}" + (f" of {total}" if total is not None else ""))
    elif total is not None:
        said.append(f"{total} offers")
    winner = facts.get("buy_box_winner")
    if isinstance(winner, bool):
        said.append("the Buy Box is yours" if winner else "the Buy Box is not yours")
    said += [
        f"{name} {value:.1f} %"
        for key, name in _MARGINS
        if (value := _number(facts.get(key))) is not None
    ]
    return ", ".join(said)


def money(amount: Decimal, currency: str | None) -> str:
    """An amount with its currency: two decimals, none for yen."""
    decimals = 0 if currency == "JPY" else 2
    return f"{amount:.{decimals}f}" + (f" {currency}" if currency else "")


def _number(value: object) -> Decimal | None:
    if value is None or isinstance(value, bool):
        return None
    try:
        found = Decimal(str(value))
    except InvalidOperation:
        return None
    return found if found.is_finite() else None


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None
