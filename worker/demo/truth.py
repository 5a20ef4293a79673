"""What every state must be in the end, worked out from the simulated market alone.

Deliberately plain and deliberately apart: it shares no code with the rules that are checked
against it. It reads no message and no JSON; it sees the offers as whole minor units and does its
sums in integers, so that where it and the database disagree, one of them is wrong.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Literal

from worker.demo.offers import HealthAlert, Offer, OfferChange, Product, buy_box_offer

Kind = Literal["market", "health", "other", "broken", "repeat"]
StateKey = tuple[str, str, str, str]
"""Seller, marketplace, ASIN, item condition in lower case."""

_KEY_COLUMNS = ("seller_id", "marketplace_id", "asin", "item_condition")


@dataclass(frozen=True, slots=True)
class ExpectedState:
    """The state of one product and condition. None: not known, never zero.

    `last_own_price` outlives the own offer's disappearance from the 20 cheapest; everything else
    of the market is as of `event_time`, the newest offer message.
    """

    currency: str
    your_price: Decimal | None = None
    last_own_price: Decimal | None = None
    market_low: Decimal | None = None
    competitor_low: Decimal | None = None
    prime_low: Decimal | None = None
    your_position: int | None = None
    total_offers: int | None = None
    buy_box_winner: bool | None = None
    has_buy_box: bool | None = None
    buy_box_price: Decimal | None = None
    event_time: datetime | None = None
    health_issue: str | None = None


@dataclass(slots=True)
class _Memory:
    """What has to be remembered of one product and condition, in whatever order it arrives."""

    product: Product
    newest: OfferChange | None = None
    own_seen: OfferChange | None = None
    own_won_at: datetime | None = None
    alert: HealthAlert | None = None


class Truth:
    """Grows as messages are sent: the counts, and the states that must follow from them."""

    def __init__(self) -> None:
        self.by_kind: Counter[Kind] = Counter()
        self._memories: dict[StateKey, _Memory] = {}

    @property
    def sent(self) -> int:
        """All messages, repeats and broken ones among them."""
        return self.by_kind.total()

    @property
    def broken(self) -> int:
        """Messages that nobody can read."""
        return self.by_kind["broken"]

    @property
    def repeats(self) -> int:
        """Messages that had been sent before, byte for byte."""
        return self.by_kind["repeat"]

    @property
    def stored(self) -> int:
        """Distinct readable notifications, those that change no state among them."""
        return self.sent - self.broken - self.repeats

    @property
    def states(self) -> dict[StateKey, ExpectedState]:
        """What each state must be once all that was sent until now has been analysed."""
        return {key: _state(memory) for key, memory in self._memories.items()}

    def note(self, kind: Kind, told: OfferChange | HealthAlert | None = None) -> None:
        """Count one message sent, and take in what it tells of the consumer market, if anything."""
        self.by_kind[kind] += 1
        if told is None:
            return
        product = told.product
        key = (
            product.seller_id,
            product.marketplace.marketplace_id,
            product.asin,
            told.condition,
        )
        memory = self._memories.setdefault(key, _Memory(product))
        if isinstance(told, HealthAlert):
            if memory.alert is None or told.event_time > memory.alert.event_time:
                memory.alert = told
        else:
            _take_in(memory, told)


def _take_in(memory: _Memory, change: OfferChange) -> None:
    """Messages overtake each other: each of the three memories keeps the newest of its kind."""
    at = change.event_time
    if memory.newest is None or at > memory.newest.event_time:
        memory.newest = change
    own = [o for o in change.shown if o.seller_id == change.product.seller_id]
    if own and (memory.own_seen is None or at > memory.own_seen.event_time):
        memory.own_seen = change
    own_won = any(o.winner for o in own)
    if own_won and (memory.own_won_at is None or at > memory.own_won_at):
        memory.own_won_at = at


def _state(memory: _Memory) -> ExpectedState:
    """The state that follows from what is remembered."""
    product, change = memory.product, memory.newest
    currency = product.marketplace.currency
    issue = _health_issue(memory)
    if change is None:
        return ExpectedState(currency=currency, health_issue=issue)

    def money(amount: int | None) -> Decimal | None:
        return None if amount is None else Decimal(amount).scaleb(-product.marketplace.minor_units)

    own = [o for o in change.shown if o.seller_id == product.seller_id]
    rivals = [o for o in change.shown if o.seller_id != product.seller_id]
    your_price = _lowest(own)
    position = None
    if your_price is not None:
        position = 1 + sum(1 for o in rivals if o.landed < your_price)
    book = change.books[change.condition]
    box = buy_box_offer(book)
    seen = memory.own_seen.shown if memory.own_seen else ()
    return ExpectedState(
        currency=currency,
        your_price=money(your_price),
        last_own_price=money(_lowest([o for o in seen if o.seller_id == product.seller_id])),
        market_low=money(_lowest(own + rivals)),
        competitor_low=money(_lowest(rivals)),
        prime_low=money(_lowest([o for o in change.shown if _is_prime(o)])),
        your_position=position,
        total_offers=len(book),
        buy_box_winner=any(o.winner for o in own) if own else None,
        has_buy_box=box is not None,
        buy_box_price=None if box is None else money(box.landed),
        event_time=change.event_time,
        health_issue=issue,
    )


def _lowest(offers: Iterable[Offer]) -> int | None:
    return min((o.landed for o in offers), default=None)


def _is_prime(offer: Offer) -> bool:
    """What Amazon says of it; only where it says nothing, what Amazon ships is taken as Prime."""
    return offer.fulfilled_by_amazon if offer.prime is None else offer.prime


def _health_issue(memory: _Memory) -> str | None:
    """There is no message of recovery: an alert ends when the own offer wins, then or later."""
    alert, won_at = memory.alert, memory.own_won_at
    if alert is None or (won_at is not None and won_at >= alert.event_time):
        return None
    return alert.issue


def compare(
    expected: Mapping[StateKey, ExpectedState], actual: Iterable[Mapping[str, object]]
) -> list[str]:
    """Every difference between what must be and the rows that are, in words; empty when equal."""
    differences: list[str] = []
    found: set[StateKey] = set()
    for row in actual:
        key = _key(row)
        name = "/".join(key)
        if key in found:
            differences.append(f"{name}: state is there more than once")
        elif key not in expected:
            differences.append(f"{name}: unexpected state")
        else:
            differences += [f"{name}: {text}" for text in _compare_fields(expected[key], row)]
        found.add(key)
    missing = [key for key in expected if key not in found]
    return differences + [f"{'/'.join(key)}: missing state" for key in missing]


def _key(row: Mapping[str, object]) -> StateKey:
    seller_id, marketplace_id, asin, condition = (str(row[column]) for column in _KEY_COLUMNS)
    return seller_id, marketplace_id, asin, condition


def _compare_fields(expected: ExpectedState, row: Mapping[str, object]) -> list[str]:
    differences = []
    for field in fields(expected):
        wanted = getattr(expected, field.name)
        if field.name not in row:
            differences.append(f"{field.name} expected {_show(wanted)}, got no such column")
        elif not _same(wanted, row[field.name]):
            got = _show(row[field.name])
            differences.append(f"{field.name} expected {_show(wanted)}, got {got}")
    return differences


def _same(wanted: object, got: object) -> bool:
    """Equal in value: 5.5 is 5.50, and text that is a number is that number; but 1 is not True."""
    if isinstance(wanted, Decimal | int) and not isinstance(wanted, bool):
        if got is None or isinstance(got, bool):
            return False
        try:
            return Decimal(str(got)) == wanted
        except InvalidOperation:
            return False
    if isinstance(wanted, bool):
        return got is wanted
    return bool(wanted == got)


def _show(value: object) -> str:
    return "nothing" if value is None else str(value)
