"""`buybox listen`: whoever ends it can go on without a gap."""

from __future__ import annotations

from typer.testing import CliRunner

from db.feed import read_position
from tests.dashboard import write_state
from worker.cli.main import app


def test_ended_in_the_middle_of_a_page_it_names_where_that_page_began(
    conn, database_url, monkeypatch
):
    since = read_position(conn)
    write_state(conn)

    def ctrl_c(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("worker.cli.listen._print_change", ctrl_c)
    env = {"DATABASE_URL": database_url, "COLUMNS": "200"}
    done = CliRunner().invoke(app, ["listen", "--since", since], env=env)
    assert done.exit_code == 0
    assert f"go on with: buybox listen --since '{since}'" in done.stderr
