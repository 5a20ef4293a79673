"""An explanation as plain values, for programs and for the page. Pure.

Amounts and rates are text, exact; what is not known is None, and `unknown` says why.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from economics.explanation import FEE_NAMES, Explanation, Line, PriceSum
from economics.fee_rules import FeeRule, FeeSchedule
from economics.viable import NoViablePrice
from economics.wording import line_label, period, rule_says


def as_values(told: Explanation) -> dict[str, Any]:
    """The whole explanation, as JSON has it."""
    view, floors, schedule = told.view, told.floors, told.schedule
    return {
        "sums": [_sum(one, schedule) for one in told.sums],
        "rules": [{**_rule(rule), "used_at": list(used)} for rule, used in told.rules.items()],
        "sale_vat_rate": text(schedule.sale_vat_rate if schedule else None),
        "fee_vat_recoverable": text(schedule.fee_vat_recoverable if schedule else None),
        "wanted_margin": text(schedule.wanted_margin if schedule else None),
        "min_viable_price": _floor(floors.even if floors else None),
        "min_price_for_margin": _floor(floors.wanted if floors else None),
        "dead_zones": [
            {"after": text(zone.after), "until": text(zone.until)} for zone in told.dead_zones
        ],
        "recommendation": {
            "price": text(view.recommended_price),
            "code": view.recommendation_code,
            "reason": view.recommendation_reason,
        },
        "risk_flags": list(view.risk_flags),
        "unfollowable": [
            {"seller_id": seller, "price": text(price)} for seller, price in view.unfollowable
        ],
        "profit_at_stake_per_day": text(view.profit_at_stake_per_day),
        "unknown": [
            {"what": gap.what, "why": gap.why, "remedy": gap.remedy or None} for gap in told.gaps
        ],
    }


def text(amount: Decimal | None) -> str | None:
    """A decimal with all its digits and no exponent."""
    return None if amount is None else f"{amount:f}"


def _sum(one: PriceSum, schedule: FeeSchedule | None) -> dict[str, Any]:
    worth = one.worth
    return {
        "at": one.name,
        "price": text(one.price),
        "lines": [_line(line, one, schedule) for line in one.lines],
        "profit": text(worth.profit if worth else None),
        "margin_pct": text(worth.margin_pct if worth else None),
        "roi_pct": text(worth.roi_pct if worth else None),
        "loses_money": worth.loses_money if worth else None,
        "rules": [rule.rule_id for rule in one.rules],
    }


def _line(line: Line, one: PriceSum, schedule: FeeSchedule | None) -> dict[str, Any]:
    return {
        "name": line.name,
        "label": line_label(line.name, schedule),
        "amount": text(line.amount),
        "rules": [rule.rule_id for rule in one.rules if FEE_NAMES[rule.kind] == line.name],
    }


def _rule(rule: FeeRule) -> dict[str, Any]:
    return {
        "rule_id": rule.rule_id,
        "seller_id": rule.seller_id,
        "kind": rule.kind,
        "fee": FEE_NAMES[rule.kind],
        "shape": rule.shape,
        "price_up_to": text(rule.price_up_to),
        "rate": text(rule.rate),
        "amount": text(rule.amount),
        "minimum": text(rule.minimum),
        "applies_to": list(rule.applies_to),
        "says": rule_says(rule),
        "in_force": period(rule),
        "valid_from": rule.valid_from.isoformat(),
        "valid_to": rule.valid_to.isoformat() if rule.valid_to else None,
        "source": rule.source,
        "source_date": rule.source_date.isoformat(),
        "note": rule.note,
    }


def _floor(floor: Decimal | NoViablePrice | None) -> dict[str, str | None]:
    """A price, or the reason why there is none; neither if that is not known."""
    if isinstance(floor, NoViablePrice):
        return {"price": None, "none_because": floor.reason}
    return {"price": text(floor), "none_because": None}
