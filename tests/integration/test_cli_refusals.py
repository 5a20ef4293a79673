"""The commands on a database that is not set up for them: a sentence on what to do, exit code 1."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from psycopg import sql
from psycopg.conninfo import make_conninfo
from typer.testing import CliRunner

from worker.cli.main import app

ROOT = Path(__file__).parents[2]
FOR_READERS = ("status", "alerts list")
COMMANDS = [
    *FOR_READERS,
    "listen --changes 1",
    "failures list",
    "failures show 1",
    "failures redrive 1",
    "failures redrive --type missing-field",
    "tokens list",
    "tokens create ann",
    "tokens revoke ann",
    "routes list",
    "routes enable night",
    "routes rekey",
    "alerts show 1",
    "fees list",
    "explain UK B000000001",
]


@pytest.fixture
def buybox(monkeypatch):
    """Runs a command against a database."""
    monkeypatch.setenv("SECRET_KEY", Fernet.generate_key().decode())

    def run(command: str, database_url: str):
        monkeypatch.setenv("DATABASE_URL", database_url)
        return CliRunner().invoke(app, command.split())

    return run


def as_reader(database_url: str) -> str:
    """The address of a login that has ops_reader and nothing else."""
    return make_conninfo(database_url, options="-c role=ops_reader")


@pytest.mark.parametrize("command", COMMANDS)
def test_where_nothing_is_migrated_every_command_says_so(buybox, empty_database_url, command):
    done = buybox(command, empty_database_url)
    assert done.exit_code == 1
    assert "buybox migrate" in done.stderr


@pytest.mark.parametrize("command", [one for one in COMMANDS if one not in FOR_READERS])
def test_a_login_without_the_right_is_told_which_one(buybox, database_url, command):
    done = buybox(command, as_reader(database_url))
    assert done.exit_code == 1
    assert "permission denied" in done.stderr
    assert "GRANT buybox_worker TO <login>" in done.stderr


@pytest.mark.parametrize("command", FOR_READERS)
def test_what_shows_the_views_is_for_readers_too(buybox, database_url, command):
    done = buybox(command, as_reader(database_url))
    assert done.exit_code == 0, done.output


def test_the_doctor_tells_a_reader_which_right_its_examination_needs(buybox, database_url):
    done = buybox("doctor --json", as_reader(database_url))
    (schema,) = [
        one for one in map(json.loads, done.stdout.splitlines()) if one["name"] == "schema"
    ]
    assert "permission denied" in schema["says"]
    assert "GRANT buybox_worker" in schema["do"]


@pytest.mark.parametrize("command", ["failures show", "failures redrive"])
def test_an_id_that_no_row_can_have_is_wrong_usage(buybox, database_url, command):
    done = buybox(f"{command} 99999999999999999999", database_url)
    assert done.exit_code == 2
    assert "Invalid value" in done.stderr


@pytest.mark.parametrize(
    ("command", "held"),
    [
        ("routes enable night", "alert_routes"),
        ("alerts settings --set snooze_max=12h", "alert_settings"),
        ("products import {file}", "products"),
    ],
)
def test_what_another_session_holds_is_said_to_be_held(
    buybox, conn, database_url, tmp_path, command, held
):
    file = tmp_path / "products.csv"
    file.write_bytes((ROOT / "docs" / "products_example.csv").read_bytes())
    impatient = make_conninfo(database_url, options="-c lock_timeout=100ms")
    with conn.transaction():
        conn.execute(sql.SQL("LOCK TABLE {}").format(sql.Identifier(held)))
        done = buybox(command.format(file=file), impatient)
    assert done.exit_code == 1
    assert "held by another transaction" in done.stderr
    assert "import" not in done.stderr
    assert "pg_stat_activity" in done.stderr


@pytest.mark.parametrize(
    "command",
    [
        "replay old[/bak]/day.jsonl",
        "status --view [/x]",
        "products import no[/such].csv",
        "explain [/x] B000000001",
    ],
)
def test_what_was_typed_is_quoted_as_it_was_typed(buybox, database_url, command):
    done = buybox(command, database_url)
    assert done.exit_code == 2
    assert next(word for word in command.split() if "[/" in word) in done.stderr


def test_a_setting_is_quoted_as_it_was_set(buybox, database_url, monkeypatch):
    pasted = "[sqs.example.com](https://sqs.example.com/[/q])"
    monkeypatch.setenv("SQS_QUEUE_URL", pasted)
    done = buybox("status", database_url)
    assert done.exit_code == 1
    assert f"SQS_QUEUE_URL='{pasted}'" in done.stderr
