"""The lowest price that makes sense, and the prices just above a fee step that don't. Pure.

Both are one question: the lowest price on the grid of ticks at which an amount is covered. Within
a piece of the fee curve the billed fees never fall as the price rises, rounding included. So if
price p is too low, every price that works is at least what p's own fees demand; moving there, again
and again, ends on the lowest price that works and cannot jump over it. The closed form, less the
most that rounding can do, says where to begin.

Rounding makes profit jagged: a tick above the lowest viable price it may be a trifle short again.
What is promised is that the answer holds and that nothing below it does (above `at_least`).
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal, localcontext
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

from economics.economics import (
    BILLED,
    FeeCurve,
    Piece,
    UnitEconomics,
    grid_above,
    grid_below,
)
from economics.fee_rules import ZERO

MAX_STEPS = 20_000
"""Steps of one search at most; 30 are many, unless fees rise almost as fast as what is kept."""

PRICES_KEPT = 65_536


@dataclass(frozen=True, slots=True)
class NoViablePrice:
    """There is no such price, and why: a sentence without its full stop."""

    reason: str


@dataclass(frozen=True, slots=True)
class DeadZone:
    """The prices over `after` up to and including `until` each earn less than `after` does.

    `until` None: no higher price ever earns as much. Both are on the grid of ticks.
    """

    after: Decimal
    until: Decimal | None

    def __contains__(self, price: Decimal) -> bool:
        return self.after < price and (self.until is None or price <= self.until)


def min_viable_price(
    unit: UnitEconomics, wanted_margin: Decimal = ZERO, *, at_least: Decimal = ZERO
) -> Decimal | NoViablePrice:
    """The lowest price on the grid, from `at_least` on, with profit >= wanted margin * net revenue.

    Exact: it holds there and at no lower price of the grid. The margin is a fraction; add to it
    the share of net revenue that goes to adverts and returns.
    """
    return _min_viable_price(unit, wanted_margin, at_least)


@lru_cache(maxsize=PRICES_KEPT)
def _min_viable_price(
    unit: UnitEconomics, wanted_margin: Decimal, at_least: Decimal
) -> Decimal | NoViablePrice:
    if wanted_margin >= 1:
        return NoViablePrice("the wanted margin is all of the net revenue or more")
    with localcontext(BILLED):
        search = _Search(unit.curve, 1 - wanted_margin, unit.curve.gross * unit.cost)
        found = search.lowest(max(grid_above(at_least, unit.curve.tick), unit.curve.tick))
    if found is not None:
        return found
    if search.gave_up_at is not None:
        return NoViablePrice(
            "fees, VAT and margin take so nearly all of a price that none was found"
        )
    return NoViablePrice(
        "at every price, fees, VAT, costs and the wanted margin are more than the price"
    )


@lru_cache(maxsize=4_096)
def dead_zones(curve: FeeCurve) -> tuple[DeadZone, ...]:
    """For each step up of the fees, by price, the prices above it that earn less than its top.

    The unit's cost doesn't matter: it is the same at both prices.
    """
    with localcontext(BILLED):
        zones = (
            _dead_zone(curve, lower.top)
            for lower, upper in pairwise(curve.pieces)
            if lower.top is not None and _steps_up(curve, lower, upper, lower.top)
        )
        return tuple(zone for zone in zones if zone is not None)


def _dead_zone(curve: FeeCurve, top: Decimal) -> DeadZone | None:
    after = grid_below(top, curve.tick)
    if after <= 0:
        return None
    to_match = after - curve.gross * curve.fees(after)
    search = _Search(curve, Decimal(1), to_match)
    # If the search gave up, every price up to there was too low: that much can be said.
    beyond = search.lowest(after + curve.tick) or search.gave_up_at
    if beyond is None:
        return DeadZone(after, None)
    return DeadZone(after, beyond - curve.tick) if beyond > after + curve.tick else None


def _steps_up(curve: FeeCurve, lower: Piece, upper: Piece, top: Decimal) -> bool:
    """Whether the unrounded fees jump up just above `top`; rounding alone makes no step."""
    plain = _plain_of(curve)
    return plain.fees(upper, top) > plain.fees(lower, top)


class _Plain:
    """The fees as a plain formula, and the least a bill can be times (1 + the sale's VAT rate)."""

    def __init__(self, curve: FeeCurve) -> None:
        self._curve = curve
        self._vat = 1 + curve.vat_rate * curve.vat_kept
        self._digital = curve.digital_rate
        self.on_referral = (
            self._vat * (1 + self._digital) if curve.digital_on_referral else self._vat
        )

        # A bill may be off by half a tick for the referral fee, the digital share of that, half a
        # tick for the digital fee itself, the VAT on all this and half a tick for each VAT.
        off = 1 + self._digital / 2
        off += curve.vat_kept * (1 + curve.vat_rate * off)
        slack = off * curve.tick if curve.rounded else ZERO
        gross = curve.gross
        self.lines = tuple(
            _Line(
                at_minimum=gross * (self._beside(piece) - slack + self.on_referral * piece.minimum),
                by_rate=gross * (self._beside(piece) - slack + self.on_referral * piece.base),
                slope=gross * self.on_referral * piece.rate,
            )
            for piece in curve.pieces
        )

    def _beside(self, piece: Piece) -> Decimal:
        """The fees beside the referral fee; those that don't change with the price, as billed."""
        return piece.constant + self._vat * self._digital * piece.digital_base

    def fees(self, piece: Piece, price: Decimal) -> Decimal:
        """The fees in the form they have in a piece, extended to any price; nothing rounded."""
        lines = piece.fulfilment_fee + self._curve.closing_fee
        referral = max(piece.base + piece.rate * price, piece.minimum)
        beside = self._vat * (lines + self._digital * piece.digital_base)
        return self.on_referral * referral + beside


class _Line(NamedTuple):
    """The least a bill in a piece can be: `at_minimum`, and `by_rate + slope * price`."""

    at_minimum: Decimal
    by_rate: Decimal
    slope: Decimal


@lru_cache(maxsize=4_096)
def _plain_of(curve: FeeCurve) -> _Plain:
    return _Plain(curve)


class _Search:
    """The lowest price p with `kept * p >= gross * fees(p) + fixed`, piece by piece from below."""

    def __init__(self, curve: FeeCurve, kept: Decimal, fixed: Decimal) -> None:
        self._curve, self._kept, self._fixed = curve, kept, fixed
        self._lines = _plain_of(curve).lines
        self.gave_up_at: Decimal | None = None

    def lowest(self, first: Decimal) -> Decimal | None:
        """The lowest such price from `first` (on the grid) on."""
        curve = self._curve
        for index in range(curve.piece_at(first), len(curve.pieces)):
            top = curve.pieces[index].top
            last = None if top is None else grid_below(top, curve.tick)
            found = self._in_piece(self._lines[index], first, last)
            if found is not None or self.gave_up_at is not None:
                return found
            if last is not None:
                first = max(first, last + curve.tick)
        return None

    def _in_piece(self, line: _Line, first: Decimal, last: Decimal | None) -> Decimal | None:
        """The fixed point described above, within one piece."""
        limits = self._limits(line, first, last)
        if limits is None:
            return None
        price, last = limits
        curve, step = self._curve, self._kept * self._curve.tick
        for _ in range(MAX_STEPS):
            if last is not None and price > last:
                return None
            needed = curve.gross * curve.fees(price) + self._fixed
            if self._kept * price >= needed:
                return price
            ticks, rest = divmod(needed, step)
            price = (ticks + 1 if rest else ticks) * curve.tick
        self.gave_up_at = price
        return None

    def _limits(
        self, line: _Line, first: Decimal, last: Decimal | None
    ) -> tuple[Decimal, Decimal | None] | None:
        """The closed form: outside these, no price of the piece can work, whatever the rounding."""
        tick = self._curve.tick
        first = max(first, grid_below((line.at_minimum + self._fixed) / self._kept, tick))
        if last is not None and first > last:
            return None
        by_rate, slope = line.by_rate + self._fixed, self._kept - line.slope
        if slope > 0:
            return max(first, grid_below(by_rate / slope, tick)), last
        if slope == 0:
            return None if by_rate > 0 else (first, last)
        highest = grid_above(by_rate / slope, tick)
        return first, highest if last is None else min(last, highest)
