"""`buybox alerts`: look at alerts and act on them. The acts are those of SQL (db/acts.py)."""

from __future__ import annotations

import getpass
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Annotated, Any

import psycopg
import typer

from db import acts
from db import alert_reading as reading
from process.terminal import plain
from worker.alerts.values import ALERT_SEVERITIES
from worker.cli.alerts_settings import settings
from worker.cli.alerts_shown import show_list, show_one, show_outcome, show_why
from worker.cli.alerts_trace import events_to_tell, trace
from worker.cli.common import (
    connect_or_fail,
    console,
    fail,
    fail_for_database,
    settings_or_fail,
)
from worker.cli.files import asin_of, marketplace_id_of
from worker.cli.lengths import HOW_TO_WRITE, read_length

alerts_app = typer.Typer(
    name="alerts",
    help="What is worth telling a person: look at it, act on it, ask why it was told or not.",
    no_args_is_help=True,
)

MAX_ID = 2**63 - 1
_Id = Annotated[int, typer.Argument(metavar="ID", min=1, max=MAX_ID)]
_Ids = Annotated[list[int], typer.Argument(metavar="ID...", min=1, max=MAX_ID)]
_Who = Annotated[
    str | None,
    typer.Option(
        envvar="BUYBOX_WHO",
        show_envvar=False,
        help="Who does it (default: BUYBOX_WHO, else the user of this machine).",
    ),
]
_Json = Annotated[bool, typer.Option("--json", help="One JSON object a line.")]


# looking ------------------------------------------------------------------------------------------


