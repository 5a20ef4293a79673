"""What sellers and Amazon say about money: products, fees, terms. The caller owns the transaction.

Rows are named tuples in the order of their columns. Money and fractions are Decimal, NULL is None.
Dates of fees and terms are days of the marketplace's own calendar; periods are half-open.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from decimal import Decimal
from typing import Any, LiteralString, NamedTuple

import psycopg
from psycopg.rows import args_row

from db.sql import only_row, query

EXPORTED_AT_ONCE = 2000
"""Rows an export holds in memory."""


class ProductRow(NamedTuple):
    """A row of `products`. An empty `sku` means that there is none; None is "not known"."""

    seller_id: str
    marketplace_id: str
    asin: str
    item_condition: str
    fulfilment_channel: str
    sku: str
    currency: str
    title: str | None
    unit_cost: Decimal | None
    inbound_postage: Decimal | None
    own_postage: Decimal | None
    prep: Decimal | None
    category: str | None
    weight_g: int | None
    size_tier: str | None
    sale_vat_rate: Decimal | None
    min_price: Decimal | None
    max_price: Decimal | None
    estimated_daily_sales: Decimal | None
    tags: list[str]


class FeeRuleRow(NamedTuple):
    """A row of `fee_rules`, in force from `valid_from` up to, not including, `valid_to`."""

    rule_id: str
    marketplace_id: str
    seller_id: str | None
    kind: str
    category: str | None
    size_tier: str | None
    weight_up_to_g: int | None
    fulfilment_channel: str | None
    shape: str | None
    price_up_to: Decimal | None
    rate: Decimal | None
    amount: Decimal | None
    minimum: Decimal | None
    applies_to: tuple[str, ...]
    currency: str
    valid_from: date
    valid_to: date | None
    source: str
    source_date: date
    note: str


class SellerTermsRow(NamedTuple):
    """A row of `seller_terms`, in force from `valid_from` up to, not including, `valid_to`."""

    seller_id: str
    marketplace_id: str
    valid_from: date
    valid_to: date | None
    vat_registered: bool
    fee_vat_recoverable: Decimal
    wanted_margin: Decimal


class Counts(NamedTuple):
    """What an import did to the rows it was given."""

    inserted: int
    updated: int
    unchanged: int


class RepeatedLine(NamedTuple):
    """A line of a file that names a product which an earlier line has named."""

    line: int
    first_line: int


# Not among the queries, each of which is planned by a test: EXPLAIN does not take COPY.
COPY_PRODUCTS: LiteralString = """
COPY pg_temp.staged_products (
    line, seller_id, marketplace_id, asin, item_condition, fulfilment_channel, sku, currency, title,
    unit_cost, inbound_postage, own_postage, prep, category, weight_g, size_tier, sale_vat_rate,
    min_price, max_price, estimated_daily_sales, tags
) FROM STDIN
"""


@contextmanager
def stage_products(conn: psycopg.Connection) -> Iterator[Callable[[int, ProductRow], None]]:
    """The waiting room of an import: call what this yields with each line's number and row.

    Must run in a transaction, which then has no statement timeout: a large file takes its time.
    """
    conn.execute(query("stage_products"), {"statement_timeout": "0"})
    with conn.cursor() as cursor, cursor.copy(COPY_PRODUCTS) as copy:
        yield lambda line, row: copy.write_row((line, *row))


def drop_repeated_products(conn: psycopg.Connection) -> Iterator[RepeatedLine]:
    """Take repeats out of the waiting room; yields them in the order of the file."""
    with conn.cursor(row_factory=args_row(RepeatedLine)) as cursor:
        yield from cursor.execute(query("drop_repeated_products"))


def apply_staged_products(
    conn: psycopg.Connection, columns: Sequence[str], *, now: datetime
) -> Counts:
    """Write the waiting room into the catalogue; columns that are not named keep their values."""
    with conn.cursor(row_factory=args_row(Counts)) as cursor:
        return only_row(
            cursor.execute(query("apply_staged_products"), {"columns": list(columns), "now": now})
        )


def export_products(
    conn: psycopg.Connection, *, seller_id: str | None = None, marketplace_id: str | None = None
) -> Iterator[ProductRow]:
    """The catalogue in the order of its keys, read in batches. Must run in a transaction."""
    with conn.cursor("export_products", row_factory=args_row(ProductRow)) as cursor:
        cursor.itersize = EXPORTED_AT_ONCE
        cursor.execute(
            query("export_products"), {"seller_id": seller_id, "marketplace_id": marketplace_id}
        )
        yield from cursor


def read_fee_rules(
    conn: psycopg.Connection,
    marketplace_ids: Sequence[str],
    seller_ids: Sequence[str],
    *,
    first_day: date,
    last_day: date,
) -> list[FeeRuleRow]:
    """The rules in force on any of these days (both included): general ones, and these sellers'."""
    with conn.cursor(row_factory=args_row(_fee_rule)) as cursor:
        cursor.execute(
            query("read_fee_rules"),
            {
                "marketplace_ids": list(marketplace_ids),
                "seller_ids": list(seller_ids),
                "first_day": first_day,
                "last_day": last_day,
            },
        )
        return cursor.fetchall()


