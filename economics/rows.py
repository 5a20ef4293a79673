"""Rows of the database as the economics take them. Pure: a row is whatever names its columns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import msgspec

from economics.fee_rules import Channel, FeeRule, ProductCosts, SellerTerms
from economics.risks import LowPoint


class Row(Protocol):
    """A row, by the names of its columns: any NamedTuple."""

    def _asdict(self) -> dict[str, Any]: ...


def costs_from_row(row: Row) -> ProductCosts:
    """A product's costs; columns that are only for reading are passed over."""
    columns = row._asdict()
    columns["fulfilment_channel"] = channel(columns["fulfilment_channel"])
    return ProductCosts(**{k: v for k, v in columns.items() if k not in {"title", "tags"}})


def fee_rule(row: Row) -> FeeRule:
    """A rule as the schedule takes it."""
    return FeeRule(**row._asdict())


def seller_terms(row: Row) -> SellerTerms:
    """A seller's terms as the schedule takes them."""
    return SellerTerms(**row._asdict())


def channel(text: str | None) -> Channel | None:
    """A fulfilment channel by its name. Raises ValueError for any other."""
    if text is None or text == "amazon" or text == "merchant":  # noqa: PLR1714  mypy narrows these
        return text  # type: ignore[return-value]
    raise ValueError(f"{text!r} is no fulfilment channel")


def points_from_column(column: Sequence[Sequence[Any]]) -> tuple[LowPoint, ...]:
    """The points in the column `low_points`: lists of time, low and seller, all as text."""
    return msgspec.convert(column, tuple[LowPoint, ...])
