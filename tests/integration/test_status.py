"""`buybox status`: the operators' views, side by side where they fit, else a line a column."""

from __future__ import annotations

import json
import re

import pytest
from typer.testing import CliRunner

from tests.factories import GB
from tests.interleave import column, deliver, letter, work
from worker.cli.main import app

SUMMARY = ["worker_health", "queue_depth", "ingest_lag", "failure_summary", "stalled_jobs"]
PRODUCTS = [f"{GB}:B00000000{n}" for n in (1, 2, 3)]


@pytest.fixture
def status(conn, database_url):
    """The command on a database where three products wait and one was analysed."""
    deliver(conn, letter())
    work(conn)
    deliver(conn, *(letter(asin=name.partition(":")[2]) for name in PRODUCTS))

    def run(*arguments, width: int = 300) -> list[str]:
        env = {"DATABASE_URL": database_url, "COLUMNS": str(width), "NO_COLOR": "1"}
        done = CliRunner().invoke(app, ["status", *arguments], env=env)
        assert done.exit_code == 0, done.output
        return [line.rstrip() for line in done.stdout.splitlines() if line.strip()]

    return run


def test_the_summary_names_each_view_with_what_is_in_it_then_the_severities(status):
    told = status()
    assert [line.split(":")[0].split(".")[1] for line in told if "ops." in line] == SUMMARY
    assert "ops.stalled_jobs: nothing" in told
    assert told[-1] == "states: 1 info"
    (waiting,) = [line.split() for line in told if line.split()[0] == "analysis"]
    assert waiting[1:4] == ["3", "0", "0"]
    assert re.fullmatch(r"\d+\.\d s", " ".join(waiting[4:]))


def test_one_view_alone_is_told_to_its_limit(status):
    view = ("--view", "asin_work_queue")
    title, header, _, *found = status(*view)
    assert title.strip() == "ops.asin_work_queue"
    assert header.split()[:3] == ["partition_key", "notification", "status"]
    assert sorted(line.split()[0] for line in found) == PRODUCTS
    assert len(status(*view, "--limit", "2")) == 3 + 2


def test_where_it_does_not_fit_each_column_is_a_line_that_is_not_cut(status):
    view = ("--view", "asin_work_queue", "--limit", "1")
    side_by_side = status(*view)
    width = len(side_by_side[2]) + 1  # the rule under the header, and a blank
    assert status(*view, width=width) == side_by_side
    columns = side_by_side[1].split()
    columns.remove("last_error")  # it has none
    for narrow in range(width - 1, width - 20, -1):
        title, *lines = status(*view, width=narrow)
        assert (title, [line.split()[0] for line in lines]) == ("ops.asin_work_queue", columns)
    assert lines[4].split() == ["attempts", "0"]
    lines = status("--view", "worker_notifications", "--limit", "1", width=40)
    told = dict(line.split(maxsplit=1) for line in lines[1:])
    assert json.loads(told["body"])["NotificationType"] == "ANY_OFFER_CHANGED"
    assert json.loads(told["facts"])["kind"] == "market"
    assert told["event_time"] == "2025-03-04 10:15:30"


def test_programs_get_an_object_a_row_and_nothing_else(status):
    found = [json.loads(line) for line in status("--json")]
    assert {one["view"] for one in found} == {"queue_depth", "ingest_lag"}
    found = [json.loads(line) for line in status("--view", "asin_work_queue", "--json", width=20)]
    assert sorted(one["partition_key"] for one in found) == PRODUCTS


def test_bytes_are_written_as_sql_writes_them(status, conn):
    hashes = column(conn, "SELECT body_hash::text FROM worker_notifications")
    found = [json.loads(line) for line in status("--view", "worker_notifications", "--json")]
    assert sorted(one["body_hash"] for one in found) == sorted(hashes)
    told = status("--view", "worker_notifications", width=40)
    assert sorted(line.split()[1] for line in told if "body_hash" in line) == sorted(hashes)


def test_without_states_there_are_none(conn, status):
    conn.execute("DELETE FROM current_state")
    assert status()[-1] == "states: none"
