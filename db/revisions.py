"""Which revision of the schema this code was made for, and where a database stands.

Apart from db.migrate, so that a service need not load alembic to ask.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import psycopg

_HERE = Path(__file__).resolve().parent
# A clone has it beside db/, an installed wheel inside it (setup.py): beside db/ lies the library
# of that name.
_INSTALLED = _HERE / "alembic"
ALEMBIC_HOME = _INSTALLED if _INSTALLED.is_dir() else _HERE.parent / "alembic"


@dataclass(frozen=True, slots=True)
class Standing:
    """A database beside the code. Revisions are alembic's: numbers with leading zeros."""

    needed: str
    """The newest that the code knows."""
    here: str | None
    """Where the database is; None before the first migration."""
    came_from: str | None = None
    """Where it was before its last migration; None if that was its first, or nobody wrote it."""

    @property
    def is_behind(self) -> bool:
        """Whether the code needs what the database does not have yet."""
        return self.here is None or self.here < self.needed

    @property
    def is_ahead(self) -> bool:
        """Whether a newer version of buybox has migrated the database."""
        return self.here is not None and self.here > self.needed

    @property
    def is_within_one_deploy(self) -> bool:
        """Whether it is ahead by no more than what its last migration brought.

        The code went on working while that migration was deployed, so it works there
        (docs/decisions/0024).
        """
        return self.is_ahead and self.came_from is not None and self.came_from <= self.needed


def newest_revision() -> str:
    """The revision that this code was made for, by the names of the files: each begins with its."""
    return max(path.name.partition("_")[0] for path in (ALEMBIC_HOME / "versions").glob("*_*.py"))


def current_revision(conn: psycopg.Connection) -> str | None:
    """The revision a database stands at; None before the first migration."""
    if conn.execute("SELECT to_regclass('alembic_version')").fetchone() == (None,):
        return None
    row = conn.execute("SELECT version_num FROM alembic_version").fetchone()
    return str(row[0]) if row else None


def read_standing(conn: psycopg.Connection) -> Standing:
    """Where this database stands. Works on an empty one too."""
    needed, here = newest_revision(), current_revision(conn)
    if here is None:
        return Standing(needed, here)
    row = conn.execute(
        "SELECT version FROM schema_components WHERE component = 'migrated-from'"
    ).fetchone()
    return Standing(needed, here, str(row[0]) if row else None)


def remember_where_from(conn: psycopg.Connection, before: str) -> None:
    """Note where the database was before the migration that this transaction makes."""
    conn.execute(
        "INSERT INTO schema_components (component, version) VALUES ('migrated-from', %s)"
        " ON CONFLICT (component) DO UPDATE SET version = EXCLUDED.version, applied_at = now()",
        (before,),
    )
