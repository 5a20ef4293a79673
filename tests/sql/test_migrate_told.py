"""What a migration says while it is at work: whoever watches a deploy sees where it is."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from db.connect import connect
from db.migrate import migrate
from tests.interleave import Background
from tests.revisions import revisions

ROOT = Path(__file__).parents[2]
LOCK = "SELECT pg_advisory_lock(hashtext('buybox migrate'))"


def test_it_says_at_once_what_it_waits_for(database_url):
    """A platform reads a pipe, into which Python writes only when 8 KB are there."""
    plain = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    with connect(database_url, autocommit=True) as gate:
        gate.execute(LOCK)
        migrating = subprocess.Popen(
            [sys.executable, "-m", "db.migrate", "--database-url", database_url],
            cwd=ROOT,
            env=plain,
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            first = Background(migrating.stdout.readline)
            assert "waiting for the migration lock" in first.result()
        finally:
            gate.execute("SELECT pg_advisory_unlock_all()")
            migrating.communicate(timeout=60)


def test_it_says_which_revisions_are_done(empty_database_url):
    said = []
    migrate(empty_database_url, say=said.append)
    done = [line for line in said if line.startswith("done: ")]
    assert done == [f"done: {revision}" for revision in revisions()]
