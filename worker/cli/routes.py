"""`buybox routes`: who is told what, where and when."""

from __future__ import annotations

import getpass
import sys
from datetime import UTC, datetime, time
from typing import Annotated
from zoneinfo import available_timezones

import psycopg
import typer

from db import delivery, routes
from db.delivery_rows import HeldRoute, ListedRoute, NewRoute
from process.settings import SettingsError
from worker.cli.common import (
    connect_or_fail,
    console,
    fail,
    fail_for_database,
    settings_or_fail,
    show_table,
)
from worker.cli.files import asin_of, marketplace_id_of
from worker.delivery.channels.addresses import check_address, check_host
from worker.delivery.channels.carriers import Carriers
from worker.delivery.outcome import Accepted
from worker.delivery.render import render
from worker.delivery.secrets import UnreadableSecretError, Vault, masked
from worker.delivery.setup import channel_settings
from worker.delivery.text import Line, Page, Section
from worker.errors import PermanentError

routes_app = typer.Typer(
    name="routes",
    help="Who is told what, where and when. The dashboard is told everything and needs no route.",
    no_args_is_help=True,
)

_Name = Annotated[str, typer.Argument(help="The route's name.")]
_SEVERITIES = ("critical", "high", "warning", "clear")
_REACHES = ("immediate", "batch", "digest")


@routes_app.command()
def add(
    name: _Name,
    address: Annotated[
        str | None,
        typer.Argument(
            help="mailto:ann@example.com, jsons://host/path, slack://... Default: standard input."
        ),
    ] = None,
    severity: Annotated[
        list[str] | None, typer.Option(help=f"Only these: {', '.join(_SEVERITIES)}.")
    ] = None,
    marketplace: Annotated[
        list[str] | None, typer.Option(help="Only these: their ids, or countries: UK, DE ...")
    ] = None,
    asin: Annotated[list[str] | None, typer.Option(help="Only these products.")] = None,
    tag: Annotated[
        list[str] | None, typer.Option(help="Only products with one of these tags.")
    ] = None,
    reach: Annotated[
        list[str] | None, typer.Option(help="immediate, batch, digest (default: the first two).")
    ] = None,
    min_escalation: Annotated[
        int, typer.Option(min=0, help="Only what has escalated at least this often.")
    ] = 0,
    quiet: Annotated[
        str | None,
        typer.Option(help="Hours such as 22:00-07:00: only critical passes; the rest waits."),
    ] = None,
    zone: Annotated[str, typer.Option(help="The time zone of the quiet hours.")] = "UTC",
    dry_run: Annotated[bool, typer.Option(help="Check everything, write nothing.")] = False,
) -> None:
    """Add a route. Its address is kept encrypted and shown masked.

    The addresses are apprise's; docs/alerts-delivery.md has examples. An address read from standard
    input stays out of the shell's history; at a terminal it is asked for and not shown.

    Examples:
    - `buybox routes add night-shift mailto:ann@example.com --severity critical`
    - `buybox routes add hook --quiet 22:00-07:00 --zone Europe/London < address.txt`
    """
    settings = settings_or_fail()
    address = _one_address() if address is None else address.strip()
    quiet_from, quiet_to = _hours(quiet)
    if zone not in available_timezones():
        fail(f"--zone {zone} is no timezone; they look like Europe/London", code=2)
    try:
        channels = channel_settings(settings)
        channel = check_address(address, channels)
        check_host(address, channels)
        encrypted = Vault(settings.secret_key).encrypt(address)
    except (SettingsError, PermanentError) as error:
        fail(str(error))
    row = NewRoute(
        name, channel, encrypted, masked(address),
        _chosen(severity, _SEVERITIES, "--severity"),
        [str(marketplace_id_of(one)) for one in marketplace] if marketplace else None,
        list(dict.fromkeys(map(asin_of, asin))) if asin else None, tag or None,
        _chosen(reach, _REACHES, "--reach") or ["immediate", "batch"],
        min_escalation, quiet_from, quiet_to, zone if quiet else None, getpass.getuser(),
    )  # fmt: skip
    with connect_or_fail(settings, autocommit=False) as conn:
        try:
            added = routes.insert_route(conn, row)
        except psycopg.errors.CheckViolation:
            fail("a route's name is of letters, digits, spaces and _ . - only, 63 at most", code=2)
        except psycopg.Error as error:
            fail_for_database(error)
        if not added:
            fail(f"there is a route {name} already; buybox routes remove takes it away")
        if dry_run:
            conn.rollback()
    told = "would be added (dry run)" if dry_run else "added"
    console.print(f"route {name} to {row.url_masked} {told}", markup=False)
    if not dry_run:
        console.print(f"buybox routes test {name} sends a message there", markup=False)


@routes_app.command("list")
def list_all() -> None:
    """List the routes, what waits for each, and what must be mended.

    Example:
    - `buybox routes list`
    """
    with connect_or_fail(settings_or_fail()) as conn:
        try:
            found = routes.list_routes(conn)
        except psycopg.Error as error:
            fail_for_database(error)
    if not found:
        console.print("no routes: only the dashboard is told; buybox routes add --help says how")
        return
    headers = ("route", "to", "takes", "quiet", "state", "waiting")
    show_table(headers, [_told(one) for one in found])


@routes_app.command()
def remove(
    name: _Name,
    dry_run: Annotated[bool, typer.Option(help="Say what would go, change nothing.")] = False,
) -> None:
    """Remove a route; what waits for it is cancelled. What was sent to it stays on record.

    Example:
    - `buybox routes remove night-shift --dry-run`
    """
    with connect_or_fail(settings_or_fail(), autocommit=False) as conn:
        route = _hold(conn, name)
        cancelled = _cancel(conn, route, "its route was removed")
        routes.delete_route(conn, route.id)
        if dry_run:
            conn.rollback()
    told = "would be removed (dry run)" if dry_run else "removed"
    console.print(f"route {name} {told}; waiting messages cancelled: {cancelled}", markup=False)


