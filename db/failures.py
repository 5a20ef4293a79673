"""The dead letters. The caller owns the transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import psycopg
from psycopg.rows import class_row

from db.rows import FailureBody, FailureRow
from db.sql import only_row, query

MAX_LISTED = 10_000


def list_failures(
    conn: psycopg.Connection,
    *,
    ids: Sequence[int] | None = None,
    error_type: str | None = None,
    include_resolved: bool = False,
    max_rows: int = 200,
) -> list[FailureRow]:
    """Dead letters, newest first; open ones only unless told otherwise."""
    with conn.cursor(row_factory=class_row(FailureRow)) as cur:
        cur.execute(
            query("list_failures"),
            {
                "ids": None if ids is None else list(ids),
                "error_type": error_type,
                "include_resolved": include_resolved,
                "max_rows": min(max_rows, MAX_LISTED),
            },
        )
        return cur.fetchall()


def list_open_ids(
    conn: psycopg.Connection,
    *,
    ids: Sequence[int] | None = None,
    error_type: str | None = None,
) -> list[int]:
    """The ids of all open dead letters asked for, ascending, read `MAX_LISTED` at a time."""
    found: list[int] = []
    while True:
        rows = conn.execute(
            query("list_open_ids"),
            {
                "ids": None if ids is None else list(ids),
                "error_type": error_type,
                "after": found[-1] if found else 0,
                "max_rows": MAX_LISTED,
            },
        ).fetchall()
        found += [failure_id for (failure_id,) in rows]
        if len(rows) < MAX_LISTED:
            return found


def count_open_failures(conn: psycopg.Connection) -> dict[str, int]:
    """How many dead letters of each error type are open; types without any are left out."""
    return dict(conn.execute(query("count_open_failures")).fetchall())


def fetch_failure_bodies(conn: psycopg.Connection, ids: Sequence[int]) -> list[FailureBody]:
    """Dead letters with their bodies, locked until the transaction ends."""
    with conn.cursor(row_factory=class_row(FailureBody)) as cur:
        cur.execute(query("fetch_failure_bodies"), {"ids": list(ids)})
        return cur.fetchall()


def resolve_failures(
    conn: psycopg.Connection, resolutions: Mapping[int, str], *, now: datetime
) -> None:
    """Mark dead letters as dealt with; `resolutions` is id to how."""
    conn.execute(
        query("resolve_failures"),
        {"ids": list(resolutions), "resolution": list(resolutions.values()), "now": now},
    )


def reopen_notifications(conn: psycopg.Connection, row_ids: Sequence[int]) -> int:
    """Let failed notifications wait again from their first attempt; returns how many jobs."""
    return int(only_row(conn.execute(query("reopen_notifications"), {"row_ids": list(row_ids)}))[0])


def put_back_body(
    conn: psycopg.Connection, row_id: int, *, body: str, facts: str | None, now: datetime
) -> None:
    """Give a failed notification back the body that retention has dropped."""
    conn.execute(
        query("put_back_body"), {"row_id": row_id, "body": body, "facts": facts, "now": now}
    )
