"""`buybox doctor`: is everything set up, and if not, what to do."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict
from typing import Annotated

import typer

from worker.cli.common import console
from worker.doctor.checks import examine
from worker.doctor.finding import Finding, Level
from worker.settings import load_settings
from worker.wording import counted

COLOURS: dict[Level, str] = {"ok": "green", "warning": "yellow", "problem": "red"}


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a finding.")] = False,
) -> None:
    """Examine settings, database, bells and queues; say what to do about each finding.

    Takes no message and changes nothing. Exits with 0 when there is no problem (a warning is not
    one), else with 1.

    Examples:
    - `buybox doctor`
    - `buybox doctor --json | jq 'select(.level != "ok")'`
    """
    counts: Counter[Level] = Counter()
    for finding in examine(load_settings):
        counts[finding.level] += 1
        if as_json:
            typer.echo(json.dumps(asdict(finding)))
        else:
            _print(finding)
    if not as_json:
        console.print(
            f"{counted(counts['problem'], 'problem')}, "
            f"{counted(counts['warning'], 'warning')}, {counts['ok']} ok"
        )
    if counts["problem"]:
        raise typer.Exit(1)


def _print(finding: Finding) -> None:
    colour = COLOURS[finding.level]
    console.print(f"[{colour}]{finding.level:8}[/{colour}]", end="")
    console.print(f"{finding.name}: {finding.says}", markup=False, soft_wrap=True)
    if finding.do:
        console.print(f"        {finding.do}", markup=False, soft_wrap=True)
