"""The statements of `db/queries/`, one a file: the one place where SQL text enters the program."""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import LiteralString, TypeVar

import psycopg

_Row = TypeVar("_Row")

QUERIES = resources.files("db").joinpath("queries")


@cache
def query(name: str) -> LiteralString:
    """The text of `db/queries/<name>.sql`.

    LiteralString is the promise that this text comes from our own files and never from values:
    psycopg accepts nothing else as a query, and values go in as parameters.
    """
    return QUERIES.joinpath(f"{name}.sql").read_text("utf-8")


@cache
def query_names() -> tuple[str, ...]:
    """Every statement there is, sorted."""
    return tuple(sorted(p.name[:-4] for p in QUERIES.iterdir() if p.name.endswith(".sql")))


def only_row(cursor: psycopg.Cursor[_Row]) -> _Row:
    """The row of a statement that always returns one. Raises psycopg.InterfaceError without."""
    row = cursor.fetchone()
    if row is None:
        raise psycopg.InterfaceError("the statement returned no row")
    return row
