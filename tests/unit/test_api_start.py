"""The API told to stop while it starts."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
TOLD_EARLY = """
import signal, sys
import api.__main__ as process
from api.server import Server

begin = Server.run

def told_first(server, sockets=None):
    signal.raise_signal(signal.SIGTERM)
    begin(server, sockets)

Server.run = told_first
sys.exit(process.main(["--port", "0"]))
"""


def test_a_sigterm_between_listening_and_serving_is_not_lost() -> None:
    """uvicorn hears signals only once its loop runs; the platform would kill us half a minute later."""
    ended = subprocess.run(
        [sys.executable, "-c", TOLD_EARLY],
        cwd=ROOT,
        env={
            "PATH": os.environ["PATH"],
            "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none",
        },
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "listening" in ended.stdout
