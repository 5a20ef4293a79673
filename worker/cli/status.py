"""`buybox status`: the operators' views in the terminal."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Annotated, Any

import psycopg
import typer
from rich.box import SIMPLE_HEAD
from rich.markup import escape
from rich.table import Table

from db import operators
from process.terminal import plain
from worker.cli.common import (
    connect_or_fail,
    console,
    fail,
    fits,
    settings_or_fail,
    span,
)

SUMMARY = ("worker_health", "queue_depth", "ingest_lag", "failure_summary", "stalled_jobs")


def status(
    view: Annotated[
        str | None, typer.Option(help=f"One view in full: {', '.join(operators.VIEWS)}.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="Rows of a view.")] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a row.")] = False,
) -> None:
    """Show how things stand: the views of schema ops, as SQL would.

    Examples:
    - `buybox status`
    - `buybox status --view asin_work_queue`
    - `buybox status --view throughput_per_minute --json`
    """
    if view is not None and view not in operators.VIEWS:
        fail(f"there is no view {view}; there are: {', '.join(operators.VIEWS)}", code=2)
    with connect_or_fail(settings_or_fail()) as conn:
        for name in (view,) if view else SUMMARY:
            _show(conn, name, limit, as_json=as_json)
        if view is None and not as_json:
            _show_severities(operators.read_severities(conn))


def _show(conn: psycopg.Connection, name: str, limit: int, *, as_json: bool) -> None:
    rows = operators.read_view(conn, name, max_rows=limit)
    if as_json:
        for row in rows:
            typer.echo(json.dumps({"view": name, **row}, default=_as_sql))
        return
    if not rows:
        console.print(f"[bold]ops.{name}[/bold]: nothing")
        return
    title = f"[bold]ops.{name}[/bold]"
    table = Table(*rows[0], title=title, title_justify="left", box=SIMPLE_HEAD, pad_edge=False)
    for row in rows:
        table.add_row(*(escape(_cell(value)) for value in row.values()))
    if fits(console, table):  # squeezed to dots it would help nobody
        console.print(table)
        return
    console.print(title)
    for row in rows:
        for column, value in row.items():
            if value not in (None, "", [], {}):
                console.print(f"  {column:22} {_cell(value)}", markup=False, soft_wrap=True)
        console.print()


def _show_severities(counts: dict[str, int]) -> None:
    console.print(
        "states: " + (", ".join(f"{n} {s}" for s, n in sorted(counts.items())) or "none"),
        markup=False,
    )


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M:%S}"
    if isinstance(value, timedelta):
        return span(value)
    if isinstance(value, dict):
        return json.dumps(value, default=str)
    return plain(_as_sql(value))


def _as_sql(value: Any) -> str:
    """What JSON has no type for, as text: bytes as SQL writes and reads them."""
    return f"\\x{value.hex()}" if isinstance(value, bytes) else str(value)
