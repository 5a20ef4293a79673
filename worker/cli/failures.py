"""`buybox failures`: look at dead letters, and put them through the door again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, NoReturn

import psycopg
import typer

from db import failures as sql
from worker.cli.common import (
    connect_or_fail,
    console,
    fail,
    print_line,
    settings_or_fail,
    show_table,
)
from worker.ingest.filing import Filer
from worker.ingest.redrive import redrive
from worker.settings import Settings

failures_app = typer.Typer(
    name="failures",
    help="What could not be read or analysed: list it, show it, put it through the door again.",
    no_args_is_help=True,
)

REDRIVEN_AT_ONCE = 100
SHOWN_IDS = 20
MAX_ID = 2**63 - 1  # what bigint holds
_Type = Annotated[str | None, typer.Option("--type", help="Only this error type.")]


@failures_app.command("list")
def list_failures(
    error_type: _Type = None,
    include_resolved: Annotated[bool, typer.Option("--all", help="Resolved ones too.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=sql.MAX_LISTED)] = 50,
) -> None:
    """List dead letters, newest first.

    Example:
    - `buybox failures list --type malformed-json`
    """
    with connect_or_fail(settings_or_fail()) as conn:
        found = sql.list_failures(
            conn, error_type=error_type, include_resolved=include_resolved, max_rows=limit
        )
    if not found:
        console.print("no failures" if include_resolved else "no open failures")
        return
    rows = [
        (
            str(one.id),
            f"{one.last_failed_at:%Y-%m-%d %H:%M:%S}",
            f"{one.stage}/{one.error_type}",
            str(one.failure_count),
            one.error_message + (f" [{one.resolution}]" if one.resolution else ""),
        )
        for one in found
    ]
    show_table(("id", "last failed (UTC)", "type", "times", "message"), rows)


@failures_app.command()
def show(failure_id: Annotated[int, typer.Argument(metavar="ID", max=MAX_ID)]) -> None:
    """Show one dead letter whole, with its raw body.

    Example:
    - `buybox failures show 17`
    """
    with connect_or_fail(settings_or_fail()) as conn:
        found = sql.list_failures(conn, ids=[failure_id], include_resolved=True)
        bodies = sql.fetch_failure_bodies(conn, [failure_id])
    if not found or not bodies:
        fail(f"there is no failure {failure_id}; buybox failures list --all shows them")
    one, raw = found[0], bodies[0].raw_body
    for name, value in (
        ("stage", one.stage),
        ("type", one.error_type),
        ("message", one.error_message),
        ("failed", f"{one.failure_count} times, {one.first_failed_at} to {one.last_failed_at}"),
        ("resolved", f"{one.resolved_at} ({one.resolution})" if one.resolved_at else "no"),
        ("SQS message", one.message_id or "-"),
        ("trace", one.trace_id),
        ("source", one.source),
        ("worker", one.worker_id),
        ("bytes", str(len(raw))),
    ):
        print_line(f"{name:12} {value}")
    body = raw.decode("utf-8", "backslashreplace").replace("\r\n", "\n")
    print_line(body, keep="\n\t")


@failures_app.command("redrive")
def redrive_failures(
    ids: Annotated[list[int] | None, typer.Argument(metavar="ID...", max=MAX_ID)] = None,
    error_type: _Type = None,
    dry_run: Annotated[
        bool, typer.Option(help="Say what would be redriven, write nothing.")
    ] = False,
) -> None:
    """Put dead letters through the same door again, by id or all open ones of a type.

    Examples:
    - `buybox failures redrive 17 18`
    - `buybox failures redrive --type missing-field --dry-run`
    """
    if bool(ids) == bool(error_type):
        fail("say which: ids, or --type TYPE (buybox failures list shows both)", code=2)
    settings = settings_or_fail()
    with connect_or_fail(settings) as conn:
        # All of them before the first is driven: one that fails again is never met again.
        wanted = sql.list_open_ids(conn, ids=ids, error_type=error_type)
        if error_type and not wanted:
            _no_such_type(conn, error_type)
        missing = sorted(set(ids or ()) - set(wanted))
        for one in missing:
            console.print(f"{one}: no open failure of this id", markup=False)
        if dry_run:
            _rehearse(wanted)
            return
        again = _drive(conn, wanted, settings)
    console.print(f"{len(wanted) - again} redriven, {again} failed again", markup=False)
    if again or missing:
        raise typer.Exit(1)


def _drive(conn: psycopg.Connection, wanted: Sequence[int], settings: Settings) -> int:
    """Drive them through the door, some a transaction; returns how many failed again."""
    filer, again = Filer.from_settings(settings), 0
    for start in range(0, len(wanted), REDRIVEN_AT_ONCE):
        done = redrive(
            conn,
            wanted[start : start + REDRIVEN_AT_ONCE],
            filer,
            now=datetime.now(UTC),
            fallback_seller_id=settings.seller_id,
        )
        for one in done:
            outcome = one.resolution or f"failed again: {one.error}"
            print_line(f"{one.failure_id}: {outcome}")
        again += sum(one.resolution is None for one in done)
    return again


def _rehearse(wanted: Sequence[int]) -> None:
    shown = " ".join(map(str, wanted[:SHOWN_IDS]))
    more = f" and {len(wanted) - SHOWN_IDS} more" if len(wanted) > SHOWN_IDS else ""
    console.print(f"would redrive {len(wanted)}: {shown}{more}", markup=False, soft_wrap=True)


def _no_such_type(conn: psycopg.Connection, error_type: str) -> NoReturn:
    """End the command with the types that there are, since this one may be mistyped."""
    counts = sql.count_open_failures(conn)
    known = ", ".join(f"{name} ({count})" for name, count in counts.items())
    fail(f"no open failure is of type {error_type}; open ones: {known or 'there are none'}")
