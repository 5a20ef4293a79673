"""Products from files and to files. The columns are described in docs/products.md."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Annotated, BinaryIO

import psycopg
from pydantic import AfterValidator, BaseModel, ValidationInfo

from db import catalogue
from db.catalogue import Counts, ProductRow
from worker.catalogue import fields
from worker.catalogue.checking import check
from worker.catalogue.lines import CsvFile, Line, UnusableFileError
from worker.catalogue.rejects import Reject, Rejects

COLUMNS = ProductRow._fields
KEY = ("seller_id", "marketplace_id", "asin", "item_condition", "fulfilment_channel", "sku")
REQUIRED = frozenset({*KEY, "currency"} - {"sku"})
TOLD_EVERY_LINES = 1000


def _not_below_min_price(highest: Decimal | None, info: ValidationInfo) -> Decimal | None:
    lowest = info.data.get("min_price")
    if highest is not None and lowest is not None and highest < lowest:
        raise fields.refuse("min-above-max", f"is below min_price, which is {lowest}")
    return highest


class ProductLine(BaseModel):
    """A line of a products file. The order of the fields is the order of the columns."""

    seller_id: fields.Identifier
    marketplace_id: fields.MarketplaceId
    asin: fields.Asin
    item_condition: fields.Condition
    fulfilment_channel: fields.Channel
    sku: fields.Sku = None
    currency: fields.Currency
    title: fields.Title = None
    unit_cost: fields.Money = None
    inbound_postage: fields.Money = None
    own_postage: fields.Money = None
    prep: fields.Money = None
    category: fields.OptionalSlug = None
    weight_g: fields.Weight = None
    size_tier: fields.OptionalSlug = None
    sale_vat_rate: fields.Rate = None
    min_price: fields.Price = None
    max_price: Annotated[fields.Price, AfterValidator(_not_below_min_price)] = None
    estimated_daily_sales: fields.Quantity = None
    tags: fields.Tags = []

    def row(self) -> ProductRow:
        """The row of the table; no SKU is the empty text."""
        return ProductRow(**self.__dict__ | {"sku": self.sku or ""})


@dataclass(frozen=True, slots=True)
class ProductImport:
    """What came of a file. `written` is false for a dry run and for a strict one with rejects."""

    lines: int
    counts: Counts
    written: bool


def open_products(stream: BinaryIO, *, seller_id: str | None = None) -> CsvFile:
    """The file with its header checked. With `seller_id` the file needs no column of that name.

    Raises UnusableFileError.
    """
    file = CsvFile(
        stream, known=COLUMNS, required=REQUIRED - ({"seller_id"} if seller_id else set())
    )
    if ("min_price" in file.columns) != ("max_price" in file.columns):
        raise UnusableFileError("The columns min_price and max_price go together: name both.")
    return file


def import_products(
    conn: psycopg.Connection,
    file: CsvFile,
    rejects: Rejects,
    *,
    now: datetime,
    seller_id: str | None = None,
    strict: bool = False,
    dry_run: bool = False,
    tell: Callable[[int], None] = lambda _: None,
) -> ProductImport:
    """Put all good lines into the catalogue, in one transaction, and the bad ones into `rejects`.

    `strict` writes nothing if a line is bad, `dry_run` never writes. `tell` is told every now and
    then how many bytes have been read. Memory does not grow with the file.
    """
    lines = 0
    with conn.transaction() as transaction:
        with catalogue.stage_products(conn) as stage:
            for lines, found in enumerate(file.lines(), start=1):
                if isinstance(found, Reject):
                    rejects.add([found])
                elif isinstance(checked := _check(found, seller_id), list):
                    rejects.add(checked)
                else:
                    stage(found.number, checked)
                if lines % TOLD_EVERY_LINES == 0:
                    tell(file.bytes_read)
        for repeat in catalogue.drop_repeated_products(conn):
            problem = f"line {repeat.first_line} is the same product"
            rejects.add([Reject(repeat.line, "(key)", "repeated-key", problem)])
        tell(file.bytes_read)
        counts = catalogue.apply_staged_products(conn, file.columns, now=now)
        written = not (dry_run or (strict and rejects.lines))
        if not written:
            raise psycopg.Rollback(transaction)
    return ProductImport(lines, counts, written)


def _check(line: Line, seller_id: str | None) -> ProductRow | list[Reject]:
    if seller_id is not None:
        given = line.cells.setdefault("seller_id", seller_id)
        if given not in {None, seller_id}:
            problem = f"the import is for {seller_id}"
            return [Reject(line.number, "seller_id", "other-seller", problem, given or "")]
        line.cells["seller_id"] = seller_id
    checked = check(line, ProductLine)
    return checked if isinstance(checked, list) else checked.row()
