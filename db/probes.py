"""What the doctor tries out on a database: do bells arrive, what may we do, what time is it.

The caller owns the connections; nothing is changed.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

import psycopg
from psycopg import sql
from psycopg.rows import args_row, class_row

from db.sql import only_row, query


@dataclass(frozen=True, slots=True)
class Readiness:
    """Whether this login could work here. Both lists are empty when all is well."""

    server_time: datetime
    is_read_only: bool
    is_standby: bool
    missing_privileges: list[str]
    missing_partitions: list[str]


class Start(NamedTuple):
    """Whether a service could begin here at all."""

    is_migrated: bool
    may_work: bool


def check_start(conn: psycopg.Connection) -> Start:
    """Works on any database, even an empty one, and with any login."""
    with conn.cursor(row_factory=args_row(Start)) as cur:
        cur.execute(query("check_start"))
        return only_row(cur)


def check_readiness(conn: psycopg.Connection, *, now: datetime) -> Readiness:
    """Whether a migrated database takes writes, what it lacks for this login, and its clock."""
    with conn.cursor(row_factory=class_row(Readiness)) as cur:
        cur.execute(query("check_readiness"), {"now": now})
        return only_row(cur)


def ring_probe_bell(conn: psycopg.Connection, channel: str) -> None:
    """Ring a bell that only the probe itself listens to."""
    conn.execute(query("ring_probe_bell"), {"channel": channel})


def bells_arrive(
    listener: psycopg.Connection, ringer: psycopg.Connection, *, timeout_s: float
) -> bool:
    """Whether a NOTIFY of one connection reaches the LISTEN of the other.

    Both must be in autocommit. Behind a transaction pooler LISTEN succeeds and nothing ever
    arrives: it went to a server connection that somebody else uses next.
    """
    channel = f"buybox_probe_{secrets.token_hex(8)}"
    name = sql.Identifier(channel)
    listener.execute(sql.SQL("LISTEN {}").format(name))
    try:
        ring_probe_bell(ringer, channel)
        # read to its end: a suspended notifies() holds the connection's lock; UNLISTEN would wait
        heard = list(listener.notifies(timeout=timeout_s, stop_after=1))
        return any(notify.channel == channel for notify in heard)
    finally:
        listener.execute(sql.SQL("UNLISTEN {}").format(name))
