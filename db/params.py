"""Rows to parameters: columns as arrays, and records as one JSON document."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import fields
from datetime import datetime
from decimal import Decimal
from typing import Any


def columns(rows: Sequence[Any], row_type: type[Any]) -> dict[str, list[Any]]:
    """One array a column, named after the fields of the dataclass `row_type`."""
    return {f.name: [getattr(row, f.name) for row in rows] for f in fields(row_type)}


def records(rows: Sequence[Any], row_type: type[Any]) -> str:
    """The rows as a JSON array of objects, for jsonb_to_recordset. Decimals go as exact text."""
    names = [f.name for f in fields(row_type)]
    return json.dumps(
        [{name: getattr(row, name) for name in names} for row in rows], default=_plain
    )


def _plain(value: object) -> str:
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no place in a row")
