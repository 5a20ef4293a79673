"""Rows as CSV, which an import reads back as the same rows."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import TextIO

from worker.catalogue.fields import TAG_SEPARATOR


def write_csv(stream: TextIO, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """The rows under a header, LF after each. None is an empty cell.

    Cells are written as they are: a title that begins with "=" is a formula to a spreadsheet.
    """
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(columns)
    for row in rows:
        writer.writerow([_cell(value) for value in row])


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, list | tuple):
        return TAG_SEPARATOR.join(value)
    return str(value)
