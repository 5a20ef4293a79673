"""Choosing the fee rules in force for a product and an instant, and checking them. Pure.

A seller's own rules come before those for everybody; among them the most particular comes first
(category, then size tier, then channel). What doesn't fit together is `Unknown`, never guessed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal

from economics.fee_rules import (
    FeeKind,
    FeeRule,
    FeeSchedule,
    ProductCosts,
    SellerTerms,
    Unknown,
    local_day,
)
from economics.marketplaces import Marketplace, find_marketplace

MULTIPLIED = ("referral", "fulfilment", "closing")
"""The fees a digital services fee may be a share of."""

MEMO_LIMIT = 20_000
"""Schedules a book remembers before it starts afresh; a few hundred distinct ones are usual."""


class _Gap(Exception):  # noqa: N818  a way out of the choice, never seen outside
    """What is missing or contradictory, as a sentence."""


def schedule_for(
    rules: Iterable[FeeRule], terms: Iterable[SellerTerms], costs: ProductCosts, at: datetime
) -> FeeSchedule | Unknown:
    """The fees of this product at this instant (aware), or why they can't be told."""
    try:
        return _choose(rules, terms, costs, at)
    except _Gap as gap:
        return Unknown(str(gap))


class FeeBook:
    """All rules and terms of an installation, answering as `schedule_for` does, but from memory.

    It is a snapshot: make a new one when a rule or a term changes. Equal schedules are one object.
    """

    def __init__(self, rules: Iterable[FeeRule], terms: Iterable[SellerTerms]) -> None:
        self._rules: dict[str, list[FeeRule]] = {}
        for rule in rules:
            self._rules.setdefault(rule.marketplace_id, []).append(rule)
        self._terms: dict[tuple[str, str], list[SellerTerms]] = {}
        for term in terms:
            self._terms.setdefault((term.seller_id, term.marketplace_id), []).append(term)
        self._memo: dict[tuple[object, ...], FeeSchedule | Unknown] = {}
        self._interned: dict[FeeSchedule | Unknown, FeeSchedule | Unknown] = {}

    def schedule_for(self, costs: ProductCosts, at: datetime) -> FeeSchedule | Unknown:
        """The fees of this product at this instant (aware), or why they can't be told."""
        place = costs.marketplace_id
        key = (
            costs.seller_id,
            place,
            costs.category,
            costs.size_tier,
            costs.weight_g,
            costs.fulfilment_channel,
            costs.sale_vat_rate,
            costs.currency,
            local_day(place, at),
        )
        found = self._memo.get(key)
        if found is None:
            terms = self._terms.get((costs.seller_id, place), ())
            found = schedule_for(self._rules.get(place, ()), terms, costs, at)
            if len(self._memo) >= MEMO_LIMIT:
                self._memo.clear()
                self._interned.clear()
            found = self._memo[key] = self._interned.setdefault(found, found)
        return found


def _choose(
    rules: Iterable[FeeRule], terms: Iterable[SellerTerms], costs: ProductCosts, at: datetime
) -> FeeSchedule:
    marketplace = find_marketplace(costs.marketplace_id)
    on = local_day(costs.marketplace_id, at)
    if marketplace is None or on is None:
        raise _Gap(f"{costs.marketplace_id} is not a marketplace we know")
    if costs.currency != marketplace.currency:
        raise _Gap(f"the costs are in {costs.currency}, the prices in {marketplace.currency}")
    choice = _Choice(rules, costs, marketplace, on)
    seller = _terms_in_force(terms, costs, marketplace, on)
    return FeeSchedule(
        currency=marketplace.currency,
        tick=Decimal(1).scaleb(-marketplace.minor_units),
        referral=_referral(choice),
        fulfilment=_fulfilment(choice),
        closing=_single(choice, "closing", "closing fee"),
        digital_services=_digital_services(choice),
        vat_on_fees=_single(choice, "vat-on-fees", "VAT on fees"),
        sale_vat_rate=_sale_vat_rate(costs, seller),
        fee_vat_recoverable=seller.fee_vat_recoverable,
        wanted_margin=seller.wanted_margin,
    )


class _Choice:
    """The rules that could concern a product on a day, and how to pick among them."""

    def __init__(
        self, rules: Iterable[FeeRule], costs: ProductCosts, marketplace: Marketplace, on: date
    ) -> None:
        self.costs = costs
        self._marketplace = marketplace
        self.where_and_when = f"in {marketplace.code} on {on.isoformat()}"
        self._rules = [
            rule
            for rule in rules
            if rule.marketplace_id == costs.marketplace_id
            and rule.seller_id in {None, costs.seller_id}
            and rule.fulfilment_channel in {None, costs.fulfilment_channel}
            and rule.in_force(on)
        ]

    def of(self, kind: FeeKind, name: str) -> list[FeeRule]:
        """The most particular rules of a kind. Raises _Gap if there is none."""
        costs = self.costs
        by_category = kind in {"referral", "closing"}
        if by_category and costs.category is None:
            raise _Gap(f"the category of the product is not known, so neither is its {name}")
        categories = {costs.category} if by_category else {None, costs.category}
        fitting = [
            rule
            for rule in self._rules
            if rule.kind == kind
            and rule.category in categories
            and rule.size_tier in {None, costs.size_tier}
        ]
        if not fitting:
            scope = f" for category {costs.category}" if by_category else ""
            if kind == "fulfilment":
                scope = f" for size tier {costs.size_tier or '(not known)'}"
            raise _Gap(f"no {name} rule{scope} {self.where_and_when}")
        first = max(map(_rank, fitting))
        chosen = [rule for rule in fitting if _rank(rule) == first]
        for rule in chosen:
            _check_amounts(rule, self._marketplace.currency)
        return chosen


