"""People's acts on alerts: SQL functions for several alerts at once; a repeated request acts once.

The caller owns the transaction: acts and the answer kept for a repeated request commit together.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import psycopg
from psycopg.rows import args_row
from psycopg.types.json import Jsonb

from db.sql import only_row, query


class Acted(NamedTuple):
    """What became of an act on one alert: `code` for programs, `message` a sentence for people."""

    alert_id: int
    done: bool
    code: str
    message: str


class KeyReusedError(Exception):
    """The key of this request belongs to another request."""


def _hold(conn: psycopg.Connection, ids: Sequence[int]) -> None:
    """Lock several alerts, in the order in which everybody does, until the transaction ends."""
    conn.execute(query("hold_alerts"), {"ids": list(ids)})


def _act(conn: psycopg.Connection, text: Any, ids: Sequence[int], **more: Any) -> list[Acted]:
    wanted = sorted(set(ids))
    if len(wanted) > 1:
        _hold(conn, wanted)
    with conn.cursor(row_factory=args_row(Acted)) as cur:
        cur.execute(text, {"ids": wanted, **more})
        return cur.fetchall()


def acknowledge_alerts(
    conn: psycopg.Connection,
    ids: Sequence[int],
    *,
    who: str,
    note: str | None = None,
    now: datetime | None = None,
) -> list[Acted]:
    """Somebody looks after these alerts."""
    return _act(conn, query("acknowledge_alerts"), ids, who=who, note=note, now=now)


def unacknowledge_alerts(
    conn: psycopg.Connection, ids: Sequence[int], *, who: str, now: datetime | None = None
) -> list[Acted]:
    """Take an acknowledgement back."""
    return _act(conn, query("unacknowledge_alerts"), ids, who=who, now=now)


def assign_alerts(
    conn: psycopg.Connection,
    ids: Sequence[int],
    *,
    who: str,
    assignee: str | None,
    now: datetime | None = None,
) -> list[Acted]:
    """Give alerts to somebody; None to nobody."""
    return _act(conn, query("assign_alerts"), ids, who=who, assignee=assignee, now=now)


def note_alerts(
    conn: psycopg.Connection,
    ids: Sequence[int],
    *,
    who: str,
    note: str | None,
    now: datetime | None = None,
) -> list[Acted]:
    """Write a note in place of the one before; None and blank notes are refused as empty."""
    return _act(conn, query("note_alerts"), ids, who=who, note=note, now=now)


def snooze_alerts(
    conn: psycopg.Connection,
    ids: Sequence[int],
    *,
    who: str,
    length: timedelta | None,
    now: datetime | None = None,
) -> list[Acted]:
    """Keep alerts quiet for a while; None for the default length of the settings."""
    return _act(conn, query("snooze_alerts"), ids, who=who, length=length, now=now)


def resolve_alerts(
    conn: psycopg.Connection, ids: Sequence[int], *, who: str, now: datetime | None = None
) -> list[Acted]:
    """Close alerts by hand."""
    return _act(conn, query("resolve_alerts"), ids, who=who, now=now)


def reopen_alerts(
    conn: psycopg.Connection, ids: Sequence[int], *, who: str, now: datetime | None = None
) -> list[Acted]:
    """Open alerts again that ended by hand or by timeout."""
    return _act(conn, query("reopen_alerts"), ids, who=who, now=now)


def claim_request(
    conn: psycopg.Connection, *, who: str, key: str, request: bytes, now: datetime
) -> Any | None:
    """None for the first request with this key, which is to act; else the answer that one got.

    Waits for a request with the same key that is still at work. Raises KeyReusedError if the key
    came with a different `request` before.
    """
    request_hash = hashlib.sha256(request).digest()
    given = {"who": who, "key": key}
    claimed = conn.execute(
        query("claim_request"), {**given, "request_hash": request_hash, "now": now}
    )
    if claimed.fetchone():
        return None
    asked, answer = only_row(conn.execute(query("read_request"), given))
    if asked != request_hash:
        raise KeyReusedError
    return answer


def answer_request(conn: psycopg.Connection, *, who: str, key: str, answer: Any) -> None:
    """Keep the answer, a JSON value, for the same request sent again."""
    conn.execute(query("answer_request"), {"who": who, "key": key, "answer": Jsonb(answer)})
