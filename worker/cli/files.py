"""What the commands that read files share: the file, its progress, the report of its rejects."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from difflib import get_close_matches
from pathlib import Path
from typing import BinaryIO

from rich.box import SIMPLE_HEAD
from rich.markup import escape
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from economics.marketplaces import Marketplace, marketplace_codes, marketplaces_by_name
from worker.catalogue.rejects import Rejects
from worker.cli.common import console, error_console, fail

STDIN = "-"
ASIN_LENGTH = 10


@contextmanager
def open_input(path: str) -> Iterator[BinaryIO]:
    """The file, or standard input for -. Ends the command if it cannot be opened."""
    if path == STDIN:
        yield sys.stdin.buffer
        return
    try:
        stream = Path(path).open("rb")  # noqa: SIM115  closed below; the errors are of opening only
    except OSError as error:
        fail(f"{path} cannot be read: {error.strerror}", code=2)
    with stream:
        yield stream


@contextmanager
def open_rejects(path: Path | None, *, source: str | None) -> Iterator[Rejects]:
    """The rejects of the import of `source`, kept in the file if one is asked for."""
    if path is None:
        yield Rejects()
        return
    try:
        if source not in {None, STDIN} and path.exists() and path.samefile(str(source)):
            fail("--rejects names the very file that is to be imported", code=2)
        stream = path.open("w", encoding="utf-8", newline="")
    except OSError as error:
        fail(f"{path} cannot be written: {error.strerror}", code=2)
    with stream:
        yield Rejects(stream)


def progress() -> Progress:
    """A bar of bytes read, on standard error, gone at the end."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TimeElapsedColumn(),
        console=error_console,
        transient=True,
    )


def size_of(path: str) -> int | None:
    """Bytes, None where nobody knows."""
    size = Path(path).stat().st_size if path != STDIN else 0
    return size or None


def show_rejects(rejects: Rejects, kept_in: Path | None) -> None:
    """The first rejects, and how many of each reason."""
    if not rejects.lines:
        return
    table = Table("line", "field", "why", "value", box=SIMPLE_HEAD, pad_edge=False)
    for one in rejects.first:
        line, field, _, problem, value = one.cells()
        table.add_row(line, field, escape(problem), escape(value))
    console.print(table)
    problems = rejects.reasons.total()
    if problems > len(rejects.first):
        where = f"all are in {kept_in}" if kept_in else "--rejects FILE keeps all"
        console.print(
            f"the first {len(rejects.first)} of {problems} problems; {where}", markup=False
        )
    reasons = Table("reason", "times", box=SIMPLE_HEAD, pad_edge=False)
    for reason, times in rejects.reasons.most_common():
        reasons.add_row(reason, str(times))
    console.print(reasons)


def asin_of(text: str) -> str:
    """An ASIN however it is typed. Ends the command if it is none."""
    asin = text.strip().upper()
    if len(asin) != ASIN_LENGTH or not (asin.isascii() and asin.isalnum()):
        fail(f"{text} is no ASIN: those are 10 letters and digits", code=2)
    return asin


def marketplace_id_of(name: str | None) -> str | None:
    """A marketplace's id from its id or its country (UK, de). Ends the command if there is none."""
    if name is None:
        return None
    return marketplace_named(name).marketplace_id


def marketplace_named(name: str) -> Marketplace:
    """The marketplace of an id or a country. Ends the command with the nearest ones if none is."""
    by_name = marketplaces_by_name()
    given = name.strip().upper()
    found = by_name.get(given)
    if found is None:
        near = get_close_matches(given, by_name, n=3, cutoff=0.5)
        nearest = f"; the nearest: {', '.join(near)}" if near else ""
        fail(
            f"there is no marketplace {name}{nearest}; give its id or one of {marketplace_codes()}",
            code=2,
        )
    return found
