"""Connections: how every process of the house reaches Postgres."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, TypedDict

import msgspec
import psycopg
from psycopg.adapt import AdaptersMap
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.types.json import set_json_loads
from psycopg_pool import ConnectionPool

APPLICATION = "buybox"

SERVER_SETTINGS = {
    # Our transactions take milliseconds. These limits end the ones that hang, so that nobody waits
    # behind them and nobody's snapshot keeps vacuum from its work.
    "statement_timeout": "30s",
    "lock_timeout": "10s",
    "idle_in_transaction_session_timeout": "30s",
    # Compiling a plan pays off after some 100 ms of run time; ours never run that long.
    "jit": "off",
    "timezone": "UTC",
}


# Our functions name the schema public, so our statements must find the same tables. With another
# schema in front a migration would make a second set there, and with `ops` in front its views would
# hide the tables of the same names. So no search_path of a login, database or address ever wins.
SEARCH_PATH = "-c search_path=public"


WHO_HOLDS_LOCKS = (
    "SELECT pid, usename, state, xact_start, query FROM pg_stat_activity ORDER BY xact_start"
)
"""For sentences about a lock that could not be had: whoever holds it is usually the oldest."""


class _QueueSettings(TypedDict):
    enable_bitmapscan: str


QUEUE_SETTINGS: _QueueSettings = {
    # For whoever takes from the queue: a few rows in the order of an index. A bitmap scan would
    # first read all that waits, and looks cheap with the statistics of a drained queue
    # (docs/decisions/0020).
    "enable_bitmapscan": "off",
}

NO_ADDRESS = (
    "this is no connection string; it looks like postgresql://user:password@host:5432/buybox, with "
    "no quotes around it and special characters of the password as %40 for @, %2F for /, %25 for %"
)

Watch = Callable[[], AbstractContextManager[object]]

KEEPALIVE = {
    # A peer that vanished without a word is noticed within about half a minute.
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,  # milliseconds
    "connect_timeout": 5,
}


ADAPTERS = AdaptersMap(psycopg.adapters)
"""How our connections read values: as psycopg does, but JSON by msgspec, which is faster."""

set_json_loads(msgspec.json.decode, context=ADAPTERS)


MIGRATED = psycopg.errors.FeatureNotSupported
"""The error of a statement that was prepared before a migration and now gives other columns. It
comes again and again, unless a transaction is rolled back; a new connection prepares it anew."""


def first_line(error: Exception) -> str:
    """What the error says, without the hints and context that follow in lines of their own."""
    return str(error).strip().partition("\n")[0]


def read_address(database_url: str) -> dict[str, Any]:
    """The parameters of a connection string. Raises psycopg.ProgrammingError if it is none.

    The error never quotes the string: psycopg's own would, and with it the password.
    """
    try:
        given = conninfo_to_dict(database_url)
    except psycopg.ProgrammingError:
        given = None
    # An unescaped / or @ in a password makes the rest of it a port or a host, which the error of
    # connecting would quote. (process.settings checks the same: neither imports the other.)
    if given is None or not (
        re.fullmatch(r"[0-9,]*", str(given.get("port") or ""))
        and re.fullmatch(r"[^@]*|/.*", str(given.get("host") or ""))
    ):
        raise psycopg.ProgrammingError(NO_ADDRESS) from None
    return given


def conninfo(database_url: str, *, role: str = "worker", **server_settings: str) -> str:
    """The connection string for `database_url` with our timeouts and a name for pg_stat_activity.

    Settings that the URL itself carries (in `options` or as parameters) win over ours, except the
    search_path and, once connected, the time zone.

    Raises psycopg.ProgrammingError for a string that is no connection string.
    """
    given = read_address(database_url)
    settings = {**SERVER_SETTINGS, **server_settings}
    ours = " ".join(f"-c {name}={value}" for name, value in settings.items())
    options = " ".join(part for part in (ours, given.pop("options", None), SEARCH_PATH) if part)
    defaults: dict[str, Any] = {**KEEPALIVE, "application_name": f"{APPLICATION} {role}"}
    return make_conninfo(**{**defaults, **given, "options": options})


def connect(
    database_url: str, *, role: str = "worker", autocommit: bool = False, **server_settings: str
) -> psycopg.Connection:
    """One connection of its own. Raises psycopg.OperationalError when there is no server."""
    conn = psycopg.connect(
        conninfo(database_url, role=role, **server_settings),
        autocommit=autocommit,
        context=ADAPTERS,
    )
    _keep_to_utc(conn)
    return conn


def _keep_to_utc(conn: psycopg.Connection) -> None:
    """Times are told as UTC. PGTZ of the environment wins over a connection string."""
    if conn.info.parameter_status("TimeZone") != "UTC":
        conn.execute("SET timezone = 'UTC'")
        if not conn.autocommit:
            conn.commit()


@contextmanager
def one_snapshot(conn: psycopg.Connection) -> Iterator[None]:
    """A transaction whose statements all see the database of one moment, and change nothing.

    `conn` must be in autocommit and outside a transaction; it is so again afterwards.
    """
    before = conn.isolation_level, conn.read_only
    conn.isolation_level, conn.read_only = psycopg.IsolationLevel.REPEATABLE_READ, True
    try:
        with conn.transaction():
            yield
    finally:
        if not conn.closed:
            conn.isolation_level, conn.read_only = before


class WatchedPool(ConnectionPool):
    """A pool that lends each connection inside `watch()`, which sees when one is kept too long.

    When a statement is refused because of a migration, all connections are replaced.
    """

    def __init__(self, conninfo: str, *, watch: Watch, **options: Any) -> None:
        self._watch = watch
        super().__init__(conninfo, **options)

    @contextmanager
    def connection(self, timeout: float | None = None) -> Iterator[psycopg.Connection]:
        """As in the base class; checking that the connection is alive is watched too."""
        with self._watch(), super().connection(timeout) as conn:
            try:
                yield conn
            except MIGRATED:
                self.drain()  # the others have prepared the same
                raise


def connection_pool(
    database_url: str,
    *,
    role: str,
    max_size: int,
    autocommit: bool = False,
    timeout_s: float = 30.0,
    watch: Watch = nullcontext,
    **server_settings: str,
) -> ConnectionPool:
    """A pool that connects at first use and replaces connections that died.

    Whoever waits longer than `timeout_s` for a connection gets psycopg_pool.PoolTimeout. After the
    same time the pool gives up trying to connect, and the next request starts it anew: left to
    itself it would double its pauses for five minutes, and while it pauses nobody connects, even if
    the server is back.
    """
    return WatchedPool(
        conninfo(database_url, role=role, **server_settings),
        watch=watch,
        kwargs={"autocommit": autocommit, "context": ADAPTERS},
        min_size=0,
        max_size=max_size,
        timeout=timeout_s,
        reconnect_timeout=timeout_s,
        open=True,
        configure=_keep_to_utc,
        check=ConnectionPool.check_connection,
        name=role,
    )
