"""A price's sum line by line: VAT, each fee with the rules it comes from, costs, profit. Pure.

For reading: VAT, fees and profit are rounded to the currency's smallest step. If the costs and the
VAT that is not recovered are whole steps, the lines add up to the profit exactly.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal, localcontext

from economics.assess_economics import NO_COSTS, unit_economics
from economics.economics import BILLED, UnitEconomics, Worth, worth_of
from economics.fee_rules import (
    ZERO,
    FeeKind,
    FeeRule,
    FeeSchedule,
    ProductCosts,
    Unknown,
    cost_lines,
)


@dataclass(frozen=True, slots=True)
class FeeLine:
    """One line of Amazon's bill, net of VAT, with its rules; a marginal fee has several."""

    kind: FeeKind
    amount: Decimal
    rules: tuple[FeeRule, ...]


@dataclass(frozen=True, slots=True)
class Breakdown:
    """`price - sale_vat - fees - costs + vat_recovered` is the profit in `worth`.

    The last of `fees` is the VAT on the others; `vat_recovered` is the part of it that comes
    back. Money in the schedule's currency.
    """

    sale_vat: Decimal
    fees: tuple[FeeLine, ...]
    vat_recovered: Decimal
    costs: tuple[tuple[str, Decimal], ...]
    worth: Worth

    @property
    def price(self) -> Decimal:
        """The total the buyer pays."""
        return self.worth.price


def break_down(
    costs: ProductCosts | None, schedule: FeeSchedule | Unknown, price: Decimal
) -> Breakdown | Unknown:
    """The sum at this price (above 0), or why it can't be worked out."""
    unit = unit_economics(costs, schedule)
    if costs is None or isinstance(unit, Unknown):
        return unit if isinstance(unit, Unknown) else NO_COSTS
    curve = unit.curve
    fees = fee_lines(unit, price)
    net = BILLED.divide(price, curve.gross)
    sale_vat = BILLED.quantize(BILLED.subtract(price, net), curve.tick)
    recovered = BILLED.multiply(curve.schedule.fee_vat_recoverable, fees[-1].amount)
    return Breakdown(
        sale_vat=sale_vat,
        fees=fees,
        vat_recovered=BILLED.quantize(recovered, curve.tick),
        costs=tuple((name, amount) for name, amount in cost_lines(costs) if amount is not None),
        worth=worth_of(unit, price),
    )


def fee_lines(unit: UnitEconomics, price: Decimal) -> tuple[FeeLine, ...]:
    """Amazon's bill for a sale at this price; the VAT on all its lines comes last."""
    curve = unit.curve
    schedule, piece = curve.schedule, curve.pieces[curve.piece_at(price)]
    referral, digital = curve.varying_fees(piece, price)
    lines = [
        FeeLine("referral", referral, piece.referral),
        FeeLine("fulfilment", piece.fulfilment_fee, piece.fulfilment),
        FeeLine("closing", curve.closing_fee, (schedule.closing,)),
        FeeLine("digital-services", digital, (schedule.digital_services,)),
    ]
    with localcontext(BILLED):
        vat = sum((curve.vat_on(line.amount) for line in lines), ZERO)
    return (*lines, FeeLine("vat-on-fees", vat, (schedule.vat_on_fees,)))
