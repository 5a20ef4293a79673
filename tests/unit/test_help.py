"""`--help` of each command: examples that can be copied, and text that fits the terminal."""

from __future__ import annotations

import inspect
import itertools
import re
import shlex
from collections.abc import Iterator

import pytest
import typer.main
from typer.testing import CliRunner

from worker.cli.main import app

_WIDTH = 80
_SHELL = ("|", "<", ">")


def _commands(
    command: object, path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], object]]:
    below = getattr(command, "commands", None)
    if below is None:
        yield path, command
        return
    for name, each in below.items():
        yield from _commands(each, (*path, name))


COMMANDS = dict(_commands(typer.main.get_command(app)))
"""Each command by the words that lead to it."""


def _help(*words: str) -> list[str]:
    told = CliRunner().invoke(app, [*words, "--help"], env={"COLUMNS": str(_WIDTH)})
    assert told.exit_code == 0, told.output
    return told.output.splitlines()


def _arguments(example: str) -> list[str]:
    """What `buybox` is given in an example: without the pipe or redirection around it."""
    words = shlex.split(example)
    words = words[words.index("buybox") + 1 :]
    ends = [words.index(sign) for sign in _SHELL if sign in words]
    return words[: min(ends, default=len(words))]


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_example_is_a_line_of_its_own_that_the_command_takes(words):
    command = COMMANDS[words]
    examples = re.findall(r"^- `([^`]+)`$", inspect.cleandoc(command.help or ""), re.MULTILINE)
    assert examples, "a command without an example"
    for example in examples:
        arguments = _arguments(example)
        assert tuple(arguments[: len(words)]) == words
        command.make_context(" ".join(words), arguments[len(words) :])


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_help_fills_its_lines_whatever_the_width_of_its_source(words):
    lines = [line.rstrip() for line in _help(*words)]
    prose = [line for line in lines if line.startswith(" ") and not line.startswith("  ")]
    for line, after in itertools.pairwise(lines):
        if line in prose and after in prose:
            first = after.split()[0]
            assert len(line) + 1 + len(first) >= _WIDTH, f"{line!r} had room for {first!r}"


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_help_shows_no_sign_of_its_markup(words):
    told = "\n".join(_help(*words))
    assert "`" not in told
    assert not re.search(r"\[/?(dim|bold)\]", told)
