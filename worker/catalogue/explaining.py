"""Finds which product is meant and all that the database knows of it; the pure part explains it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import TypeVar

import psycopg

from db import explain as sql
from db.catalogue import ProductRow
from db.explain import MarketRow
from economics.assess_economics import NO_COSTS
from economics.case import NO_STATE, case_from_row, explain_case
from economics.explanation import Explanation
from economics.fee_rules import Channel, local_day
from economics.marketplaces import Marketplace
from economics.rows import costs_from_row

_Row = TypeVar("_Row", MarketRow, ProductRow)


class NothingKnownError(LookupError):
    """There is no such product; the message is a sentence."""


class AmbiguousError(LookupError):
    """Several products are meant; the message says how to choose."""


@dataclass(frozen=True, slots=True)
class Question:
    """Which product, and what about it. None is "not said".

    `day` is by the marketplace's calendar; its fees are used instead of those of the event's day.
    """

    marketplace: Marketplace
    asin: str
    item_condition: str = "new"
    seller_id: str | None = None
    channel: str | None = None
    sku: str | None = None
    price: Decimal | None = None
    day: date | None = None

    @property
    def country(self) -> str:
        """The marketplace as people name it."""
        return self.marketplace.code


@dataclass(frozen=True, slots=True)
class Answer:
    """The product that was found and its explanation.

    `fees_on` is the day whose fees are used, `event_time` that of the newest message.
    """

    question: Question
    seller_id: str
    audience: str
    product: ProductRow | None
    event_time: datetime | None
    doubt_since: datetime | None
    fees_on: date
    explanation: Explanation


def answer(conn: psycopg.Connection, question: Question, *, now: datetime) -> Answer:
    """Find the product and explain it, with the fees of `now` if nothing else names a day.

    Raises NothingKnownError and AmbiguousError.
    """
    place = question.marketplace.marketplace_id
    markets = sql.read_markets(conn, place, question.asin)
    products = sql.read_costs(conn, place, question.asin)
    seller = _seller(question, markets, products)
    market = next(iter(_of(markets, seller, question)), None)
    case = NO_STATE if market is None else case_from_row(market, place)
    product = _product(question, _of(products, seller, question), case.channel)

    at = (market and market.event_time) or now
    if question.day is not None:
        # Noon in Greenwich is on the same day in every marketplace whose clock we know.
        at = datetime.combine(question.day, time(12), UTC)
    costs = NO_COSTS if product is None else costs_from_row(product)
    return Answer(
        question=question,
        seller_id=seller,
        audience=market.audience if market else "consumer",
        product=product,
        event_time=market.event_time if market else None,
        doubt_since=market.doubt_since if market else None,
        fees_on=local_day(place, at) or at.date(),
        explanation=explain_case(
            case, costs, *sql.read_fees(conn, place, seller, at), at, asked=question.price
        ),
    )


# which product is meant ---------------------------------------------------------------------------


def _of(rows: Sequence[_Row], seller_id: str, question: Question) -> list[_Row]:
    return [
        row
        for row in rows
        if row.seller_id == seller_id and row.item_condition == question.item_condition
    ]


def _seller(
    question: Question, markets: Sequence[MarketRow], products: Sequence[ProductRow]
) -> str:
    """The seller whose product it is."""
    what = f"{question.asin} in {question.country}"
    known = {(row.seller_id, row.item_condition) for row in markets}
    known |= {(row.seller_id, row.item_condition) for row in products}
    if not known:
        raise NothingKnownError(
            f"nothing is known of {what}: no notification about it has come, and no costs are "
            "imported (buybox products import FILE.csv)"
        )
    if question.seller_id is not None:
        theirs = {key for key in known if key[0] == question.seller_id}
        if not theirs:
            others = ", ".join(sorted({seller for seller, _ in known}))
            raise NothingKnownError(
                f"seller {question.seller_id} has no {what}; it is known of {others}"
            )
        known = theirs
    sellers = sorted(seller for seller, state in known if state == question.item_condition)
    if not sellers:
        conditions = ", ".join(sorted({state for _, state in known}))
        raise NothingKnownError(
            f"{what} is not known in condition {question.item_condition}, only in: {conditions} "
            "(--condition)"
        )
    if len(sellers) > 1:
        raise AmbiguousError(
            f"several sellers have {what}: {', '.join(sellers)}; choose one with --seller"
        )
    return sellers[0]


def _product(
    question: Question, rows: Sequence[ProductRow], channel: Channel | None
) -> ProductRow | None:
    """The product of this seller and condition, as analysis chooses it: by the own offer's channel.

    Several SKUs of one channel with the same costs are one product here.
    """
    fitting = [
        row
        for row in rows
        if question.channel in {None, row.fulfilment_channel} and question.sku in {None, row.sku}
    ]
    if rows and not fitting:
        raise NothingKnownError(f"no such product; there is: {_named(rows)}")
    if channel is not None and question.channel is None and question.sku is None:
        fitting = [row for row in rows if row.fulfilment_channel == channel]
        if rows and not fitting:
            raise NothingKnownError(
                f"the own offer is sent by {channel}, and no costs are known for that, only for: "
                f"{_named(rows)} (--channel)"
            )
    plain = [row._replace(sku="", title=None, tags=[]) for row in fitting]
    if any(row != plain[0] for row in plain):
        raise AmbiguousError(
            f"several products are meant: {_named(fitting)}; choose one with --sku or --channel"
        )
    return fitting[0] if fitting else None


def _named(rows: Sequence[ProductRow]) -> str:
    return ", ".join(f"{row.sku or 'no SKU'} ({row.fulfilment_channel})" for row in rows)