@alerts_app.command("list")
def list_alerts(
    severity: Annotated[
        str | None, typer.Option(help=f"Only {', '.join(ALERT_SEVERITIES)}.")
    ] = None,
    marketplace: Annotated[
        str | None, typer.Option(help="Only this marketplace's: its id, or UK, DE ...")
    ] = None,
    asin: Annotated[str | None, typer.Option(help="Only this product's.")] = None,
    assignee: Annotated[str | None, typer.Option(help="Only what is this person's.")] = None,
    ended: Annotated[bool, typer.Option("--ended", help="Those that have ended.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=reading.MAX_LISTED)] = 50,
    as_json: _Json = False,
) -> None:
    """List the open alerts, the worst first, then by money at stake; or those that ended last.

    Examples:
    - `buybox alerts list --severity critical`
    - `buybox alerts list --ended --marketplace UK`
    """
    if severity is not None and severity not in ALERT_SEVERITIES:
        fail(f"--severity is one of {', '.join(ALERT_SEVERITIES)}", code=2)
    marketplace_id = marketplace_id_of(marketplace)
    asin = None if asin is None else asin_of(asin)
    with connect_or_fail(settings_or_fail()) as conn:
        try:
            found = reading.list_alerts(
                conn,
                ended=ended,
                severity=severity,
                marketplace_id=marketplace_id,
                asin=asin,
                assignee=assignee,
                max_rows=limit,
            )
        except psycopg.Error as error:
            fail_for_database(error)
    show_list(found, as_json=as_json)


@alerts_app.command("show")
def show_alert(alert_id: _Id, as_json: _Json = False) -> None:
    """Show one alert in full, with everything that happened to it.

    Example:
    - `buybox alerts show 17`
    """
    with connect_or_fail(settings_or_fail()) as conn:
        try:
            alert = reading.read_alert(conn, alert_id)
            trail = reading.read_alert_trail(conn, alert_id)
        except psycopg.Error as error:
            fail_for_database(error)
    show_one(alert or _no_alert(alert_id), trail, as_json=as_json)


@alerts_app.command("why")
def why(
    alert_id: _Id,
    event: Annotated[
        int | None, typer.Option(help="One of its earlier messages, by the event's id.")
    ] = None,
    as_json: _Json = False,
) -> None:
    """Say why a message of an alert was told or not: each station on its way, with the reason.

    From the sighting through dedup, acknowledgement, snooze, inhibition and flapping to the queue,
    the grouping of bursts, the route and the channel. Without --event it is the newest message.

    Examples:
    - `buybox alerts why 17`
    - `buybox alerts why 17 --event 230`
    """
    with connect_or_fail(settings_or_fail()) as conn:
        try:
            alert = reading.read_alert(conn, alert_id)
            trail = reading.read_alert_trail(conn, alert_id)
            messages = reading.read_alert_messages(conn, alert_id)
        except psycopg.Error as error:
            fail_for_database(error)
    alert = alert or _no_alert(alert_id)
    told = events_to_tell(trail)
    chosen = next((one for one in reversed(told) if event in {None, one.id}), None)
    if chosen is None:
        numbers = ", ".join(str(one.id) for one in told) or "none"
        fail(f"alert {alert_id} has no such message; its events to tell: {numbers}")
    show_why(alert, chosen, trace(chosen, messages), told, as_json=as_json)


def _no_alert(alert_id: int) -> reading.Row:
    fail(f"there is no alert {alert_id}; buybox alerts list shows the open ones")


# acting -------------------------------------------------------------------------------------------


@alerts_app.command("ack")
def acknowledge(
    ids: _Ids,
    note: Annotated[str | None, typer.Option(help="What there is to say about it.")] = None,
    who: _Who = None,
    as_json: _Json = False,
) -> None:
    """Take alerts on: they are not told again and don't escalate, unless they become worse.

    Examples:
    - `buybox alerts ack 17`
    - `buybox alerts ack 17 18 --note "on it"`
    """
    _each(ids, acts.acknowledge_alerts, who, as_json=as_json, note=note)


@alerts_app.command("unack")
def unacknowledge(ids: _Ids, who: _Who = None, as_json: _Json = False) -> None:
    """Give alerts back: they are told again and escalate as if nobody had taken them on.

    Example:
    - `buybox alerts unack 17`
    """
    _each(ids, acts.unacknowledge_alerts, who, as_json=as_json)


@alerts_app.command("assign")
def assign(
    ids: _Ids,
    to: Annotated[str | None, typer.Option(help="Whose they are.")] = None,
    nobody: Annotated[bool, typer.Option("--nobody", help="They are nobody's.")] = False,
    who: _Who = None,
    as_json: _Json = False,
) -> None:
    """Say whose the alerts are.

    Examples:
    - `buybox alerts assign 17 18 --to bob`
    - `buybox alerts assign 17 --nobody`
    """
    if (to is None) is not nobody:
        fail("say whose: --to NAME, or --nobody", code=2)
    _each(ids, acts.assign_alerts, who, as_json=as_json, assignee=to)


@alerts_app.command("note")
def note(
    ids: _Ids,
    text: Annotated[str, typer.Option(help="What to write down.")],
    who: _Who = None,
    as_json: _Json = False,
) -> None:
    """Write a note about alerts, open or ended; the note before it stays in the trail.

    Example:
    - `buybox alerts note 17 --text "a new rival, FBA"`
    """
    _each(ids, acts.note_alerts, who, as_json=as_json, note=text)


@alerts_app.command("snooze")
def snooze(
    ids: _Ids,
    length: Annotated[
        str | None, typer.Option("--for", help="How long, such as 45min, 2h (default: settings).")
    ] = None,
    who: _Who = None,
    as_json: _Json = False,
) -> None:
    """Silence alerts for a while. If one becomes worse, that is told all the same.

    Examples:
    - `buybox alerts snooze 17`
    - `buybox alerts snooze 17 18 --for 2h`
    """
    how_long: timedelta | None = None
    if length is not None and (how_long := read_length(length)) is None:
        fail(f"--for is not a length; {HOW_TO_WRITE}", code=2)
    _each(ids, acts.snooze_alerts, who, as_json=as_json, length=how_long)


@alerts_app.command("resolve")
def resolve(ids: _Ids, who: _Who = None, as_json: _Json = False) -> None:
    """Close alerts by hand. That does not say that anything is fixed: only data can.

    Example:
    - `buybox alerts resolve 17`
    """
    _each(ids, acts.resolve_alerts, who, as_json=as_json)


@alerts_app.command("reopen")
def reopen(ids: _Ids, who: _Who = None, as_json: _Json = False) -> None:
    """Take back the end of alerts that were closed by hand or by time.

    Example:
    - `buybox alerts reopen 17`
    """
    _each(ids, acts.reopen_alerts, who, as_json=as_json)


alerts_app.command()(settings)


def _each(
    ids: list[int],
    act: Callable[..., list[acts.Acted]],
    who: str | None,
    *,
    as_json: bool,
    **details: Any,
) -> None:
    """Act on one alert after the other, each in a transaction of its own: one may be refused."""
    name = who if who is not None else _user()
    refused = False
    with connect_or_fail(settings_or_fail()) as conn:
        for alert_id in dict.fromkeys(ids):
            try:
                outcome = act(conn, [alert_id], who=name, **details)[0]
            except psycopg.errors.LockNotAvailable:
                fail(f"alert {alert_id} is held by another transaction; run it again in a moment")
            except psycopg.Error as error:
                console.print(f"{alert_id}: failed", markup=False)
                fail_for_database(error)
            refused = refused or not outcome.done
            if as_json:
                typer.echo(json.dumps(outcome._asdict()))
            else:
                show_outcome(outcome)
    if refused:
        raise typer.Exit(1)


def _user() -> str:
    try:
        return plain(getpass.getuser())
    except (OSError, KeyError, ImportError):
        fail("nobody knows who you are: say it with --who NAME, or in BUYBOX_WHO", code=2)
