"""The feed: what changed since a cursor, without gaps; and the bells that say when to look.

Method: every row carries the transaction that last changed it, a cursor is a snapshot, and "since"
is "not visible in it". See docs/decisions/0004.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from db.connect import one_snapshot
from db.rows import FeedPage, StateRow, state_row
from db.shown_alerts import ShownAlert, shown_alert
from db.sql import query

STATE_CHANNEL = "buybox_state"
ALERT_CHANNEL = "buybox_alerts"

NEXT_BELL_S = 0.001
"""How long the next packet of many may take: they come as fast as they are read."""

LISTENS_S = 1.0
"""How long at most bells are taken that never stop; then the feed is read all the same."""

MAX_FEED_ROWS = 10_000
"""Whoever is further behind than this is told to start from the whole state instead."""

_SNAPSHOT = re.compile(r"(\d{1,18}):(\d{1,18}):((?:\d{1,18}(?:,\d{1,18})*)?)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Changes:
    """States and alerts changed since a cursor, read in one snapshot. Otherwise like FeedPage."""

    states: list[StateRow]
    alerts: list[ShownAlert]
    next_cursor: str
    reset: str | None = None


def read_changes(
    conn: psycopg.Connection, cursor: str, *, max_rows: int = MAX_FEED_ROWS
) -> Changes:
    """Both halves of the feed since `cursor`, and the one cursor to go on from.

    `conn` must be in autocommit. `max_rows` holds for each half; a `reset` comes for the same
    reasons as in `read_feed`.
    """
    with one_snapshot(conn):
        page = read_feed(conn, cursor, max_rows=max_rows)
        if page.reset:
            return Changes([], [], page.next_cursor, page.reset)
        with conn.cursor(row_factory=dict_row) as cur:
            cur.execute(
                query("read_alert_feed"),
                {"cursor": snapshot_of(cursor), "max_rows": max_rows + 1},
            )
            alerts = [shown_alert(row) for row in cur]
    if len(alerts) > max_rows:
        return Changes([], [], page.next_cursor, "too-far-behind")
    return Changes(page.rows, alerts, page.next_cursor)


def read_feed(
    conn: psycopg.Connection, cursor: str | None, *, max_rows: int = MAX_FEED_ROWS
) -> FeedPage:
    """The states changed since `cursor` (None: all of them) and the cursor to go on from.

    Without a cursor the whole state comes, however large: `max_rows` limits reads since a cursor.
    A cursor from another epoch, from the future, unreadable or too far behind yields no rows and a
    `reset` with its reason, never an incomplete answer.
    """
    epoch, snapshot = _split(cursor)
    unreadable = cursor is not None and snapshot is None
    found = _ask(conn, snapshot, max_rows=None if cursor is None else max_rows + 1)
    first, next_cursor = found[0], _cursor(found[0])
    if unreadable:
        return FeedPage([], next_cursor, "unreadable-cursor")
    if epoch is not None and epoch != first["epoch"]:
        return FeedPage([], next_cursor, "other-epoch")
    if first["out_of_range"]:
        return FeedPage([], next_cursor, "out-of-range")
    rows = [state_row(row) for row in found if row["marketplace_id"] is not None]
    if cursor is not None and len(rows) > max_rows:
        return FeedPage([], next_cursor, "too-far-behind")
    return FeedPage(rows, next_cursor)


def read_position(conn: psycopg.Connection) -> str:
    """The cursor of this moment: from here on, without what is already there."""
    return _cursor(_ask(conn, None, max_rows=0)[0])


def check_cursor(conn: psycopg.Connection, cursor: str) -> str | None:
    """Why this cursor is of no use (a code of a `reset`); None when it is good."""
    reset = read_feed(conn, cursor, max_rows=0).reset
    return None if reset == "too-far-behind" else reset


def start_listening(conn: psycopg.Connection, *channels: str) -> None:
    """LISTEN, by default to the state bell. Do so before reading the feed, or changes are missed.

    `conn` must be in autocommit and a direct connection: a transaction pooler accepts LISTEN and
    never delivers.
    """
    for channel in channels or (STATE_CHANNEL,):
        conn.execute(sql.SQL("LISTEN {}").format(sql.Identifier(channel)))


def hear(conn: psycopg.Connection, *, timeout_s: float) -> set[str]:
    """The channels on which a bell rang since the last look, waiting for the first of them.

    All that rang are taken. What a listener leaves stays in a queue that is the whole server's, and
    when that is full no transaction that rings can commit.
    """
    more = heard = _rung(conn, timeout_s)
    enough = time.monotonic() + LISTENS_S
    while more and time.monotonic() < enough:
        more = _rung(conn, NEXT_BELL_S)
        heard |= more
    return heard


def _rung(conn: psycopg.Connection, timeout_s: float) -> set[str]:
    """The channels of the bells in the next packet."""
    return {bell.channel for bell in conn.notifies(timeout=timeout_s, stop_after=1)}


def listen_for(conn: psycopg.Connection, *, timeout_s: float) -> Iterator[str]:
    """Payloads of state bells rung since the last look; waits up to `timeout_s` for the first."""
    for notify in conn.notifies(timeout=timeout_s, stop_after=1):
        if notify.channel == STATE_CHANNEL:
            yield notify.payload


def _ask(
    conn: psycopg.Connection, snapshot: str | None, *, max_rows: int | None
) -> list[dict[str, Any]]:
    with conn.cursor(row_factory=dict_row) as cur:
        cur.execute(query("read_feed"), {"cursor": snapshot, "max_rows": max_rows})
        return cur.fetchall()


def _cursor(row: dict[str, Any]) -> str:
    return f"{row['epoch']}~{row['next_cursor']}"


def snapshot_of(cursor: str) -> str:
    """The pg_snapshot in a cursor of ours. Raises ValueError for a text that is none."""
    _, snapshot = _split(cursor)
    if snapshot is None:
        raise ValueError(f"{cursor!r} is not a cursor")
    return snapshot


def _split(cursor: str | None) -> tuple[str | None, str | None]:
    if cursor is None:
        return None, None
    epoch, _, snapshot = cursor.partition("~")
    return (epoch, snapshot) if _is_snapshot(snapshot) else (None, None)


def _is_snapshot(text: str) -> bool:
    """Whether Postgres will take the text as a pg_snapshot: a bad one would abort a transaction."""
    match = _SNAPSHOT.fullmatch(text)
    if match is None:
        return False
    low, high = int(match[1]), int(match[2])
    running = [int(x) for x in match[3].split(",")] if match[3] else []
    return 0 < low <= high and all(low <= x < high for x in running) and running == sorted(running)
