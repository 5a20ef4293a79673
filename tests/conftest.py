"""What every test may use: a real Postgres, a database of its own, an environment of its own.

One server per run (DATABASE_URL's if it is set, else the embedded one), one migrated template, and
a clone of it for each test that asks: commits, locks and NOTIFY behave as they do in production.
"""

from __future__ import annotations

import itertools
import os
import shutil
import signal
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from hypothesis import HealthCheck, settings
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from pytest_postgresql.janitor import DatabaseJanitor

from api.settings import ApiSettings
from db.connect import connect
from db.embedded import start_postgres
from db.migrate import migrate
from tests.in_memory import clear_up_after_killed_runs, folder_in_memory, purpose_of_this_run
from worker.settings import Settings

_GIVEN_DATABASE_URL = os.environ.get("DATABASE_URL")

# How wide and colourful rich prints; a console reads them when it is made, which is at import.
for _name in ("COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE"):
    os.environ.pop(_name, None)

# How long an example takes depends on how busy the machine is; tests do not measure.
settings.register_profile("house", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("house")

# Tests run in the background (`&`, nohup) start with these ignored, and so would every program that
# they start: an ignored signal is inherited.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)


@dataclass(frozen=True)
class Server:
    """A Postgres server on which databases can be made."""

    url: str

    def url_of(self, dbname: str) -> str:
        return make_conninfo(self.url, dbname=dbname)

    def janitor(self, dbname: str, **more: object) -> DatabaseJanitor:
        given = conninfo_to_dict(self.url)
        return DatabaseJanitor(
            user=given.get("user") or "postgres",
            host=given.get("host") or "localhost",
            port=given.get("port") or 5432,
            password=given.get("password") or None,
            dbname=dbname,
            maintenance_dbname=given.get("dbname") or "postgres",
            **more,
        )


@pytest.fixture(scope="session", autouse=True)
def _scrubbed_environment() -> None:
    """No test may pass or fail because of the settings of whoever runs it."""
    ours = {f.upper() for one in (Settings, ApiSettings) for f in one.model_fields}
    for name in (*ours, "AWS_PROFILE", "PROCRASTINATE_APP"):
        os.environ.pop(name, None)
    os.environ.update(
        AWS_ACCESS_KEY_ID="testing",
        AWS_SECRET_ACCESS_KEY="testing",
        AWS_EC2_METADATA_DISABLED="true",
    )


@pytest.fixture(scope="session")
def pg_server() -> Iterator[Server]:
    """The server of this run."""
    if _GIVEN_DATABASE_URL:
        yield Server(_GIVEN_DATABASE_URL)
        return
    if folder := folder_in_memory():
        clear_up_after_killed_runs(folder)
    # Outside pytest's own folders: a socket's path must be short.
    home = Path(tempfile.mkdtemp(prefix=f"buybox-{purpose_of_this_run()}-", dir=folder)) / "data"
    server = start_postgres(home, durable=False)
    yield Server(server.get_uri())
    server.cleanup()
    shutil.rmtree(home.parent, ignore_errors=True)


@pytest.fixture(scope="session")
def pg_template(pg_server: Server) -> Iterator[str]:
    """A migrated database to clone."""
    name = f"buybox_template_{os.getpid()}"
    with pg_server.janitor(name, as_template=True):
        migrate(pg_server.url_of(name))
        yield name


@pytest.fixture(scope="session")
def _database_numbers() -> Iterator[int]:
    return itertools.count(1)


@pytest.fixture
def empty_database_url(pg_server: Server, _database_numbers: Iterator[int]) -> Iterator[str]:
    """A database with nothing in it."""
    name = f"buybox_empty_{os.getpid()}_{next(_database_numbers)}"
    with pg_server.janitor(name):
        yield pg_server.url_of(name)


@pytest.fixture
def database_url(
    pg_server: Server, pg_template: str, _database_numbers: Iterator[int]
) -> Iterator[str]:
    """A migrated database of this test's own."""
    name = f"buybox_test_{os.getpid()}_{next(_database_numbers)}"
    with pg_server.janitor(name, template_dbname=pg_template):
        yield pg_server.url_of(name)


@pytest.fixture
def open_connection(database_url: str) -> Iterator[Callable[..., psycopg.Connection]]:
    """Makes connections to this test's database, and closes them."""
    opened: list[psycopg.Connection] = []

    def make(**options: object) -> psycopg.Connection:
        conn = connect(database_url, role="test", **options)
        opened.append(conn)
        return conn

    yield make
    for conn in opened:
        conn.close()


@pytest.fixture
def conn(open_connection: Callable[..., psycopg.Connection]) -> psycopg.Connection:
    """An autocommit connection to this test's database."""
    return open_connection(autocommit=True)


@pytest.fixture
def data_dir() -> Path:
    return Path(__file__).parent / "data"


@pytest.fixture(scope="module")
def module_database_url(
    pg_server: Server, pg_template: str, _database_numbers: Iterator[int]
) -> Iterator[str]:
    """A migrated database for tests of a module that leave it as it is."""
    name = f"buybox_module_{os.getpid()}_{next(_database_numbers)}"
    with pg_server.janitor(name, template_dbname=pg_template):
        yield pg_server.url_of(name)
