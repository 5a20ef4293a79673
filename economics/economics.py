"""What a price is worth: Amazon's fees at it, profit, margin on net revenue, return on cost. Pure.

Assumed of Amazon's bills: each fee is a line of its own, rounded half up to the currency's
smallest step; the digital services fee is a share of the rounded lines; VAT is worked out and
rounded on each line, as in the tax lines of Amazon's own estimates. The price is the total the
buyer pays, delivery and VAT included. `rounded=False` gives the plain formula instead.

Exactness: net revenue is price / (1 + VAT rate), whose digits rarely end, so nothing is decided on
it. Everything is multiplied by (1 + VAT rate) and compared as `surplus`, whose digits do end,
within 60. Only amounts for reading are rounded.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_UP, Context, Decimal, localcontext
from functools import lru_cache
from itertools import pairwise

from economics.fee_rules import ZERO, FeeRule, FeeSchedule

BILLED = Context(prec=60, rounding=ROUND_HALF_UP)
"""Amazon's rounding; the digits are enough for any amounts we multiply to stay exact."""

DOWN = Context(prec=60, rounding=ROUND_FLOOR)
UP = Context(prec=60, rounding=ROUND_CEILING)

# Looked up once: some of these run ten times for a message.
_add, _subtract, _multiply = BILLED.add, BILLED.subtract, BILLED.multiply
_fma, _quantize = BILLED.fma, BILLED.quantize
_times_down, _divide_down, _quantize_down = DOWN.multiply, DOWN.divide, DOWN.quantize

PERCENT_STEP = Decimal("0.01")
CURVES_KEPT = 4_096


@dataclass(frozen=True, slots=True)
class Piece:
    """Prices above the last piece's `top` up to its own (None: no end); fees have one form there.

    The referral fee is the larger of `minimum` and `base + rate * price`. `referral` names
    the rules that make it, `fulfilment` the one band. `fulfilment_fee` is as billed; so are
    `digital_base`, what the digital services fee is a share of besides the referral fee, and
    `constant`, the cost of the fees that don't depend on the price, with their VAT.
    """

    top: Decimal | None
    base: Decimal
    rate: Decimal
    minimum: Decimal
    fulfilment_fee: Decimal
    digital_base: Decimal
    constant: Decimal
    referral: tuple[FeeRule, ...]
    fulfilment: tuple[FeeRule, ...]


class FeeCurve:
    """Fees as a function of the price, for one schedule. Compared by identity: see `curve_of`."""

    def __init__(self, schedule: FeeSchedule, *, rounded: bool = True) -> None:
        self.schedule = schedule
        self.rounded = rounded
        self.tick = schedule.tick
        self.gross = _add(1, schedule.sale_vat_rate)
        self.digital_rate = _rate(schedule.digital_services)
        self.vat_rate = _rate(schedule.vat_on_fees)
        self.vat_kept = _subtract(1, schedule.fee_vat_recoverable)
        self.digital_on_referral = "referral" in schedule.digital_services.applies_to
        self.closing_fee = self.billed(schedule.closing.amount or ZERO)
        self.pieces = _pieces(self)
        self._tops = [piece.top for piece in self.pieces if piece.top is not None]
        self._vat_costs = bool(self.vat_rate and self.vat_kept)

    def piece_at(self, price: Decimal) -> int:
        """The index in `pieces` of the piece that this price lies in."""
        return bisect_left(self._tops, price)

    def varying_fees(self, piece: Piece, price: Decimal) -> tuple[Decimal, Decimal]:
        """The referral fee and the digital services fee at a price of the piece, as billed."""
        referral = _fma(piece.rate, price, piece.base)
        referral = max(referral, piece.minimum)
        if self.rounded:
            referral = _quantize(referral, self.tick)
        if not self.digital_rate:
            return referral, ZERO
        base = (
            _add(piece.digital_base, referral) if self.digital_on_referral else piece.digital_base
        )
        digital = _multiply(self.digital_rate, base)
        return referral, _quantize(digital, self.tick) if self.rounded else digital

    def fees(self, price: Decimal) -> Decimal:
        """What Amazon's bill costs the seller: all lines, and the VAT that doesn't come back."""
        piece = self.pieces[bisect_left(self._tops, price)]
        referral, digital = self.varying_fees(piece, price)
        total = _add(_add(referral, digital), piece.constant)
        if self._vat_costs:
            vat = _add(self.vat_on(referral), self.vat_on(digital))
            total = _fma(self.vat_kept, vat, total)
        return total

    def vat_on(self, fee: Decimal) -> Decimal:
        """The VAT billed on one line."""
        return self.billed(_multiply(self.vat_rate, fee))

    def billed(self, fee: Decimal) -> Decimal:
        """A fee as Amazon bills it: half up to the tick, or as it is if the curve is unrounded."""
        return _quantize(fee, self.tick) if self.rounded else fee


@lru_cache(maxsize=CURVES_KEPT)
def curve_of(schedule: FeeSchedule, *, rounded: bool = True) -> FeeCurve:
    """The one curve of a schedule, so that what was once worked out on it is found again."""
    return FeeCurve(schedule, rounded=rounded)


