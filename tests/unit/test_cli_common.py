"""What the commands print: spans of time, tables that are never cut, nothing a terminal would obey."""

from __future__ import annotations

from datetime import timedelta

import pytest

from worker.cli import common


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (0, "0.0 s"),
        (0.25, "0.2 s"),
        (119, "119.0 s"),
        (120, "2 min 0 s"),
        (7199, "119 min 59 s"),
        (7200, "2 h 0 min"),
        (2 * 86_400 - 1, "47 h 59 min"),
        (2 * 86_400, "2 d 0 h"),
        (3 * 86_400 + 5 * 3600 + 3599, "3 d 5 h"),
    ],
)
def test_a_span_is_told_in_the_two_units_that_matter(seconds, told):
    assert common.span(timedelta(seconds=seconds)) == told


@pytest.fixture
def printed(monkeypatch, capsys):
    """Prints a table on a console so wide; returns the lines."""

    def show(width: int, rows, **more) -> list[str]:
        monkeypatch.setattr(common.console, "_width", width)
        common.show_table(("id", "title"), rows, **more)
        return [line.rstrip() for line in capsys.readouterr().out.splitlines() if line.strip()]

    return show


def test_rows_stand_side_by_side_to_the_last_column_there_is(printed):
    rows = [("1", "a mug"), ("2", "a pot")]
    side_by_side = printed(80, rows)
    assert [line.split() for line in side_by_side if line.strip()[0].isalnum()] == [
        ["id", "title"], ["1", "a", "mug"], ["2", "a", "pot"],
    ]  # fmt: skip
    whole = max(map(len, side_by_side)) + 1  # a blank ends each row
    assert printed(whole, rows) == side_by_side
    assert printed(whole - 1, rows) == ["id 1 · title a mug", "id 2 · title a pot"]


def test_where_nothing_fits_each_row_is_a_line_of_what_it_has(printed):
    rows = [("1", "x" * 50), ("2", "")]
    assert printed(20, rows) == [f"id 1 · title {'x' * 50}", "id 2"]
    assert printed(20, rows, lines=["one", "two"]) == ["one", "two"]


def test_text_of_others_is_neither_markup_nor_a_command_to_the_terminal(printed):
    titles = [("1", "[red]\x1b[2Jmug[/x]\n\u202e")]
    for width in (80, 20):
        assert "[red]\\x1b[2Jmug[/x]\\n\\u202e" in printed(width, titles)[-1]


def test_a_sentence_of_several_lines_keeps_them_and_nothing_else(capsys):
    with pytest.raises(common.typer.Exit) as ended:
        common.fail("one\n[/x] two\x1b[2J\tthree", code=2)
    assert ended.value.exit_code == 2
    assert capsys.readouterr().err == "buybox: one\n[/x] two\\x1b[2J\\tthree\n"
