"""Rows of the database as the economics take them. Pure: a row is whatever names its columns."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Protocol, cast

from economics.fee_rules import Channel, FeeRule, ProductCosts, SellerTerms
from economics.risks import LowPoint


class Row(Protocol):
    """A row, by the names of its columns: any NamedTuple."""

    def _asdict(self) -> dict[str, Any]: ...


def costs_from_row(row: Row) -> ProductCosts:
    """A product's costs, with or without the columns that are only for reading."""
    columns = row._asdict()
    columns["fulfilment_channel"] = channel(columns["fulfilment_channel"])
    if "tags" in columns:
        columns |= {"title": columns["title"] or "", "tags": tuple(columns["tags"])}
    return ProductCosts(**columns)


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


def points_column(points: tuple[LowPoint, ...]) -> list[list[str | None]]:
    """The column `low_points` of these."""
    return [[p.event_time.isoformat(), str(p.low), p.seller_id] for p in points]


def points_from_column(column: Sequence[Sequence[str | None]]) -> tuple[LowPoint, ...]:
    """What `points_column` gave."""
    return tuple(
        LowPoint(datetime.fromisoformat(at), Decimal(low), seller)
        for at, low, seller in cast("Sequence[tuple[str, str, str | None]]", column)
    )
