"""`buybox ingest` and `buybox migrate`: the same as the modules, for those who type."""

from __future__ import annotations

from db.migrate import MigrationError
from db.migrate import migrate as migrate_database
from process.logs import configure_logs
from process.settings import SettingsError
from worker.cli.common import console, fail, settings_or_fail
from worker.ingest.__main__ import run as run_ingester


def ingest() -> None:
    """Take messages from SQS into the database, until SIGTERM.

    The same as `python -m worker.ingest`. Needs DATABASE_URL and SQS_QUEUE_URL.

    Example:
    - `buybox ingest`
    """
    settings = settings_or_fail()
    configure_logs(settings, process="ingest")
    try:
        run_ingester(settings)
    except SettingsError as error:
        fail(str(error))


def migrate() -> None:
    """Bring the database to the current state. Safe to run twice, and from two places.

    The same as `python -m db.migrate`; needs the login that owns the tables.

    Example:
    - `buybox migrate`
    """
    settings = settings_or_fail()
    if not settings.database_url:
        fail("no database: set DATABASE_URL", code=2)
    try:
        report = migrate_database(
            settings.dsn, say=lambda line: console.print(f"  {line}", markup=False)
        )
    except (MigrationError, SettingsError) as error:
        fail(str(error))
    console.print(report.sentence(), markup=False, soft_wrap=True)
