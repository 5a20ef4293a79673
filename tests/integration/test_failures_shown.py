"""`buybox failures` and `buybox replay` at a terminal: what arrived is shown and moves nothing there."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from worker.cli.main import app

TITLE = "\x1b]0;owned\x07\x1b[2J\x9b1m\u202e[red]x[/red]"
SHOWN = r"\x1b]0;owned\x07\x1b[2J\x9b1m\u202e[red]x[/red]"
BODY = f'{{\r\n\t"title": "{TITLE}"'


@pytest.fixture
def buybox(database_url):
    """A command on the test's database."""

    def run(*arguments, width=300):
        env = {"DATABASE_URL": database_url, "COLUMNS": str(width), "NO_COLOR": "1"}
        done = CliRunner().invoke(app, [*map(str, arguments)], env=env)
        assert not {"\x1b", "\x07", "\x9b", "\u202e"} & set(done.output), done.output
        return done

    return run


@pytest.fixture
def broken(tmp_path):
    """A file that cannot be read."""
    path = tmp_path / "broken.txt"
    path.write_text(BODY, newline="")
    return path


def test_a_raw_body_is_shown_line_by_line_and_moves_no_cursor(conn, buybox, broken):
    buybox("replay", broken)
    (failure,) = conn.execute("SELECT id FROM worker_failures").fetchone()
    shown = buybox("failures", "show", failure)
    assert shown.exit_code == 0, shown.output
    begun, title = shown.stdout.splitlines()[-2:]
    assert (begun, title.lstrip()) == ("{", f'"title": "{SHOWN}"')


def test_of_several_the_one_that_is_asked_for_is_shown_resolved_or_not(conn, buybox, tmp_path):
    for name in ("one", "two", "three"):
        path = tmp_path / f"{name}.txt"
        path.write_text(f"{{ {name}")
        buybox("replay", path)
    conn.execute(
        "UPDATE worker_failures SET error_message = 'why ' || id, resolved_at = CASE WHEN id % 2 = 0"
        " THEN now() END, resolution = CASE WHEN id % 2 = 0 THEN 'redriven' END"
    )
    for failure, body in conn.execute(
        "SELECT id, convert_from(raw_body, 'UTF8') FROM worker_failures ORDER BY id"
    ).fetchall():
        shown = buybox("failures", "show", failure).stdout
        assert f"message      why {failure}\n" in shown
        assert shown.endswith(f"{body}\n")
        assert ("(redriven)" in shown) is (failure % 2 == 0)


@pytest.mark.parametrize("command", ["list", "show"])
def test_what_a_failure_says_moves_no_cursor(conn, buybox, broken, command):
    buybox("replay", broken)
    (failure,) = conn.execute(
        "UPDATE worker_failures SET error_message = %s RETURNING id", (TITLE,)
    ).fetchone()
    of = [] if command == "list" else [failure]
    assert SHOWN in buybox("failures", command, *of).stdout


@pytest.mark.parametrize("options", [[], ["--dry-run"]])
def test_a_file_s_name_moves_no_cursor(buybox, broken, options):
    broken = broken.rename(broken.with_name("a\x1b[2Jb.txt"))
    assert r"a\x1b[2Jb.txt: quarantined" in buybox("replay", *options, broken).stdout


def test_a_refusal_that_quotes_what_others_wrote_moves_no_cursor(buybox, tmp_path):
    assert r"\x1b[2J" in buybox("replay", tmp_path / "gone\x1b[2J").output


@pytest.mark.parametrize("width", [60, 80, 200])
def test_what_redrive_needs_is_whole_at_any_width(conn, buybox, broken, width):
    buybox("replay", broken)
    (failure,) = conn.execute("SELECT id FROM worker_failures").fetchone()
    shown = buybox("failures", "list", width=width).stdout
    assert str(failure) in shown
    assert "ingest/malformed-json" in shown
    assert "check what writes to the queue" in shown
