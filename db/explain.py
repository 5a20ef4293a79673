"""What is read to explain a product's prices. The caller owns the transaction."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

import psycopg
from psycopg.rows import args_row

from db.catalogue import FeeRuleRow, ProductRow, SellerTermsRow, read_fee_rules, read_terms
from db.sql import query


class MarketRow(NamedTuple):
    """A state's prices. `facts` is what its newest message said, as JSON text; None: dropped."""

    seller_id: str
    item_condition: str
    audience: str
    currency: str | None
    your_price: Decimal | None
    own_price_unknown: str | None
    market_low: Decimal | None
    competitor_low: Decimal | None
    prime_low: Decimal | None
    buy_box_winner: bool | None
    event_time: datetime | None
    doubt_since: datetime | None
    low_points: list[list[str | None]]
    facts: str | None


def read_markets(conn: psycopg.Connection, marketplace_id: str, asin: str) -> list[MarketRow]:
    """Every state of an ASIN: of all sellers, conditions and audiences, consumers first."""
    with conn.cursor(row_factory=args_row(MarketRow)) as cursor:
        cursor.execute(query("explain_markets"), {"marketplace_id": marketplace_id, "asin": asin})
        return cursor.fetchall()


def read_costs(conn: psycopg.Connection, marketplace_id: str, asin: str) -> list[ProductRow]:
    """Every product of an ASIN: of all sellers, conditions, channels and SKUs."""
    with conn.cursor(row_factory=args_row(ProductRow)) as cursor:
        cursor.execute(query("explain_products"), {"marketplace_id": marketplace_id, "asin": asin})
        return cursor.fetchall()


def read_fees(
    conn: psycopg.Connection, marketplace_id: str, seller_id: str, at: datetime
) -> tuple[list[FeeRuleRow], list[SellerTermsRow]]:
    """The rules and terms of a seller that may be in force at this instant.

    Days are the marketplace's own: with a day on either side, its day at this instant is covered.
    """
    first_day, last_day = at.date() - timedelta(days=1), at.date() + timedelta(days=1)
    places, sellers = [marketplace_id], [seller_id]
    return (
        read_fee_rules(conn, places, sellers, first_day=first_day, last_day=last_day),
        read_terms(conn, sellers, places, first_day=first_day, last_day=last_day),
    )
