"""A migration whose process is killed in the middle of a long step."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

from db.migrate import migrate
from tests.interleave import column, until

ROOT = Path(__file__).parents[2]
IN_A_LONG_STEP = """
import sys
from db import migrate
migrate.server_code = lambda: ["LOCK TABLE current_state", "SELECT pg_sleep(600)"]
migrate.migrate(sys.argv[1])
"""
ITS_SESSION = """
SELECT state FROM pg_stat_activity
WHERE datname = current_database() AND application_name = 'buybox migrate'
"""


def test_its_session_ends_with_it_so_that_nobody_waits_for_what_nobody_awaits(database_url, conn):
    """Left to itself, the server would finish the step, however long, and hold all tables for it."""
    killed = subprocess.Popen([sys.executable, "-c", IN_A_LONG_STEP, database_url], cwd=ROOT)
    try:
        until(
            lambda: column(conn, f"{ITS_SESSION} AND wait_event = 'PgSleep'"),
            "the migration was in its long step",
        )
    finally:
        killed.send_signal(signal.SIGKILL)
        killed.wait(10)
    try:
        until(lambda: column(conn, ITS_SESSION) == [], "the server ended its session")
    finally:
        conn.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND application_name = 'buybox migrate'"
        )
    assert migrate(database_url).before == migrate(database_url).after
