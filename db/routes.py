"""Routes: who is told what, where and when. The caller owns the transaction."""

from __future__ import annotations

import psycopg
from psycopg.rows import args_row

from db.delivery_rows import HeldRoute, ListedRoute, NewRoute
from db.sql import query


def insert_route(conn: psycopg.Connection, route: NewRoute) -> bool:
    """Write a new route. False: there already is one of that name."""
    params = {
        name: list(value) if isinstance(value, (list, tuple)) else value
        for name, value in route._asdict().items()
    }
    return conn.execute(query("insert_route"), params).fetchone() is not None


def list_routes(conn: psycopg.Connection) -> list[ListedRoute]:
    """Every route, in the order of names."""
    with conn.cursor(row_factory=args_row(ListedRoute)) as cur:
        cur.execute(query("list_routes"))
        return cur.fetchall()


def lock_route(conn: psycopg.Connection, name: str) -> HeldRoute | None:
    """The route of this name, locked; None when there is none."""
    with conn.cursor(row_factory=args_row(HeldRoute)) as cur:
        cur.execute(query("lock_route"), {"name": name})
        return cur.fetchone()


def cancel_route_deliveries(conn: psycopg.Connection, route_id: int, *, reason: str) -> list[int]:
    """Cancel what waits for the route; returns the ids of the deliveries."""
    cur = conn.execute(query("cancel_route_deliveries"), {"route_id": route_id, "reason": reason})
    return [number for (number,) in cur]


def delete_route(conn: psycopg.Connection, route_id: int) -> None:
    """Remove it. Its deliveries keep its name."""
    conn.execute(query("delete_route"), {"id": route_id})


def set_route_enabled(conn: psycopg.Connection, route_id: int, *, enabled: bool) -> None:
    """Switch it on or off."""
    conn.execute(query("set_route_enabled"), {"id": route_id, "enabled": enabled})


def read_route_addresses(conn: psycopg.Connection) -> list[tuple[int, str, bytes]]:
    """(id, name, encrypted address) of every route, locked."""
    return conn.execute(query("read_route_addresses")).fetchall()


def set_route_address(conn: psycopg.Connection, route_id: int, url_encrypted: bytes) -> None:
    """Store its address, encrypted with another key."""
    conn.execute(query("set_route_address"), {"id": route_id, "url_encrypted": url_encrypted})