def list_fee_rules(
    conn: psycopg.Connection,
    *,
    marketplace_id: str | None = None,
    category: str | None = None,
    at: date | None = None,
) -> list[FeeRuleRow]:
    """The schedule in the order of its file: all, or for one marketplace, category or day."""
    with conn.cursor(row_factory=args_row(_fee_rule)) as cursor:
        cursor.execute(
            query("list_fee_rules"),
            {"marketplace_id": marketplace_id, "category": category, "at": at},
        )
        return cursor.fetchall()


def import_fee_rules(
    conn: psycopg.Connection, rows: Sequence[FeeRuleRow], *, now: datetime
) -> Counts:
    """Add or replace rules by (seller, rule id).

    Raises psycopg.errors.ExclusionViolation when two rules would hold for the same thing at once.
    """
    text = json.dumps([row._asdict() for row in rows], default=str)
    with conn.cursor(row_factory=args_row(Counts)) as cursor:
        return only_row(cursor.execute(query("import_fee_rules"), {"rows": text, "now": now}))


def read_terms(
    conn: psycopg.Connection,
    seller_ids: Sequence[str],
    marketplace_ids: Sequence[str],
    *,
    first_day: date,
    last_day: date,
) -> list[SellerTermsRow]:
    """The terms of these sellers in these marketplaces on any of these days (both included)."""
    with conn.cursor(row_factory=args_row(SellerTermsRow)) as cursor:
        cursor.execute(
            query("read_terms"),
            {
                "seller_ids": list(seller_ids),
                "marketplace_ids": list(marketplace_ids),
                "first_day": first_day,
                "last_day": last_day,
            },
        )
        return cursor.fetchall()


def list_terms(
    conn: psycopg.Connection, *, seller_id: str | None = None, marketplace_id: str | None = None
) -> list[SellerTermsRow]:
    """All terms, or those of one seller or marketplace, by their first day."""
    with conn.cursor(row_factory=args_row(SellerTermsRow)) as cursor:
        cursor.execute(
            query("list_terms"), {"seller_id": seller_id, "marketplace_id": marketplace_id}
        )
        return cursor.fetchall()


def set_terms(conn: psycopg.Connection, terms: SellerTermsRow, *, now: datetime) -> str:
    """Set these terms from `valid_from` until the next ones begin; `valid_to` is ignored.

    Returns "inserted", "updated" or "unchanged".
    """
    params = {name: value for name, value in terms._asdict().items() if name != "valid_to"}
    return str(only_row(conn.execute(query("set_terms"), {**params, "now": now}))[0])


def _fee_rule(*columns: Any) -> FeeRuleRow:
    row = FeeRuleRow(*columns)
    return row._replace(applies_to=tuple(row.applies_to))
