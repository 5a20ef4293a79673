"""What cannot work is refused at once, in a sentence: no traceback, no password, no endless tries."""

from __future__ import annotations

import sys
from collections.abc import Callable

import pytest

from tests.processes import BUYBOX, INGEST, WORKER, Process

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
