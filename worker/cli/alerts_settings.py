"""`buybox alerts settings`: how long, how often, how many."""

from __future__ import annotations

import json
from dataclasses import fields
from datetime import timedelta
from typing import Annotated, Any
from zoneinfo import ZoneInfo

import psycopg
import typer

from db import alert_reading as reading
from process.terminal import plain
from worker.alerts.settings import AlertSettings
from worker.cli.common import (
    connect_or_fail,
    fail,
    fail_for_database,
    print_line,
    settings_or_fail,
)
from worker.cli.lengths import HOW_TO_WRITE, read_length, write_length

KINDS = {f.name: f.type for f in fields(AlertSettings)}
"""Each setting with its type, as the class writes it."""


def settings(
    changes: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="Change one; may be given several times."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Show the settings of the alerts, or change some. The workers follow within seconds.

    Examples:
    - `buybox alerts settings`
    - `buybox alerts settings --set snooze_max=12h --set digest_zone=Europe/London`
    """
    wanted = dict(_change(text) for text in changes or ())
    with connect_or_fail(settings_or_fail(), autocommit=False) as conn:
        try:
            found = reading.show_alert_settings(conn)
            if wanted:
                _check({**found, **wanted})
                found = reading.change_alert_settings(conn, wanted)
        except psycopg.errors.CheckViolation as error:
            fail(f"nothing was changed: the database refuses it ({error.diag.constraint_name})")
        except psycopg.Error as error:
            fail_for_database(error)
    shown = {name: _shown(value) for name, value in found.items()}
    if as_json:
        typer.echo(json.dumps(shown))
        return
    for name, value in shown.items():
        changed = "  (changed)" if name in wanted else ""
        print_line(f"{name:20} {value}{changed}")


def _change(text: str) -> tuple[str, Any]:
    """NAME=VALUE as a name and a value of its type, or the end of the command with a sentence."""
    name, equals, value = (part.strip() for part in text.partition("="))
    if not equals or name not in KINDS:
        known = ", ".join(KINDS)
        fail(f"--set takes NAME=VALUE, not {plain(text)}; the names: {known}", code=2)
    match KINDS[name]:
        case "timedelta":
            read: Any = read_length(value)
            how = HOW_TO_WRITE
        case "int":
            read = int(value) if value.isascii() and value.isdigit() else None
            how = "it is a whole number"
        case _:
            read = value if _zone(value) is not None else None
            how = "it is a place such as Europe/London, or UTC"
    if read is None:
        fail(f"{name} can't be {plain(value) or 'empty'}: {how}", code=2)
    return name, read


def _check(values: dict[str, Any]) -> None:
    try:
        AlertSettings(**{**values, "digest_zone": _zone(values["digest_zone"])})
    except ValueError as error:
        fail(f"nothing was changed: {error!s}", code=2)


def _zone(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name)
    except (OSError, ValueError, KeyError):
        return None


def _shown(value: Any) -> Any:
    return write_length(value) if isinstance(value, timedelta) else value
