"""Alerts in the terminal, as tables and lines, and for programs as JSON.

Whatever people or Amazon wrote goes through `print_line`, which prints it plain and without markup.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import typer

from db.acts import Acted
from db.alert_reading import Row, TrailEvent
from economics.marketplaces import country_of
from worker.cli.alerts_trace import NO_MESSAGE, Station, moment, outcome
from worker.cli.common import print_line, show_table
from worker.delivery.facts import money

TITLE_CHARS = 40
INNER = frozenset({"subject_key", "flap_seen", "changed_in", "read_at"})
"""Columns that say nothing to people who look at one alert."""

COLUMNS = (
    "id",
    "severity",
    "product",
    "kind",
    "how it stands",
    "true since (UTC)",
    "seen",
    "at stake",
    "title",
)


def show_outcome(one: Acted) -> None:
    """What came of an act."""
    told = one.code if one.done else f"refused ({one.code})"
    print_line(f"{one.alert_id}: {told}: {one.message}")


def show_list(found: Sequence[Row], *, as_json: bool) -> None:
    """Alerts, one a line."""
    if as_json:
        for one in found:
            typer.echo(json.dumps(one, default=str))
        return
    if not found:
        print_line("no alerts")
        return
    show_table(COLUMNS, [_cells(one) for one in found], lines=map(_in_a_line, found))


def _cells(alert: Row) -> tuple[str, ...]:
    return (
        str(alert["id"]),
        alert["severity"],
        _product(alert),
        alert["kind"],
        "; ".join(_standing(alert)),
        f"{alert['true_since']:%Y-%m-%d %H:%M}",
        str(alert["occurrences"]),
        _stake(alert),
        (alert.get("title") or "")[:TITLE_CHARS],
    )


def show_one(alert: Row, trail: Sequence[TrailEvent], *, as_json: bool) -> None:
    """Every field of an alert that says something, then its trail."""
    if as_json:
        events = [one._asdict() for one in trail]
        typer.echo(json.dumps({**alert, "trail": events}, default=str))
        return
    print_line(_heading(alert))
    for name, value in alert.items():
        if name not in INNER and value not in (None, "", [], {}):
            print_line(f"  {name:24} {_text(value)}")
    print_line("trail:")
    for one in trail:
        ended = f"; ended: {', '.join(one.ended)}" if one.ended else ""
        print_line(f"  {moment(one.at)}: {one.change} by {one.who}: {one.reason}{ended}")
        voice = f"; told: {one.told}" if one.told else f"; quiet: {one.quiet} ({one.voice_why})"
        phase = f"    #{one.id} {one.to_phase or one.from_phase}"
        print_line(phase + ("" if one.quiet in NO_MESSAGE else voice))


def show_why(
    alert: Row,
    event: TrailEvent,
    stations: Sequence[Station],
    told: Sequence[TrailEvent],
    *,
    as_json: bool,
) -> None:
    """The stations of one message, what came of it, and which other messages there are."""
    if as_json:
        found = {
            "alert_id": alert["id"],
            "event_id": event.id,
            "change": event.change,
            "outcome": outcome(stations),
            "heard_last": alert["last_heard"],
            "stations": [one._asdict() for one in stations],
        }
        typer.echo(json.dumps(found, default=str))
        return
    print_line(_heading(alert))
    if alert["last_heard"]:
        print_line(f"heard last: {alert['last_heard']} ({moment(alert['last_seen'])})")
    print_line(f"message #{event.id}, {event.change}, {moment(event.at)}:")
    for one in stations:
        print_line(f"  {one.name:16} {one.verdict:12} {one.reason}".rstrip())
    print_line(f"so: {outcome(stations)}")
    for other in reversed(told):
        if other.id != event.id:
            voice = "told" if other.told else f"quiet ({other.quiet})"
            print_line(f"also #{other.id}, {other.change}, {moment(other.at)}: {voice}")


def _in_a_line(alert: Row) -> str:
    return "; ".join([_heading(alert), *filter(None, (_stake(alert), alert.get("title")))])


def _heading(alert: Row) -> str:
    return (
        f"alert {alert['id']}: {alert['severity']}, {_product(alert)}, {alert['item_condition']}, "
        f"{alert['kind']}: {alert['condition']}, {'; '.join(_standing(alert))}"
    )


def _standing(alert: Row) -> list[str]:
    """Whose it is and what keeps it quiet, or how it ended."""
    if alert["attention"] == "resolved":
        return [f"ended ({alert['resolution']}, {alert['resolved_by']})"]
    found = [alert["attention"]]
    if alert["attention"] == "reviewing":
        found[0] = f"{alert['acknowledged_by']} is on it"
    if alert["assignee"]:
        found.append(f"{alert['assignee']}'s")
    if alert["snooze_until"]:
        found.append(f"snoozed until {alert['snooze_until']:%m-%d %H:%M}")
    if alert["escalation_level"]:
        found.append(f"escalation {alert['escalation_level']}")
    if alert["inhibited_by"]:
        found.append(f"muted: {alert['inhibited_by']}")
    return found


def _product(alert: Row) -> str:
    return f"{country_of(alert['marketplace_id'])} {alert['asin']}"


def _stake(alert: Row) -> str:
    stake = alert["profit_at_stake_per_day"]
    return "" if stake is None else f"{money(stake, alert['currency'])} a day"


def _text(value: Any) -> str:
    if isinstance(value, datetime):
        return moment(value)
    if isinstance(value, dict | list):
        return json.dumps(value, default=str)
    return str(value)
