"""The demo on the screen: clean at any width, and nothing in a message can command the terminal."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from rich.console import Console

from db.rows import FailureRow, Outcomes, StateRow
from worker.demo.bells import Latency
from worker.demo.verdict import Verdict
from worker.demo.view import LiveView, PlainView, make_view, print_verdict
from worker.demo.watch import Standing

START = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)


def at(ms: int) -> datetime:
    return START + timedelta(milliseconds=ms)


def state(**values: object) -> StateRow:
    given = {
        "marketplace_id": "A1F83G8C2ARO7P",
        "asin": "B0ABCDEFGH",
        "item_condition": "new",
        "audience": "consumer",
        "seller_id": "S",
        "severity": "critical",
        "severity_policy": "full",
        "severity_reasons": [],
        "trace_id": "t",
        "version": 1,
        "currency": "GBP",
        "your_price": Decimal("12.5"),
        "market_low": Decimal("11.99"),
        "buy_box_winner": False,
        "has_buy_box": True,
    }
    return StateRow(**{**given, **values})


def failure(message: str) -> FailureRow:
    return FailureRow(
        1,
        "ingest",
        "missing-field",
        message,
        1,
        START,
        START,
        None,
        None,
        "m",
        None,
        "t",
        "sqs",
        "w",
    )


def standing(**values: object) -> Standing:
    given = {
        "phase": "sending",
        "elapsed_s": 12.0,
        "sent": 240,
        "planned": 500,
        "outcomes": Outcomes(6, 0, 5, 1, 0, 2, 0, 1),
        "severities": {"critical": 3, "info": 1},
        "latency": Latency(5, 0, 20.0, 90.0),
        "changes": [state()] * 50,
        "failures": [failure("[red]x[/red] \x1b[2J")] * 3,
    }
    return Standing(**{**given, **values})


def terminal(width: int, height: int) -> Console:
    return Console(
        file=io.StringIO(), force_terminal=True, width=width, height=height, color_system=None
    )


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
def test_the_live_view_fits_and_obeys_no_message(size):
    console = terminal(*size)
    console.begin_capture()
    with make_view(console, title="20/s, seed 1, 2 workers") as view:
        view.show(standing())
        picture = view._live.get_renderable()
    console.end_capture()
    with console.capture() as captured:
        console.print(picture)
    lines = captured.get().splitlines()
    assert isinstance(view, LiveView)
    assert size[1] - 8 <= len(lines) <= size[1]
    assert max(map(len, lines)) <= size[0]
    text = "\n".join(lines)
    for wanted in ("sending 240 of 500", "Ctrl-C", "12.50", "UK B0ABCDEFGH", "a rival", "[red]x"):
        assert wanted in text
    assert "\x1b[2J" not in text


def test_lines_where_nobody_watches():
    console = Console(file=io.StringIO(), width=80)
    view = make_view(console, title="")
    with view:
        for phase in ("sending", "sending", "draining"):
            view.show(standing(phase=phase))
    lines = console.file.getvalue().splitlines()
    assert isinstance(view, PlainView)
    assert [line.split(":")[0].split()[-1] for line in lines] == ["sending", "draining"]
    assert "median 20 ms" in lines[0]


def test_the_winner_is_ours_a_rival_nobody_or_not_known():
    console = terminal(80, 24)
    rows = [
        state(buy_box_winner=True),
        state(buy_box_winner=False, has_buy_box=False),
        state(buy_box_winner=None, has_buy_box=None, your_price=None),
    ]
    view = LiveView(console, "")
    view.show(standing(changes=rows))
    with console.capture() as captured:
        console.print(view._live.get_renderable())
    text = captured.get()
    assert all(word in text for word in ("ours", "nobody", "not known"))


def test_the_verdict_is_printed_with_its_problems():
    console = Console(file=io.StringIO(), width=80)
    print_verdict(console, Verdict([("sent", "3")], ["stored: [bold]must be 2"]))
    text = console.file.getvalue()
    assert "│ sent │ 3 │" in text
    assert "stored: [bold]must be 2" in text
    assert "everything adds up" not in text