@routes_app.command()
def enable(name: _Name) -> None:
    """Switch a route on again.

    Example:
    - `buybox routes enable night-shift`
    """
    with connect_or_fail(settings_or_fail(), autocommit=False) as conn:
        routes.set_route_enabled(conn, _hold(conn, name).id, enabled=True)
    console.print(f"route {name} is on", markup=False)


@routes_app.command()
def disable(name: _Name) -> None:
    """Switch a route off; what waits for it is cancelled.

    Example:
    - `buybox routes disable night-shift`
    """
    with connect_or_fail(settings_or_fail(), autocommit=False) as conn:
        route = _hold(conn, name)
        cancelled = _cancel(conn, route, "its route was switched off")
        routes.set_route_enabled(conn, route.id, enabled=False)
    console.print(f"route {name} is off; waiting messages cancelled: {cancelled}", markup=False)


@routes_app.command()
def test(name: _Name) -> None:
    """Send a test message to a route now, and say how that went.

    If the receiver takes it, the route's trouble is cleared too.

    Example:
    - `buybox routes test night-shift`
    """
    settings = settings_or_fail()
    now = datetime.now(UTC)
    with connect_or_fail(settings, autocommit=False) as conn:
        route = _hold(conn, name)
    line = Line("clear", f"A test of the route {name}", ("Nothing has happened.",))
    letter = render(
        Page("clear", line.heading, (Section("", (line,)),)),
        identity=f"buybox-test-{now:%Y%m%dT%H%M%S%f}",
        route=name,
    )
    try:
        channels = channel_settings(settings)
        address = Vault(settings.secret_key).decrypt(route.url_encrypted)
    except (SettingsError, UnreadableSecretError) as error:
        fail(str(error))
    outcome = Carriers(channels).carry(address, letter, now)
    if not isinstance(outcome, Accepted):
        fail(f"{name}: {outcome.error_class}: {outcome.text}")
    with connect_or_fail(settings) as conn:
        delivery.note_route_trouble(conn, route.id, None)
    console.print(f"{name}: {outcome.said}", markup=False)


@routes_app.command()
def rekey() -> None:
    """Encrypt every address with the first key of SECRET_KEY, so that the others may go.

    To change the key: set SECRET_KEY to "new,old" everywhere, run this, then remove the old one.

    Example:
    - `buybox routes rekey`
    """
    settings = settings_or_fail()
    try:
        vault = Vault(settings.secret_key)
    except SettingsError as error:
        fail(str(error))
    with connect_or_fail(settings, autocommit=False) as conn:
        found = routes.read_route_addresses(conn)
        for route_id, name, stored in found:
            try:
                routes.set_route_address(conn, route_id, vault.renew(stored))
            except UnreadableSecretError as error:
                fail(f"route {name}: {error} Nothing was changed.")
    console.print(f"{len(found)} addresses are encrypted with the newest key", markup=False)


def _one_address() -> str:
    """The address from standard input. Ends the command if there is none."""
    asked = getpass.getpass("address: ") if sys.stdin.isatty() else sys.stdin.readline()
    if not asked.strip():
        fail("no address came: give it after the name, or as one line on standard input", code=2)
    return asked.strip()


def _hold(conn: psycopg.Connection, name: str) -> HeldRoute:
    try:
        found = routes.lock_route(conn, name)
    except psycopg.Error as error:
        fail_for_database(error)
    if found is None:
        fail(f"there is no route {name}; buybox routes list shows them")
    return found


def _cancel(conn: psycopg.Connection, route: HeldRoute, reason: str) -> int:
    """What waits for the route is not sent; messages that nobody else has or gets have failed."""
    cancelled = routes.cancel_route_deliveries(conn, route.id, reason=reason)
    delivery.fail_messages(conn, cancelled)
    return len(cancelled)


def _chosen(given: list[str] | None, known: tuple[str, ...], option: str) -> list[str] | None:
    if not given:
        return None
    for one in given:
        if one not in known:
            fail(f"{option} {one}: it is one of {', '.join(known)}", code=2)
    return list(dict.fromkeys(given))


def _hours(quiet: str | None) -> tuple[time | None, time | None]:
    if quiet is None:
        return None, None
    try:
        start, end = (time.fromisoformat(part.strip()) for part in quiet.split("-"))
    except ValueError:
        fail(f"--quiet {quiet}: it looks like 22:00-07:00", code=2)
    if start.tzinfo or end.tzinfo or start == end:
        fail("--quiet needs two different times of day; --zone says whose", code=2)
    return start, end


def _told(route: ListedRoute) -> tuple[str, ...]:
    """A route as the cells of a table."""
    takes = [", ".join(route.reaches)]
    for label, values in (
        ("", route.severities),
        ("in ", route.marketplaces),
        ("ASINs ", route.asins),
        ("tags ", route.tags),
    ):
        if values is not None:
            takes.append(label + ", ".join(values))
    if route.min_escalation:
        takes.append(f"from escalation {route.min_escalation}")
    quiet = ""
    if route.quiet_from and route.quiet_to and route.quiet_zone:
        quiet = f"{route.quiet_from:%H:%M}-{route.quiet_to:%H:%M} {route.quiet_zone}"
    state = "on" if route.enabled else "off"
    if route.trouble:
        state += f"; {route.trouble}"
    return (route.name, route.url_masked, "; ".join(takes), quiet, state, str(route.waiting))
