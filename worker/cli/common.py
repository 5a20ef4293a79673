"""What the commands share: settings or a clean end, one console, one connection."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import NoReturn

import psycopg
import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from db.connect import WHO_HOLDS_LOCKS, connect, first_line
from process.logs import configure_logs
from process.settings import GRANT, SettingsError
from process.terminal import plain
from worker.settings import Settings, load_settings

console = Console(highlight=False)
error_console = Console(stderr=True, highlight=False)


def fail(sentence: str, *, code: int = 1) -> NoReturn:
    """End the command with one sentence on standard error.

    It is no markup: what others typed stands in it, and a [/x] there is no end of a colour.
    """
    error_console.print("[red]buybox:[/red] ", end="")
    print_line(sentence, keep="\n", to=error_console)
    raise typer.Exit(code)


def settings_or_fail() -> Settings:
    """The settings, or the end of the command with a sentence about what is wrong with them."""
    try:
        settings = load_settings()
    except SettingsError as error:
        fail(str(error))
    # People read the command's own output; the logs are for the processes that run for long.
    configure_logs(settings, process="cli", level="ERROR", stream=sys.stderr)
    return settings


def dsn_or_fail(settings: Settings) -> str:
    """The database's address, or the end of the command with a sentence without the address."""
    try:
        return settings.dsn
    except SettingsError as error:
        fail(str(error))


def connect_or_fail(settings: Settings, *, autocommit: bool = True) -> psycopg.Connection:
    """A connection, or the end of the command with what to do."""
    dsn = dsn_or_fail(settings)
    try:
        return connect(dsn, role="cli", autocommit=autocommit)
    except psycopg.Error as error:
        fail(f"the database of DATABASE_URL cannot be reached: {first_line(error)}")


def sentence_about(error: psycopg.Error) -> str | None:
    """What to do about a database that is not set up for the command. None for other errors."""
    wrong = psycopg.errors
    if isinstance(
        error,
        wrong.UndefinedTable
        | wrong.UndefinedFunction
        | wrong.UndefinedColumn
        | wrong.InvalidSchemaName,
    ):
        return (
            "this database has no buybox schema yet, or an older one: "
            "buybox migrate (python -m db.migrate) makes it"
        )
    if isinstance(error, wrong.InsufficientPrivilege):
        return (
            f"this login lacks a right ({first_line(error)}): {GRANT}; ops_reader is for SQL on "
            "the views of schema ops"
        )
    return None


def fail_for_database(error: psycopg.Error) -> NoReturn:
    """End the command: nothing was written, since everything is one transaction."""
    if sentence := sentence_about(error):
        fail(sentence)
    if isinstance(error, psycopg.errors.LockNotAvailable):
        fail(
            "what this needs is held by another transaction; nothing was changed. Run it again in "
            f"a moment; if it stays, {WHO_HOLDS_LOCKS} shows who: usually the oldest"
        )
    fail(f"nothing was changed: {first_line(error)}")


def print_line(text: str, *, keep: str = "", to: Console = console) -> None:
    """Print a line as it stands, without what rich or a terminal would obey."""
    to.print(plain(text, keep=keep), markup=False, soft_wrap=True)


def span(value: timedelta) -> str:
    """A time span in the two units that matter."""
    seconds = value.total_seconds()
    for size, unit, smaller_size, smaller in (
        (86_400, "d", 3600, "h"),
        (3600, "h", 60, "min"),
        (60, "min", 1, "s"),
    ):
        if seconds >= 2 * size:
            whole, rest = divmod(seconds, size)
            return f"{whole:.0f} {unit} {rest // smaller_size:.0f} {smaller}"
    return f"{seconds:.1f} s"


def show_table(
    headers: Sequence[str], rows: Sequence[Sequence[str]], *, lines: Iterable[str] | None = None
) -> None:
    """Rows side by side where nothing of them is cut, else a line each: `lines`, or with its names.

    A cut id, type or day is of no use: it can neither be read nor typed. Text of others is plain.
    """
    table = Table(*headers, box=SIMPLE_HEAD, pad_edge=False)
    for cells in rows:
        table.add_row(*(escape(plain(cell)) for cell in cells))
    if fits(console, table):
        console.print(table)
        return
    for one in lines if lines is not None else (_named(headers, cells) for cells in rows):
        print_line(one)


def _named(headers: Sequence[str], cells: Sequence[str]) -> str:
    return " · ".join(f"{name} {cell}" for name, cell in zip(headers, cells, strict=True) if cell)


def fits(console: Console, table: Table) -> bool:
    """Whether nothing of it has to be cut or wrapped; an empty one always does."""
    unlimited = console.options.update(width=100 * console.width)
    return console.measure(table, options=unlimited).maximum <= console.width
