"""Rows to parameters: columns as arrays, records as one JSON document; and values to rows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Any

import msgspec

_RECORDS = msgspec.json.Encoder(decimal_format="string")


def by_name(*names: str) -> Callable[[Any], dict[str, Any]]:
    """A function that reads these attributes, two or more, off a value as keyword arguments."""
    values_of = attrgetter(*names)
    return lambda value: dict(zip(names, values_of(value), strict=True))


def columns(rows: Sequence[Any], row_type: type[Any]) -> dict[str, list[Any]]:
    """One array per column, named after the fields of `row_type`, a dataclass or a struct."""
    return {name: [getattr(row, name) for row in rows] for name in row_type.__match_args__}


def records(rows: Sequence[Any]) -> str:
    """The rows, structs all, as a JSON array of objects, for json_to_recordset.

    Decimals go as exact text, times in ISO 8601. Not jsonb: it would sort the keys of each object
    only to have them looked up once. What is at its default is left out where the struct says so
    (`omit_defaults`): for a column that must not be null the statement itself names the default.
    """
    return _RECORDS.encode(rows).decode()
