"""Who may use the dashboard backend: tokens of people and programs, and the page's sessions.

A secret is 256 random bits, shown once; what is stored is its SHA-256. A slow hash would guard weak
secrets against guessing, and these cannot be guessed.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Literal, NamedTuple

import psycopg
from psycopg.rows import args_row

from db.sql import only_row, query

Role = Literal["viewer", "operator"]

PREFIX = "bbx_"
"""Makes a secret that leaked into a log or a repository findable."""

NOT_PEOPLE = frozenset({"data", "clock", "delivery", "local"})
"""Whom alerts' trails name besides people: what acts by itself, and the open loopback's user."""

KEPT_AFTER_END = timedelta(days=7)


class Token(NamedTuple):
    """A token, or a session made from the token `issued_from`, without its secret."""

    id: int
    name: str
    role: Role
    issued_from: int | None
    expires_at: datetime | None


class ListedToken(NamedTuple):
    """A token as the list of tokens shows it."""

    id: int
    name: str
    role: Role
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None


def create_token(
    conn: psycopg.Connection,
    *,
    name: str,
    role: Role,
    now: datetime,
    expires_at: datetime | None = None,
    issued_from: int | None = None,
) -> str:
    """A new token's secret, to be shown this once.

    Raises psycopg.errors.UniqueViolation when a living token has the name, and
    psycopg.errors.CheckViolation for a name that is not allowed.
    """
    secret = PREFIX + secrets.token_urlsafe(32)
    conn.execute(
        query("create_token"),
        {
            "name": name,
            "role": role,
            "secret_hash": _hash(secret),
            "issued_from": issued_from,
            "now": now,
            "expires_at": expires_at,
        },
    )
    return secret


def find_token(conn: psycopg.Connection, secret: str, *, now: datetime) -> Token | None:
    """Whose secret this is; None when it is nobody's, or was revoked, or has expired."""
    with conn.cursor(row_factory=args_row(Token)) as cur:
        cur.execute(query("find_token"), {"secret_hash": _hash(secret), "now": now})
        return cur.fetchone()


def list_tokens(conn: psycopg.Connection) -> list[ListedToken]:
    """Every token ever made, the living ones first."""
    with conn.cursor(row_factory=args_row(ListedToken)) as cur:
        return cur.execute(query("list_tokens")).fetchall()


def revoke_tokens(
    conn: psycopg.Connection,
    *,
    now: datetime,
    name: str | None = None,
    session_id: int | None = None,
) -> int:
    """End the token of this name and its sessions, or one session; returns how many ended."""
    cur = conn.execute(query("revoke_tokens"), {"name": name, "session_id": session_id, "now": now})
    return cur.rowcount


def read_living_tokens(conn: psycopg.Connection, ids: Iterable[int], *, now: datetime) -> set[int]:
    """Which of these tokens and sessions are still good."""
    cur = conn.execute(query("read_living_tokens"), {"ids": list(ids), "now": now})
    return {token_id for (token_id,) in cur}


def any_token_made(conn: psycopg.Connection) -> bool:
    """Whether a token was ever made, revoked ones included."""
    with conn.cursor() as cur:
        return bool(only_row(cur.execute(query("check_tokens")))[0])


def forget_sessions(conn: psycopg.Connection, *, now: datetime) -> int:
    """Remove sessions that ended a week ago; returns how many."""
    return conn.execute(query("forget_sessions"), {"before": now - KEPT_AFTER_END}).rowcount


def _hash(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()
