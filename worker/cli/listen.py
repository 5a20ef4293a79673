"""`buybox listen`: the bells and the changes, as they come."""

from __future__ import annotations

import json
import random
import time
from typing import Annotated, Any

import psycopg
import typer

from db.connect import MIGRATED, connect, first_line
from db.feed import STATE_CHANNEL, listen_for, read_feed, read_position, start_listening
from db.rows import StateRow
from worker.cli.common import console, dsn_or_fail, error_console, print_line, settings_or_fail
from worker.ingest.gate import backoff_delays

POLL_S = 5.0


def listen(
    since: Annotated[
        str | None, typer.Option(help="A cursor to go on from (default: from now on).")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
    changes: Annotated[int | None, typer.Option(min=1, help="End after this many changes.")] = None,
) -> None:
    """Print bells and changed states as they come, without gaps. Ctrl-C ends it.

    A bell only says when to look; the changes are read from the feed, so that none is lost when a
    bell rings unheard. After a cut it connects again and goes on where it was.

    Examples:
    - `buybox listen`
    - `buybox listen --json --changes 10`
    """
    dsn = dsn_or_fail(settings_or_fail())
    cursor, seen = since, 0
    delays = backoff_delays(random.Random())
    try:
        while True:
            try:
                with connect(dsn, role="listen", autocommit=True) as conn:
                    start_listening(conn)
                    cursor = cursor or read_position(conn)
                    error_console.print(f"listening on {STATE_CHANNEL}", style="dim")
                    delays = backoff_delays(random.Random())
                    while changes is None or seen < changes:
                        page = read_feed(conn, cursor)
                        if page.reset:
                            _print_reset(page.reset, page.next_cursor, as_json=as_json)
                        for row in page.rows:
                            _print_change(row, as_json=as_json)
                            seen += 1
                        cursor = page.next_cursor  # who ends it before has not seen them all
                        for payload in listen_for(conn, timeout_s=POLL_S):
                            _print_bell(payload, as_json=as_json)
                    return
            except (psycopg.OperationalError, MIGRATED) as error:
                delay = next(delays)
                reason = first_line(error)
                error_console.print(f"cut off ({reason}); again in {delay:.1f} s", markup=False)
                time.sleep(delay)
    except KeyboardInterrupt:
        if cursor:
            error_console.print(f"\ngo on with: buybox listen --since '{cursor}'", markup=False)


def _print_bell(payload: str, *, as_json: bool) -> None:
    """A bell; anybody may ring it, with anything: what is not ours is shown as the text it is."""
    if as_json:
        typer.echo(json.dumps({"bell": _read_payload(payload)}))
    else:
        console.print("[yellow]bell[/yellow]   ", end="")
        print_line(payload)


def _read_payload(payload: str) -> Any:
    try:
        found = json.loads(payload)
    except (ValueError, RecursionError):
        return payload
    return found if isinstance(found, dict) else payload


def _print_reset(reason: str, cursor: str, *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps({"reset": reason, "cursor": cursor}))
    else:
        console.print(f"[red]reset[/red]  {reason}: read the whole state, then go on", markup=True)


def _print_change(row: StateRow, *, as_json: bool) -> None:
    if as_json:
        typer.echo(
            json.dumps(
                {
                    "product": row.product_key,
                    "seller": row.seller_id,
                    "condition": row.item_condition,
                    "audience": row.audience,
                    "severity": row.severity,
                    "your_price": row.your_price,
                    "market_low": row.market_low,
                    "position": row.your_position,
                    "offers": row.total_offers,
                    "winner": row.buy_box_winner,
                    "event_time": row.event_time,
                    "trace_id": row.trace_id,
                },
                default=str,
            )
        )
        return
    price = "unknown" if row.your_price is None else f"{row.your_price} {row.currency}"
    low = "unknown" if row.market_low is None else str(row.market_low)
    place = f"{row.your_position or '?'} of {row.total_offers or '?'}"
    console.print(
        f"change {row.product_key} {row.item_condition} {row.severity:8} "
        f"yours {price}, low {low}, position {place}, trace {row.trace_id}",
        soft_wrap=True,
        markup=False,
    )
