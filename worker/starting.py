"""What stops a service before it begins: a database on which it could never work."""

from __future__ import annotations

import psycopg

from db.connect import connect
from db.probes import check_start
from db.revisions import read_standing
from process.settings import GRANT, NOT_MIGRATED, SettingsError, behind
from worker.settings import Settings


def check_database(settings: Settings) -> None:
    """Raise SettingsError if the database is not migrated, or this login may not work on it.

    One that a newer version has migrated is taken: so it is during a deploy, and after a rollback.

    A database that is merely away is no reason: it comes back, and each service has its own way to
    wait for that.
    """
    try:
        with connect(settings.dsn, role="start", autocommit=True) as conn:
            found = check_start(conn)
            standing = read_standing(conn) if found.may_work else None
    except psycopg.OperationalError:
        return
    if not found.is_migrated:
        raise SettingsError(NOT_MIGRATED)
    if not found.may_work:
        raise SettingsError(f"This login of DATABASE_URL may not work on the tables: {GRANT}")
    if standing is not None and standing.is_behind:
        raise SettingsError(behind(standing.here, standing.needed))
