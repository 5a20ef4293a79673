"""`buybox replay`: notification files through the same door as SQS."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import Annotated

import psycopg
import typer
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
)
from rich.table import Table

from db import inbox
from db.connect import first_line
from worker.cli.common import (
    connect_or_fail,
    console,
    error_console,
    fail,
    print_line,
    settings_or_fail,
)
from worker.drain import DrainTimeoutError, drain
from worker.ingest.filing import Filed, Filer, Letter, file_letters, open_letter
from worker.ingest.notification import Notification
from worker.ingest.replay import FileArrival, find_files, read_files
from worker.settings import Settings

LISTED_UP_TO = 50
"""Up to so many messages, what each became is printed; more would only scroll by."""


def replay(
    paths: Annotated[list[str], typer.Argument(metavar="PATH...", help="Files, folders, or -")],
    drain_after: Annotated[
        bool, typer.Option("--drain", help="Wait until all are analysed, print a summary.")
    ] = False,
    dry_run: Annotated[bool, typer.Option(help="Read everything, write nothing.")] = False,
    timeout: Annotated[float, typer.Option(help="Seconds --drain waits without progress.")] = 60,
) -> None:
    """Put notification files through the same door as SQS messages.

    JSON documents, JSON lines, folders of either, or - for standard input. What was seen before is
    absorbed as a repeat, so a replay can be broken off and run again. With --drain and no worker
    alive, the analysis runs here; messages to people wait for a worker.

    Examples:
    - `buybox replay backup/2026-11-21.jsonl --drain`
    - `zcat old.jsonl.gz | buybox replay -`
    """
    try:
        files = find_files(paths)
    except FileNotFoundError as error:
        fail(f"there is no file or folder {error}", code=2)
    settings = settings_or_fail()
    if dry_run:
        _dry_run(files, settings)
        return
    since = datetime.now(UTC)
    with connect_or_fail(settings) as conn:
        try:
            filed, listed = _file_all(conn, files, settings)
            if drain_after:
                drain(conn, settings, since=since, patience_s=timeout, say=_say)
        except psycopg.OperationalError as error:
            reason = first_line(error)
            fail(f"the database went away ({reason}); run the same again, repeats are absorbed")
        except DrainTimeoutError as error:
            fail(str(error))
        _list(listed)
        _summary(conn, filed, since, drained=drain_after)


def _file_all(
    conn: psycopg.Connection, files: Sequence[str], settings: Settings
) -> tuple[Filed, list[tuple[str, Letter]]]:
    filer, filed = Filer.from_settings(settings), Filed()
    listed: list[tuple[str, Letter]] = []
    with _progress() as progress:
        bar = progress.add_task("filing", total=None)
        for batch in _batches(read_files(files), settings.transaction_max_messages):
            now = datetime.now(UTC)
            opened = [
                (
                    one.place,
                    open_letter(one.arrival, now=now, fallback_seller_id=settings.seller_id),
                )
                for one in batch
            ]
            filed += file_letters(conn, [letter for _, letter in opened], filer, now=now)
            listed += opened[: max(0, LISTED_UP_TO + 1 - len(listed))]
            progress.update(bar, advance=len(batch))
    return filed, listed


def _dry_run(files: Sequence[str], settings: Settings) -> None:
    outcomes: dict[str, int] = {}
    for one in read_files(files):
        letter = _open(one, settings, datetime.now(UTC))
        outcomes[_outcome(letter)] = outcomes.get(_outcome(letter), 0) + 1
        print_line(f"{one.place}: {_outcome(letter)}")
    counts = ", ".join(f"{count} {outcome}" for outcome, count in sorted(outcomes.items()))
    console.print(f"nothing was written; would file: {counts or 'nothing'}", markup=False)


def _open(one: FileArrival, settings: Settings, now: datetime) -> Letter:
    return open_letter(one.arrival, now=now, fallback_seller_id=settings.seller_id)


def _outcome(letter: Letter) -> str:
    if isinstance(letter.read, Notification):
        todo = "to analyse" if letter.read.status == "waiting" else letter.read.status
        return f"{todo} ({letter.read.notification_type})"
    return f"quarantined ({letter.read.error_type})"


def _list(listed: Sequence[tuple[str, Letter]]) -> None:
    if len(listed) <= LISTED_UP_TO:
        for place, letter in listed:
            print_line(f"{place}: {_outcome(letter)}")


def _summary(conn: psycopg.Connection, filed: Filed, since: datetime, *, drained: bool) -> None:
    table = Table("what", "messages", title="replay", title_justify="left")
    for name, count in (
        ("stored", filed.stored),
        ("of these ignored", filed.ignored),
        ("repeats", filed.repeats),
        ("quarantined", filed.rejected),
    ):
        table.add_row(name, str(count))
    if drained:
        now = inbox.count_outcomes(conn, since=since)
        for name, count in (
            ("processed", now.processed),
            ("of these late", now.late),
            ("of these with an invalid price", now.rejected),
            ("failed", now.failed),
            ("waiting", now.waiting),
        ):
            table.add_row(name, str(count))
    console.print(table)


def _batches(arrivals: Iterator[FileArrival], size: int) -> Iterator[list[FileArrival]]:
    while batch := list(islice(arrivals, size)):
        yield batch


def _progress() -> Progress:
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=error_console,
        transient=True,
    )


def _say(line: str) -> None:
    error_console.print(line, markup=False)
