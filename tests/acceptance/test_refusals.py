"""What cannot work is refused at once, in a sentence: no traceback, no password, no endless tries."""

from __future__ import annotations

import sys
from collections.abc import Callable

import pytest
from psycopg.conninfo import make_conninfo

from db.connect import connect
from tests.processes import BUYBOX, INGEST, WORKER, CuttableProxy, Process

pytestmark = pytest.mark.acceptance

Start = Callable[..., Process]

MIGRATE = (sys.executable, "-m", "db.migrate")
API = (sys.executable, "-m", "api")
QUEUE = {"SQS_QUEUE_URL": "https://sqs.eu-west-1.amazonaws.com/123456789012/none"}


@pytest.mark.parametrize(
    "command",
    [
        MIGRATE, WORKER, INGEST, API,
        (*BUYBOX, "migrate"), (*BUYBOX, "ingest"), (*BUYBOX, "run"), (*BUYBOX, "listen"),
        (*BUYBOX, "status"), (*BUYBOX, "doctor"), (*BUYBOX, "demo", "--exit"),
    ],
    ids=lambda command: " ".join(command[1:]),
)  # fmt: skip
def test_a_mistyped_database_ends_every_process_and_shows_no_password(
    start: Start, command: tuple[str, ...]
) -> None:
    process = start(
        command, "mistyped", DATABASE_URL='"postgresql://u:S3cretPw@127.0.0.1:1/db"', **QUEUE
    )
    assert process.wait(60) == 1
    assert "no connection string" in process.output()
    assert "S3cret" not in process.output()
    assert "Traceback" not in process.output()


@pytest.mark.parametrize("command", [MIGRATE, (*BUYBOX, "migrate")], ids=("module", "command"))
def test_to_migrate_without_a_database_is_wrong_usage(
    start: Start, command: tuple[str, ...]
) -> None:
    process = start(command, "nowhere")
    assert process.wait(60) == 2
    assert "DATABASE_URL" in process.output()


SERVICES = pytest.mark.parametrize(
    "command", [WORKER, INGEST, (*BUYBOX, "run")], ids=("worker", "ingester", "both")
)


@SERVICES
def test_a_service_ends_where_nothing_is_migrated(
    start: Start, command: tuple[str, ...], empty_database_url: str
) -> None:
    process = start(command, "unmigrated", DATABASE_URL=empty_database_url, **QUEUE)
    assert process.wait(60) == 1
    assert "The database is not migrated: run python -m db.migrate" in process.output()
    assert "Traceback" not in process.output()


@pytest.mark.parametrize(
    "command",
    [WORKER, INGEST, (*BUYBOX, "run"), API],
    ids=("worker", "ingester", "both", "dashboard"),
)
def test_a_service_ends_where_an_earlier_version_has_migrated(
    start: Start, command: tuple[str, ...], database_url: str
) -> None:
    with connect(database_url, autocommit=True) as conn:
        conn.execute("UPDATE alembic_version SET version_num = '0001'")
    process = start(command, "behind", DATABASE_URL=database_url, API_PORT="0", **QUEUE)
    assert process.wait(60) == 1
    assert "at revision 0001, and this version needs" in process.output()
    assert "run python -m db.migrate" in process.output()
    assert "Traceback" not in process.output()


@SERVICES
def test_a_service_ends_where_its_login_may_not_work(
    start: Start, command: tuple[str, ...], database_url: str
) -> None:
    reader = make_conninfo(database_url, options="-c role=ops_reader")
    process = start(command, "reader", DATABASE_URL=reader, **QUEUE)
    assert process.wait(60) == 1
    assert "GRANT buybox_worker TO <login>" in process.output()
    assert "Traceback" not in process.output()


def test_an_ingester_whose_database_is_away_waits_for_it(
    start: Start, cuttable: CuttableProxy
) -> None:
    cuttable.cut()
    ingester = start(INGEST, "away", DATABASE_URL=cuttable.database_url, **QUEUE)
    ingester.says("database_away")
    cuttable.mend()
    ingester.says("database_back")
