"""What people see: a live view in a terminal, plain lines elsewhere.

Text that came in messages is never read as markup, and holds nothing that steers a terminal.
"""

from __future__ import annotations

import time
from types import TracebackType
from typing import Protocol, Self

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from db.rows import StateRow
from economics.marketplaces import find_marketplace
from worker.demo.texts import milliseconds, money, printable, seconds
from worker.demo.verdict import SEVERITIES, Verdict
from worker.demo.watch import Standing

COLOURS = {
    "critical": "bold red",
    "high": "red",
    "warning": "yellow",
    "success": "green",
    "info": "blue",
}
PLAIN_EVERY_S = 5.0
_AROUND_CHANGES = 17
"""Lines of the live view that are not changes."""
_MOST_CHANGES = 20


class View(Protocol):
    """Shows how the demo stands, while it runs."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        error_type: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
        /,
    ) -> None: ...

    def show(self, now: Standing) -> None:
        """Show it as it stands now."""


def make_view(console: Console, *, title: str) -> View:
    """A live view in a terminal, plain lines anywhere else."""
    if console.is_terminal and not console.is_dumb_terminal:
        return LiveView(console, title)
    return PlainView(console)


class PlainView:
    """A line every few seconds, and one at each new phase."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._said_at = float("-inf")
        self._phase = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _type: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
        /,
    ) -> None:
        pass

    def show(self, now: Standing) -> None:
        """Print a line if one is due."""
        if now.phase == self._phase and time.monotonic() - self._said_at < PLAIN_EVERY_S:
            return
        self._phase, self._said_at = now.phase, time.monotonic()
        done = now.outcomes
        self._console.print(
            f"{seconds(now.elapsed_s):>9}  {now.phase}: sent {now.sent}, stored {done.stored}, "
            f"processed {done.processed}, waiting {now.in_sqs + done.waiting}, "
            f"quarantined {done.quarantined}, median {milliseconds(now.latency.median_ms)}, "
            f"alerts {now.alerts}",
            markup=False,
            soft_wrap=True,
        )


class LiveView:
    """The whole terminal, redrawn at each look."""

    def __init__(self, console: Console, title: str) -> None:
        self._console = console
        self._title = title
        self._live = Live(console=console, screen=True, auto_refresh=False)

    def __enter__(self) -> Self:
        self._live.__enter__()
        return self

    def __exit__(
        self,
        error_type: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
        /,
    ) -> None:
        self._live.__exit__(error_type, error, traceback)

    def show(self, now: Standing) -> None:
        """Draw it again."""
        room = max(3, min(_MOST_CHANGES, self._console.height - _AROUND_CHANGES))
        self._live.update(
            Group(
                self._head(now),
                Text(),
                _flow(now),
                Text(),
                _severities(now),
                Text(f"alerts: {now.alerts}", style="dim", no_wrap=True, overflow="ellipsis"),
                Text(),
                _changes(now.changes[:room]),
                Text(),
                _failures(now),
            ),
            refresh=True,
        )

    def _head(self, now: Standing) -> Text:
        planned = "" if now.planned is None else f" of {now.planned:,}"
        text = Text(no_wrap=True, overflow="ellipsis")
        text.append("buybox demo", style="bold")
        text.append(f"  {self._title}  {seconds(now.elapsed_s)}  ")
        text.append(f"{now.phase} {now.sent:,}{planned}", style="cyan")
        text.append("  Ctrl-C: end", style="dim")
        return text


def _flow(now: Standing) -> Table:
    """Rates on the left, lag and latency on the right."""
    done = now.outcomes
    grid = Table.grid(padding=(0, 2))
    for justify in ("left", "right", "right", "left", "right"):
        grid.add_column(justify=justify, no_wrap=True)
    sent, stored, processed = (f"{rate:.1f}/s" for rate in now.rates)
    rows = (
        ("sent", now.sent, sent, "in SQS", f"{now.in_sqs:,}"),
        ("stored", done.stored, stored, "waiting", f"{done.waiting:,}"),
        ("processed", done.processed, processed, "oldest", seconds(now.oldest_s)),
        ("quarantined", done.quarantined, "", "median", milliseconds(now.latency.median_ms)),
        ("ignored", done.ignored, "", "p99", milliseconds(now.latency.p99_ms)),
    )
    for name, total, rate, lag, value in rows:
        grid.add_row(
            Text(name, style="dim"), f"{total:,}", rate, Text(f"  {lag}", style="dim"), value
        )
    return grid


def _severities(now: Standing) -> Text:
    text = Text(no_wrap=True, overflow="ellipsis")
    for name in SEVERITIES:
        text.append(f"{now.severities.get(name, 0):>4} ", style="bold")
        text.append(name, style=COLOURS[name])
        text.append(" ")
    return text


def _changes(rows: list[StateRow]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for name in ("product", "severity", "yours", "low", "", "winner"):
        right = name in {"yours", "low"}
        table.add_column(name, justify="right" if right else "left", no_wrap=True)
    for row in rows:
        table.add_row(
            Text(_product(row)),
            Text(printable(row.severity), style=COLOURS.get(row.severity, "")),
            Text(money(row.your_price, _decimals(row))),
            Text(money(row.market_low, _decimals(row))),
            Text(printable(row.currency or "", most=3)),
            _winner(row),
        )
    return table


def _product(row: StateRow) -> str:
    place = find_marketplace(row.marketplace_id)
    country = place.code if place else "??"
    extra = "" if row.audience == "consumer" else " B2B"
    return printable(f"{country} {row.asin} {row.item_condition}{extra}", most=24)


def _decimals(row: StateRow) -> int:
    place = find_marketplace(row.marketplace_id)
    return place.minor_units if place else 2


def _winner(row: StateRow) -> Text:
    if row.buy_box_winner:
        return Text("ours", style="green")
    if row.has_buy_box is False:
        return Text("nobody", style="dim")
    if row.buy_box_winner is None:
        return Text("not known", style="dim")
    return Text("a rival", style="red")


def _failures(now: Standing) -> Text:
    if not now.failures:
        return Text("no failures", style="dim")
    text = Text("failures, the last ones:", style="dim", no_wrap=True, overflow="ellipsis")
    for one in now.failures:
        text.append(f"\n{printable(one.error_type)}", style="red")
        text.append(f"  {printable(one.error_message, most=200)}", style="")
    return text


def print_verdict(console: Console, verdict: Verdict) -> None:
    """The summary, and what is wrong if anything is."""
    table = Table(title="summary", title_justify="left", show_header=False)
    table.add_column(no_wrap=True)
    table.add_column()
    for name, value in verdict.summary:
        table.add_row(name, Text(value))
    console.print(table)
    if not verdict.problems:
        console.print("[green]everything adds up[/green]", highlight=False)
        return
    console.print("[red]this is not as it must be:[/red]", highlight=False)
    for problem in verdict.problems:
        console.print(Text(f"  {problem}"), soft_wrap=True)