@dataclass(frozen=True, slots=True)
class UnitEconomics:
    """One unit of a product under its fees: `cost` is the sum of everything but Amazon's bill."""

    curve: FeeCurve
    cost: Decimal

    def surplus(self, price: Decimal) -> Decimal:
        """Profit times (1 + VAT rate of the sale). Exact, so its sign is that of the profit."""
        curve = self.curve
        return _subtract(price, _multiply(curve.gross, _add(curve.fees(price), self.cost)))

    def keeps(self, price: Decimal, margin: Decimal) -> bool:
        """Whether profit is at least this fraction of net revenue. Exact."""
        return self.surplus(price) >= _multiply(margin, price)


@dataclass(frozen=True, slots=True)
class Worth:
    """A price's figures: profit to the tick, both shares in percent rounded down to a hundredth.

    `loses_money` is exact, whatever the rounded profit says. `roi_pct` is None if there is no cost.
    """

    price: Decimal
    profit: Decimal
    margin_pct: Decimal
    roi_pct: Decimal | None
    loses_money: bool


def worth_of(unit: UnitEconomics, price: Decimal) -> Worth:
    """What selling one unit at this price (above 0) brings."""
    surplus, gross = unit.surplus(price), unit.curve.gross
    return Worth(
        price=price,
        profit=profit_to_show(surplus, gross, unit.curve.tick),
        margin_pct=percent_of(surplus, price),
        roi_pct=percent_of(surplus, BILLED.multiply(gross, unit.cost)) if unit.cost else None,
        loses_money=surplus < 0,
    )


def profit_to_show(surplus: Decimal, gross: Decimal, tick: Decimal) -> Decimal:
    """Profit to the tick. A half goes down, because the sale's VAT, shown beside it, goes up."""
    below = DOWN.quantize(DOWN.divide(surplus, gross), tick)
    twice_over = BILLED.multiply(2, BILLED.subtract(surplus, BILLED.multiply(below, gross)))
    return _add(below, tick) if twice_over > BILLED.multiply(tick, gross) else below


def percent_of(part: Decimal, whole: Decimal) -> Decimal:
    """`part / whole * 100`, rounded down to a hundredth.

    Down, so that comparing it with a threshold of two decimals gives the exact answer.
    """
    return _quantize_down(_divide_down(_times_down(100, part), whole), PERCENT_STEP)


def grid_below(price: Decimal, tick: Decimal) -> Decimal:
    """The highest multiple of the tick (a power of ten) that is not above the price."""
    return DOWN.quantize(price, tick)


def grid_above(price: Decimal, tick: Decimal) -> Decimal:
    """The lowest multiple of the tick (a power of ten) that is not below the price."""
    return UP.quantize(price, tick)


def _rate(rule: FeeRule) -> Decimal:
    return rule.rate or ZERO


def _pieces(curve: FeeCurve) -> tuple[Piece, ...]:
    """The schedule cut at every end of a referral tier and of a fulfilment band."""
    referral, fulfilment = curve.schedule.referral, curve.schedule.fulfilment
    ends = {r.price_up_to for r in (*referral, *fulfilment) if r.price_up_to is not None}
    return tuple(_piece(curve, top) for top in (*sorted(ends), None))


def _piece(curve: FeeCurve, top: Decimal | None) -> Piece:
    tiers = curve.schedule.referral
    at = _tier(tiers, top)
    bands = curve.schedule.fulfilment
    band = bands[_tier(bands, top)] if bands else None
    marginal = tiers[at].shape == "marginal"

    fulfilment_fee, closing_fee = curve.billed((band and band.amount) or ZERO), curve.closing_fee
    applies = curve.schedule.digital_services.applies_to
    vat = BILLED.add(curve.vat_on(fulfilment_fee), curve.vat_on(closing_fee))
    return Piece(
        top=top,
        base=_marginal_base(tiers, at) if marginal else ZERO,
        rate=_rate(tiers[at]),
        minimum=tiers[at].minimum or ZERO,
        fulfilment_fee=fulfilment_fee,
        digital_base=BILLED.add(
            fulfilment_fee if "fulfilment" in applies else ZERO,
            closing_fee if "closing" in applies else ZERO,
        ),
        constant=BILLED.fma(curve.vat_kept, vat, BILLED.add(fulfilment_fee, closing_fee)),
        referral=tiers[: at + 1] if marginal else (tiers[at],),
        fulfilment=() if band is None else (band,),
    )


def _tier(rules: tuple[FeeRule, ...], top: Decimal | None) -> int:
    """Which tier holds the prices up to and including `top`."""
    for index, rule in enumerate(rules):
        if rule.price_up_to is None or (top is not None and top <= rule.price_up_to):
            return index
    raise AssertionError("a checked schedule has a tier without an upper end")


def _marginal_base(tiers: tuple[FeeRule, ...], at: int) -> Decimal:
    """What the tiers below take, less what tier `at`'s rate would take of the same part."""
    with localcontext(BILLED):
        return sum(
            (
                (_rate(lower) - _rate(upper)) * (lower.price_up_to or ZERO)
                for lower, upper in pairwise(tiers[: at + 1])
            ),
            ZERO,
        )
