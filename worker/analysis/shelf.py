"""The costs that one transaction needs, and the fee book that the process keeps."""

from __future__ import annotations

from collections.abc import Sequence

import psycopg

from db import catalogue
from db import economy as sql
from economics.costing import NOTHING_KNOWN, Economy, Ledger, by_product
from economics.fee_rules import ProductCosts
from economics.fee_schedule import FeeBook
from economics.rows import costs_from_row, fee_rule, seller_terms

COSTS_KEPT = 20_000


class FeeShelf:
    """Reads what is known of money; keeps the fees for as long as their version stands.

    Costs are read each time and only their values remembered, so that equal rows are one object.
    Safe in threads: each reads a whole book, at worst twice.
    """

    def __init__(self) -> None:
        self._kept: tuple[int, Ledger] | None = None
        self._costs: dict[sql.CostRow, ProductCosts] = {}

    def economy(self, conn: psycopg.Connection, products: Sequence[tuple[str, str]]) -> Economy:
        """The costs of these (marketplace, ASIN) pairs and the fees, as they are now."""
        if not products:
            return NOTHING_KNOWN
        version, rows = sql.read_costs(conn, products)
        if not rows:
            return NOTHING_KNOWN
        return Economy(by_product(map(self._one_object, rows)), self._ledger(conn, version))

    def _ledger(self, conn: psycopg.Connection, version: int) -> Ledger:
        """The fees of this version or, read just after it, of a later one.

        In the second case the next look finds the version moved and reads again.
        """
        kept = self._kept
        if kept is None or kept[0] != version:
            kept = version, Ledger(read_book(conn))
            self._kept = kept
        return kept[1]

    def _one_object(self, row: sql.CostRow) -> ProductCosts:
        found = self._costs.get(row)
        if found is None:
            if len(self._costs) >= COSTS_KEPT:
                self._costs = {}
            found = self._costs[row] = costs_from_row(row)
        return found


def read_book(conn: psycopg.Connection) -> FeeBook:
    """All fee rules and terms there are."""
    return FeeBook(
        map(fee_rule, catalogue.list_fee_rules(conn)),
        map(seller_terms, catalogue.list_terms(conn)),
    )
