"""An explanation's amounts, rates and rules in words, as every place shows them. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from economics.explanation import FEE_NAMES, SALE_VAT, VAT_BACK
from economics.fee_rules import FeeRule, FeeSchedule
from economics.marketplaces import find_marketplace

USUAL_MINOR_UNITS = 2


@dataclass(frozen=True, slots=True)
class Money:
    """How amounts are written: with their currency's decimals, or more if they have more."""

    minor_units: int

    def __call__(self, amount: Decimal) -> str:
        """The amount, without its currency."""
        digits = -int(amount.normalize().as_tuple().exponent)
        return f"{amount:.{max(digits, self.minor_units)}f}"


def money_of(marketplace_id: str) -> Money:
    """How amounts are written in a marketplace."""
    found = find_marketplace(marketplace_id)
    return Money(USUAL_MINOR_UNITS if found is None else found.minor_units)


def percent(fraction: Decimal) -> str:
    """A rate, as people read it."""
    return f"{(fraction * 100).normalize():f} %"


def line_label(name: str, schedule: FeeSchedule | None) -> str:
    """A line's name with the rate that belongs to the seller and the product, not to a rule."""
    if schedule is None:
        return name
    rates = {SALE_VAT: schedule.sale_vat_rate, VAT_BACK: schedule.fee_vat_recoverable}
    return f"{name} ({percent(rates[name])})" if name in rates else name


def rule_says(rule: FeeRule) -> str:
    """What a rule takes, of what, and at which prices."""
    money = money_of(rule.marketplace_id)
    said = money(rule.amount) if rule.amount is not None else percent(rule.rate or Decimal(0))
    if rule.applies_to:
        said += f" of {', '.join(FEE_NAMES.get(fee, fee) for fee in rule.applies_to)}"
    if rule.shape == "marginal":
        said += " of the part"
    if rule.price_up_to is not None:
        said += f" up to {money(rule.price_up_to)}"
    if rule.minimum is not None:
        said += f", at least {money(rule.minimum)}"
    return said


def period(rule: FeeRule) -> str:
    """When a rule is in force; the last day named is not included."""
    return f"from {rule.valid_from}" + (f" until {rule.valid_to}" if rule.valid_to else "")
