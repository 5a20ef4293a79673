"""Fees, costs and markets for tests of the economics, and an independent restatement of the sums.

The restatement works in whole ticks and ten-thousandths with Python's integers, tier by tier as
a bill is written, and knows nothing of pieces, closed forms or Decimal.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from decimal import Decimal

from hypothesis import strategies as st

from economics.economics import UnitEconomics, curve_of
from economics.fee_rules import FeeRule, FeeSchedule, ProductCosts, SellerTerms, total_cost
from economics.fee_schedule import schedule_for
from tests.factories import ASIN, CURRENCIES, GB, JP, OWN_SELLER

AT = datetime(2026, 3, 4, 12, tzinfo=UTC)
BP = 10_000
TICKS = {GB: Decimal("0.01"), JP: Decimal(1)}


def rule(kind, /, rule_id=None, **given) -> FeeRule:
    """A rule of the kind for everybody in GB, open on every side; anything can be overridden."""
    defaults = {
        "rule_id": rule_id or f"gb-{kind}",
        "marketplace_id": GB,
        "seller_id": None,
        "kind": kind,
        "category": "home" if kind in {"referral", "closing"} else None,
        "size_tier": None,
        "weight_up_to_g": None,
        "fulfilment_channel": "amazon" if kind == "fulfilment" else None,
        "shape": "flat" if kind == "referral" else None,
        "price_up_to": None,
        "rate": None if kind in {"fulfilment", "closing"} else Decimal(0),
        "amount": Decimal(0) if kind in {"fulfilment", "closing"} else None,
        "minimum": None,
        "applies_to": ("referral", "fulfilment", "closing") if kind == "digital-services" else (),
        "currency": "GBP",
        "valid_from": date(2020, 1, 1),
        "valid_to": None,
        "source": "a test",
        "source_date": date(2020, 1, 1),
    }
    numbers = {"price_up_to", "rate", "amount", "minimum"}
    given = {k: Decimal(v) if k in numbers and v is not None else v for k, v in given.items()}
    return FeeRule(**{**defaults, **given})


def terms(**given) -> SellerTerms:
    """A VAT-registered seller who gets all VAT on fees back and wants no margin."""
    defaults = {
        "seller_id": OWN_SELLER,
        "marketplace_id": GB,
        "valid_from": date(2020, 1, 1),
        "valid_to": None,
        "vat_registered": True,
        "fee_vat_recoverable": Decimal(1),
        "wanted_margin": Decimal(0),
    }
    return SellerTerms(**{**defaults, **given})


def costs(**given) -> ProductCosts:
    """A product of category home, sent by Amazon, that costs 4.00 and bears 20 % VAT."""
    defaults = {
        "seller_id": OWN_SELLER,
        "marketplace_id": GB,
        "asin": ASIN,
        "item_condition": "new",
        "fulfilment_channel": "amazon",
        "currency": "GBP",
        "unit_cost": "4.00",
        "inbound_postage": "0.00",
        "prep": "0.00",
        "category": "home",
        "sale_vat_rate": "0.20",
    }
    numbers = {"unit_cost", "inbound_postage", "own_postage", "prep", "sale_vat_rate"}
    numbers |= {"min_price", "max_price", "estimated_daily_sales"}
    merged = {**defaults, **given}
    return ProductCosts(
        **{k: Decimal(v) if k in numbers and v is not None else v for k, v in merged.items()}
    )


def rules(
    *, referral, minimum=None, fulfilment="0", digital="0", fee_vat="0", closing="0"
) -> list[FeeRule]:
    """A whole schedule. `referral`: a rate, or a shape and tiers: ("whole-price", (20, 0.08), …).

    `fulfilment` is an amount, or bands. A tier or band is (price_up_to or None, rate or amount).
    """
    shape, *tiers = ("flat", (None, referral)) if isinstance(referral, str | Decimal) else referral
    bands = [(None, fulfilment)] if isinstance(fulfilment, str | Decimal) else fulfilment
    return [
        *(
            rule("referral", f"r{n}", shape=shape, price_up_to=end, rate=rate, minimum=minimum)
            for n, (end, rate) in enumerate(tiers)
        ),
        *(
            rule("fulfilment", f"f{n}", price_up_to=end, amount=amount)
            for n, (end, amount) in enumerate(bands)
        ),
        rule("closing", amount=closing),
        rule("digital-services", rate=digital),
        rule("vat-on-fees", rate=fee_vat),
    ]


def schedule(of_rules, *, of_terms=None, of_costs=None) -> FeeSchedule:
    """The schedule these make; fails the test if they make none."""
    found = schedule_for(of_rules, [of_terms or terms()], of_costs or costs(), AT)
    assert isinstance(found, FeeSchedule), found
    return found


def unit(of_rules, *, of_terms=None, of_costs=None, rounded=True) -> UnitEconomics:
    """The economics of one unit under these rules."""
    product = of_costs or costs()
    curve = curve_of(schedule(of_rules, of_terms=of_terms, of_costs=product), rounded=rounded)
    cost = total_cost(product)
    assert isinstance(cost, Decimal)
    return UnitEconomics(curve, cost)


@dataclass(frozen=True)
class Drawn:
    """A case in whole numbers: money in ticks, rates in ten-thousandths, cost in 1/100 tick."""

    marketplace_id: str
    shape: str
    tiers: tuple[tuple[int | None, int, int], ...]
    bands: tuple[tuple[int | None, int], ...]
    closing: int
    digital: int
    applies_to: tuple[str, ...]
    fee_vat: int
    recoverable: int
    sale_vat: int
    cost: int
    margin: int

    @property
    def tick(self) -> Decimal:
        return TICKS[self.marketplace_id]

    def price(self, ticks: int) -> Decimal:
        return ticks * self.tick

    def as_rules(self) -> list[FeeRule]:
        where = {
            "marketplace_id": self.marketplace_id,
            "currency": CURRENCIES[self.marketplace_id],
        }
        end = {None: None}
        end |= {t: self.price(t) for t, *_ in (*self.tiers, *self.bands) if t is not None}
        made = [
            rule("referral", f"r{n}", shape=self.shape, price_up_to=end[top],
                 rate=Decimal(rate) / BP, minimum=self.price(minimum))
            for n, (top, rate, minimum) in enumerate(self.tiers)
        ]  # fmt: skip
        made += [
            rule("fulfilment", f"f{n}", price_up_to=end[top], amount=self.price(amount))
            for n, (top, amount) in enumerate(self.bands)
        ]
        made += [
            rule("closing", amount=self.price(self.closing)),
            rule("digital-services", rate=Decimal(self.digital) / BP, applies_to=self.applies_to),
            rule("vat-on-fees", rate=Decimal(self.fee_vat) / BP),
        ]
        return [replace(one, **where) for one in made]

    def as_costs(self, **given) -> ProductCosts:
        place = self.marketplace_id
        return costs(
            marketplace_id=place,
            currency=CURRENCIES[place],
            unit_cost=self.cost * self.tick / 100,
            sale_vat_rate=Decimal(self.sale_vat) / BP,
            **given,
        )

    def as_terms(self) -> SellerTerms:
        return terms(
            marketplace_id=self.marketplace_id,
            fee_vat_recoverable=Decimal(self.recoverable) / BP,
            wanted_margin=Decimal(self.margin) / BP,
        )

    def as_unit(self) -> UnitEconomics:
        return unit(self.as_rules(), of_terms=self.as_terms(), of_costs=self.as_costs())

    # the restatement ------------------------------------------------------------------------------

    def bill(self, price: int) -> dict[str, int]:
        """Each line in ticks; "vat" is on all of them."""
        lines = {
            "referral": self._referral(price),
            "fulfilment": next(a for end, a in self.bands if end is None or price <= end),
            "closing": self.closing,
        }
        base = sum(amount for name, amount in lines.items() if name in self.applies_to)
        lines["digital-services"] = half_up(self.digital * base, BP)
        lines["vat"] = sum(half_up(self.fee_vat * amount, BP) for amount in lines.values())
        return lines

    def _referral(self, price: int) -> int:
        _, rate, minimum = next(t for t in self.tiers if t[0] is None or price <= t[0])
        parts = self._marginal_parts(price) if self.shape == "marginal" else rate * price
        return max(half_up(parts, BP), minimum)

    def surplus(self, price: int) -> int:
        """Profit times (1 + sale VAT), in units of 10**-10 ticks."""
        lines = self.bill(price)
        vat = lines.pop("vat")
        bill = sum(lines.values()) * 1_000_000 + vat * (BP - self.recoverable) * 100
        return price * 10**10 - (BP + self.sale_vat) * (bill + self.cost * BP)

    def keeps(self, price: int, margin: int) -> bool:
        return self.surplus(price) * BP >= margin * price * 10**10

    def lowest(self, margin: int, up_to: int, at_least: int = 1) -> int | None:
        """By trying every tick."""
        return next((p for p in range(max(at_least, 1), up_to + 1) if self.keeps(p, margin)), None)

    def unrounded_fees(self, price: int, at: int) -> int:
        """The fees in units of 10**-16 ticks, by the tier and band in force at price `at`.

        These, continued to `price`, tell whether the fees jump where a tier ends.
        """
        _, rate, minimum = next(t for t in self.tiers if t[0] is None or at <= t[0])
        parts = self._marginal_parts(price) if self.shape == "marginal" else rate * price
        lines = {
            "referral": max(parts, minimum * BP),
            "fulfilment": next(a for end, a in self.bands if end is None or at <= end) * BP,
            "closing": self.closing * BP,
        }
        base = sum(n for name, n in lines.items() if name in self.applies_to)
        net = sum(lines.values()) * BP + self.digital * base
        return net * (BP * BP + self.fee_vat * (BP - self.recoverable))

    def _marginal_parts(self, price: int) -> int:
        parts, below = 0, 0
        for end, rate, _ in self.tiers:
            upper = price if end is None else min(price, end)
            parts += rate * max(upper - below, 0)
            below = max(below, upper)
        return parts

    def dead_zones(self, up_to: int) -> list[tuple[int, int | None]]:
        """By trying every tick above each price at which the fees step up; None: beyond `up_to`."""
        ends = sorted({end for end, *_ in (*self.tiers, *self.bands) if end is not None})
        zones: list[tuple[int, int | None]] = []
        for end in ends:
            if self.unrounded_fees(end, end + 1) <= self.unrounded_fees(end, end):
                continue
            worth = self.surplus(end)
            until = next((p - 1 for p in range(end + 1, up_to) if self.surplus(p) >= worth), None)
            if until != end:
                zones.append((end, until))
        return zones


def half_up(part: int, whole: int) -> int:
    """`part / whole` to the nearest integer, a half up; for parts of 0 and more."""
    return (2 * part + whole) // (2 * whole)


HIGHEST = 900
"""Ticks: tier ends and costs are drawn so that most answers lie below it."""

_rates = st.sampled_from([0, 500, 800, 1500, 4500, 8333]) | st.integers(0, 6000)
_minimums = st.sampled_from([0, 0, 25]) | st.integers(0, 60)
_ends = st.lists(st.integers(1, HIGHEST // 2), max_size=3, unique=True).map(
    lambda ends: (*sorted(ends), None)
)
_applies = st.sampled_from(
    [(), ("referral",), ("referral", "fulfilment"), ("referral", "fulfilment", "closing")]
)


@st.composite
def drawn_cases(draw) -> Drawn:
    """Every shape, tier, minimum and band, in pounds and in yen."""
    shape = draw(st.sampled_from(["flat", "whole-price", "marginal"]))
    ends = (None,) if shape == "flat" else draw(_ends)
    one_minimum = draw(_minimums)
    differ = draw(st.booleans())
    applies_to = draw(_applies)
    return Drawn(
        marketplace_id=draw(st.sampled_from([GB, JP])),
        shape=shape,
        tiers=tuple((e, draw(_rates), draw(_minimums) if differ else one_minimum) for e in ends),
        bands=tuple((e, draw(st.integers(0, 60))) for e in draw(_ends)),
        closing=draw(st.sampled_from([0, 0, 50])),
        digital=draw(st.sampled_from([0, 200, 300]) | st.integers(0, 999)) if applies_to else 0,
        applies_to=applies_to,
        fee_vat=draw(st.sampled_from([0, 2000]) | st.integers(0, 2500)),
        recoverable=draw(st.sampled_from([0, BP, BP]) | st.integers(0, BP)),
        sale_vat=draw(st.sampled_from([0, 2000, 1900, 550])),
        cost=draw(st.sampled_from([0, 3000]) | st.integers(0, 20_000)),
        margin=draw(st.sampled_from([0, 0, 1000, 2500]) | st.integers(0, 6000)),
    )
