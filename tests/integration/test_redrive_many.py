"""`buybox failures redrive --type` on more dead letters than one look shows."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from db import failures
from worker.cli.main import app


@pytest.fixture
def redrive(monkeypatch, database_url):
    """Runs the command, three dead letters a look and two a transaction."""
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setattr(failures, "MAX_LISTED", 3)
    monkeypatch.setattr("worker.cli.failures.REDRIVEN_AT_ONCE", 2)

    def run(*arguments: str):
        return CliRunner().invoke(app, ["failures", "redrive", *arguments])

    return run


def store(conn, count: int, *, error_type: str = "malformed-json") -> list[int]:
    """Dead letters whose bodies can never be read."""
    return [
        conn.execute(
            "INSERT INTO worker_failures (stage, error_type, error_message, first_failed_at,"
            " last_failed_at, trace_id, source, worker_id, body_hash, raw_body)"
            " SELECT 'ingest', %(type)s, 'no', now(), now(), 't', 'sqs', 'w', sha256(b), b"
            " FROM (SELECT convert_to(%(body)s, 'UTF8') AS b) AS given RETURNING id",
            {"type": error_type, "body": f"{error_type} {n}"},
        ).fetchone()[0]
        for n in range(count)
    ]


def test_all_of_a_type_are_driven_and_those_that_fail_again_only_once(conn, redrive):
    store(conn, 8)
    done = redrive("--type", "malformed-json")
    assert done.exit_code == 1
    assert "0 redriven, 8 failed again" in done.stdout
    assert conn.execute("SELECT DISTINCT failure_count FROM worker_failures").fetchall() == [(2,)]


def test_ids_are_all_looked_for_however_many_they_are(conn, redrive):
    ids = store(conn, 7)
    done = redrive(*map(str, [*ids, ids[-1] + 1]))
    assert f"{ids[-1] + 1}: no open failure of this id" in done.stdout
    assert "0 redriven, 7 failed again" in done.stdout


def test_a_dry_run_shows_the_first_ids_and_how_many_more(conn, redrive):
    ids = store(conn, 23)
    done = redrive("--type", "malformed-json", "--dry-run")
    assert done.exit_code == 0
    assert done.stdout.split() == (
        ["would", "redrive", "23:", *map(str, ids[:20]), "and", "3", "more"]
    )


def test_a_type_of_which_none_is_open_names_those_that_are(conn, redrive):
    assert "there are none" in redrive("--type", "nonsense").stderr
    store(conn, 2)
    store(conn, 1, error_type="missing-field")
    done = redrive("--type", "nonsense")
    assert done.exit_code == 1
    assert "no open failure is of type nonsense" in done.stderr
    assert "malformed-json (2), missing-field (1)" in done.stderr
