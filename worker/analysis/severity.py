"""How bad is it? Two policies, pure and exact at their boundaries.

A condition that needs something unknown is never satisfied, whichever way it points: an unknown
winner is neither "winner" nor "not winner". Percentages are compared without dividing, so that
a price exactly on a boundary counts and one penny under it does not.

Source of the numbers: issue "The main job", part 5.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import ROUND_FLOOR, Context, Decimal
from typing import Literal

import msgspec

Severity = Literal["critical", "high", "warning", "success", "info"]
PolicyName = Literal["full", "mvp"]

EXACT = Context(prec=200)
"""Digits enough for any amounts that are compared; the default 28 would round some boundaries."""

SEVERITIES: tuple[Severity, ...] = ("critical", "high", "warning", "success", "info")
"""Worst first; `info` is last because it says nothing about the market."""


class Standing(msgspec.Struct, frozen=True, gc=False):
    """Where the own offer stands. None is unknown. Prices landed; margins and gap in percent.

    Margins and `daily_sales` (units a day) are unknown until the seller's costs are.
    """

    your_price: Decimal | None = None
    market_low: Decimal | None = None
    your_position: int | None = None
    total_offers: int | None = None
    buy_box_winner: bool | None = None
    margin_at_your_price_pct: Decimal | None = None
    margin_at_market_low_pct: Decimal | None = None
    daily_sales: Decimal | None = None


class Verdict(msgspec.Struct, frozen=True, gc=False):
    """A severity with the sentences that led to it, in the order they were decided."""

    severity: Severity
    reasons: tuple[str, ...]


def gap_pct(standing: Standing) -> Decimal | None:
    """`(your_price - market_low) / market_low * 100` as a Decimal, unrounded (28 digits)."""
    parts = _gap_parts(standing)
    return None if parts is None else parts[0] / parts[1]


def _gap_parts(standing: Standing) -> tuple[Decimal, Decimal] | None:
    """A hundred times the distance to the market low, and the low; None where either is unknown."""
    if standing.your_price is None or not standing.market_low:
        return None
    above = EXACT.subtract(standing.your_price, standing.market_low)
    return EXACT.multiply(above, 100), standing.market_low


def assess(standing: Standing, policy: PolicyName, *, sales_threshold: Decimal) -> Verdict:
    """The severity of a standing under the policy. `sales_threshold` is in units a day."""
    if standing.your_price is None:
        return Verdict("info", ("the own offer is unknown",))
    if policy == "mvp":
        return _mvp(_Case(standing, sales_threshold))
    return _full(_Case(standing, sales_threshold))


_SHOWN = {
    "offers": "total_offers",
    "position": "your_position",
    "margin": "margin_at_your_price_pct",
    "margin_low": "margin_at_market_low_pct",
    "sales": "daily_sales",
}
"""What the sentences call the values of a standing."""


class _Case:
    """The conditions of the policies over one standing. Each is false when it is unknown."""

    def __init__(self, standing: Standing, sales_threshold: Decimal) -> None:
        self._s = standing
        # The gap is kept as a numerator over the low and never divided for a comparison.
        parts = _gap_parts(standing)
        self._above_low: Decimal | None = parts[0] if parts else None
        self._low = parts[1] if parts else Decimal(0)
        self._sales_threshold = sales_threshold
        self.winner = standing.buy_box_winner is True
        self.not_winner = standing.buy_box_winner is False

    def gap_at_least(self, percent: int) -> bool:
        return self._above_low is not None and self._above_low >= EXACT.multiply(percent, self._low)

    def gap_at_most(self, percent: int) -> bool:
        return self._above_low is not None and self._above_low <= EXACT.multiply(percent, self._low)

    def offers_at_least(self, count: int) -> bool:
        return self._s.total_offers is not None and self._s.total_offers >= count

    def offers_fewer_than(self, count: int) -> bool:
        return self._s.total_offers is not None and self._s.total_offers < count

    def position_at_most(self, rank: int) -> bool:
        return self._s.your_position is not None and self._s.your_position <= rank

    def position_beyond(self, rank: int) -> bool:
        return self._s.your_position is not None and self._s.your_position > rank

    def position_share_at_least(self, percent: int) -> bool:
        position, offers = self._s.your_position, self._s.total_offers
        return position is not None and bool(offers) and position * 100 >= percent * (offers or 0)

    def margin_at_your_price_below(self, percent: int) -> bool:
        margin = self._s.margin_at_your_price_pct
        return margin is not None and margin < percent

    def margin_at_market_low_below(self, percent: int) -> bool:
        margin = self._s.margin_at_market_low_pct
        return margin is not None and margin < percent

    @property
    def sales_too_low(self) -> bool:
        return self._s.daily_sales is not None and self._s.daily_sales <= self._sales_threshold

    def _gap_down(self) -> str:
        """The gap for reading, rounded down: 19.999 % shown as 20.00 % would claim a boundary."""
        gap = EXACT.divide(self._above_low or Decimal(0), self._low)
        return f"{gap.quantize(Decimal('0.01'), ROUND_FLOOR, EXACT)} %"

    def says(self, severity: Severity, *sentences: str) -> Verdict:
        """The verdict, its sentences filled with the values of this case."""
        return Verdict(severity, tuple([sentence.format_map(self) for sentence in sentences]))

    def __getitem__(self, name: str) -> object:
        """A value that a sentence names: most name none, and the gap takes time."""
        if name == "gap":
            return "unknown" if self._above_low is None else self._gap_down()
        return self._sales_threshold if name == "threshold" else getattr(self._s, _SHOWN[name])


_Rule = Callable[[_Case], Verdict | None]


def _full(case: _Case) -> Verdict:
    for rule in (_full_critical, _full_high, _full_warning, _full_success):
        verdict = rule(case)
        if verdict is not None:
            return verdict
    return case.says("info", "no rule of the full policy applies")


def _full_critical(c: _Case) -> Verdict | None:
    if not (
        c.offers_at_least(10)
        and c.gap_at_least(50)
        and c.not_winner
        and c.position_share_at_least(80)
    ):
        return None
    why = (
        "{offers} offers (10 or more)",
        "{gap} above the market low (50 % or more)",
        "not the Buy Box winner",
        "position {position} of {offers} (80 % or further back)",
    )
    if c.sales_too_low:
        return c.says("high", *why, "only {sales} sales a day (critical needs over {threshold})")
    return c.says("critical", *why)


def _full_high(c: _Case) -> Verdict | None:
    if c.offers_at_least(5) and c.gap_at_least(20) and c.not_winner:
        return c.says(
            "high",
            "{offers} offers (5 or more)",
            "{gap} above the market low (20 % or more)",
            "not the Buy Box winner",
        )
    if c.winner and c.margin_at_your_price_below(10):
        return c.says("high", "Buy Box winner at a margin of {margin} % (under 10 %)")
    return None


def _full_warning(c: _Case) -> Verdict | None:
    if c.offers_at_least(3) and c.gap_at_least(10) and c.position_beyond(3):
        return c.says(
            "warning",
            "{offers} offers (3 or more)",
            "{gap} above the market low (10 % or more)",
            "position {position} (behind the third)",
        )
    if c.margin_at_market_low_below(5):
        return c.says("warning", "margin at the market low is {margin_low} % (under 5 %)")
    return None


def _full_success(c: _Case) -> Verdict | None:
    if c.winner:
        return c.says("success", "Buy Box winner")
    if c.offers_fewer_than(3):
        return c.says("success", "{offers} offers (fewer than 3)")
    if c.position_at_most(3) and c.gap_at_most(5):
        return c.says("success", "position {position} (3 or better)", "{gap} above the market low")
    return None


def _mvp(c: _Case) -> Verdict:
    if c.winner:
        return c.says("success", "Buy Box winner")
    if c.position_at_most(3):
        return c.says("success", "position {position} (3 or better)")
    gap_known = c.gap_at_least(0) or c.gap_at_most(0)
    if not gap_known:
        return c.says("info", "no prices to compare")
    if c.gap_at_least(50) and c.offers_at_least(10) and c.position_beyond(10):
        return c.says(
            "critical", "{gap} above the market low", "{offers} offers", "position {position}"
        )
    if c.gap_at_least(20) and c.offers_at_least(5):
        return c.says("high", "{gap} above the market low", "{offers} offers")
    why = []
    if c.gap_at_least(10):
        why.append("{gap} above the market low (10 % or more)")
    if c.offers_at_least(3):
        why.append("{offers} offers (3 or more)")
    if why:
        return c.says("warning", *why)
    return c.says("info", "no rule of the mvp policy applies")
