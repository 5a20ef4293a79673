"""The statements of `db/queries/`, one per file: how SQL text enters the program."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib import resources
from operator import itemgetter
from typing import Any, LiteralString, TypeVar

import msgspec
import psycopg
from psycopg.rows import BaseRowFactory, RowMaker, no_result

_Row = TypeVar("_Row")
_Struct = TypeVar("_Struct", bound=msgspec.Struct)

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
    """The row of a statement that always returns one; if not, raises psycopg.InterfaceError."""
    row = cursor.fetchone()
    if row is None:
        raise psycopg.InterfaceError("the statement returned no row")
    return row


def struct_row(struct: type[_Struct]) -> BaseRowFactory[_Struct]:
    """A cursor's rows as values of this struct: columns in any order, further ones left out.

    The places of the fields are looked up once per statement, not per row. If a column is missing,
    as during a deploy of another version, the cursor raises psycopg.ProgrammingError.
    """

    def maker(cursor: Any) -> RowMaker[_Struct]:
        result = cursor.pgresult
        if result is None or not result.nfields:
            return no_result
        # As `cursor.description` names them, without an object made for each.
        places = {(result.fname(place) or b"").decode(): place for place in range(result.nfields)}
        if missing := set(struct.__struct_fields__) - places.keys():
            raise psycopg.ProgrammingError(f"the statement gave no {', '.join(sorted(missing))}")
        fields = itemgetter(*(places[name] for name in struct.__struct_fields__))

        def make(values: Sequence[Any]) -> _Struct:
            return struct(*fields(values))

        return make

    return maker
