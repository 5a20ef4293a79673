"""Rows to parameters: columns as arrays, and records as one JSON document."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

_RECORDS = msgspec.json.Encoder(decimal_format="string")


def columns(rows: Sequence[Any], row_type: type[Any]) -> dict[str, list[Any]]:
    """One array a column, named after the fields of `row_type`, a dataclass or a struct."""
    return {name: [getattr(row, name) for row in rows] for name in row_type.__match_args__}


def records(rows: Sequence[Any]) -> str:
    """The rows, structs all, as a JSON array of objects, for json_to_recordset.

    Decimals go as exact text, times in ISO 8601. json, since jsonb would sort the keys of each
    object for somebody who only looks them up once. What is not known is left out where the struct
    says so (`omit_defaults`): a column that must not be null asks for its own default.
    """
    return _RECORDS.encode(rows).decode()