def _rank(rule: FeeRule) -> tuple[bool, ...]:
    return (
        rule.seller_id is not None,
        rule.category is not None,
        rule.size_tier is not None,
        rule.fulfilment_channel is not None,
    )


def _check_amounts(rule: FeeRule, currency: str) -> None:
    if rule.currency != currency:
        raise _Gap(f"rule {rule.rule_id} is in {rule.currency}, the prices in {currency}")
    if rule.kind in {"fulfilment", "closing"}:
        if rule.amount is None:
            raise _Gap(f"rule {rule.rule_id} has no amount")
    elif rule.rate is None or rule.rate > 1:
        raise _Gap(f"rule {rule.rule_id} has no rate between 0 and 1")
    if any(n is not None and n < 0 for n in (rule.rate, rule.amount, rule.minimum)):
        raise _Gap(f"rule {rule.rule_id} has a negative number")


def _referral(choice: _Choice) -> tuple[FeeRule, ...]:
    rules = choice.of("referral", "referral fee")
    shapes = {rule.shape for rule in rules}
    if len(shapes) > 1 or None in shapes:
        raise _Gap(f"the referral rules {_names(rules)} are not of one shape")
    if shapes == {"flat"} and len(rules) > 1:
        raise _Gap(f"the flat referral rules {_names(rules)} overlap")
    return _by_price(rules, "referral")


def _fulfilment(choice: _Choice) -> tuple[FeeRule, ...]:
    """No rules for the merchant's own parcels: their postage is a cost, not a fee."""
    if choice.costs.fulfilment_channel == "merchant":
        return ()
    rules = choice.of("fulfilment", "fulfilment fee")
    weight = choice.costs.weight_g
    ends = sorted({r.weight_up_to_g for r in rules if r.weight_up_to_g is not None})
    if ends and weight is None:
        raise _Gap("the weight of the product is not known, so neither is its fulfilment fee")
    band = next((end for end in ends if weight is not None and weight <= end), None)
    rules = [rule for rule in rules if rule.weight_up_to_g == band]
    if not rules:
        raise _Gap(f"no fulfilment fee rule for {weight} g {choice.where_and_when}")
    return _by_price(rules, "fulfilment")


def _by_price(rules: Sequence[FeeRule], name: str) -> tuple[FeeRule, ...]:
    """The tiers in order of price; each starts where the one below ends, so there can be no gap.

    Raises _Gap if two have the same end, if an end is no price, or if all tiers have an end.
    """
    bounded = [(r.price_up_to, r) for r in rules if r.price_up_to is not None]
    still_open = [rule for rule in rules if rule.price_up_to is None]
    if len({end for end, _ in bounded}) < len(bounded) or len(still_open) > 1:
        raise _Gap(f"the {name} rules {_names(rules)} overlap")
    if not still_open:
        raise _Gap(f"the {name} rules {_names(rules)} have no tier without an upper end")
    if any(end <= 0 for end, _ in bounded):
        raise _Gap(f"the {name} rules {_names(rules)} have a tier that ends at no price")
    return (*(rule for _, rule in sorted(bounded, key=lambda pair: pair[0])), *still_open)


def _single(choice: _Choice, kind: FeeKind, name: str) -> FeeRule:
    rules = choice.of(kind, name)
    if len(rules) > 1:
        raise _Gap(f"the {name} rules {_names(rules)} overlap")
    if rules[0].price_up_to is not None:
        raise _Gap(f"rule {rules[0].rule_id} ends at a price, which a {name} rule cannot")
    return rules[0]


def _digital_services(choice: _Choice) -> FeeRule:
    rule = _single(choice, "digital-services", "digital services fee")
    strange = set(rule.applies_to) - set(MULTIPLIED)
    if strange or (rule.rate and not rule.applies_to):
        raise _Gap(f"rule {rule.rule_id} does not say which fees it is a share of")
    return rule


def _terms_in_force(
    terms: Iterable[SellerTerms], costs: ProductCosts, marketplace: Marketplace, on: date
) -> SellerTerms:
    found = [
        term
        for term in terms
        if term.seller_id == costs.seller_id
        and term.marketplace_id == costs.marketplace_id
        and term.in_force(on)
    ]
    where = f"{costs.seller_id} in {marketplace.code} on {on.isoformat()}"
    if len(found) != 1:
        raise _Gap(f"{'no' if not found else 'more than one set of'} terms of seller {where}")
    if not 0 <= found[0].fee_vat_recoverable <= 1:
        raise _Gap(f"the recoverable share of VAT on fees of seller {where} is not a share")
    if not 0 <= found[0].wanted_margin < 1:
        raise _Gap(f"the wanted margin of seller {where} is not a fraction under 1")
    return found[0]


def _sale_vat_rate(costs: ProductCosts, seller: SellerTerms) -> Decimal:
    if not seller.vat_registered:
        return Decimal(0)
    if costs.sale_vat_rate is None:
        raise _Gap("the VAT rate of the sale is not known")
    if costs.sale_vat_rate < 0:
        raise _Gap("the VAT rate of the sale is negative")
    return costs.sale_vat_rate


def _names(rules: Sequence[FeeRule]) -> str:
    return ", ".join(sorted(rule.rule_id for rule in rules))
