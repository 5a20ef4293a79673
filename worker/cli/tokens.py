"""`buybox tokens`: who may use the dashboard backend."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Annotated

import psycopg
import typer
from rich.box import SIMPLE_HEAD
from rich.table import Table

from db import tokens as sql
from worker.cli.common import connect_or_fail, console, error_console, fail, settings_or_fail

tokens_app = typer.Typer(
    name="tokens",
    help="Who may look at the dashboard, and who may act there: make tokens, list them, end them.",
    no_args_is_help=True,
)


class _Role(StrEnum):
    viewer = "viewer"
    operator = "operator"


_Name = Annotated[str, typer.Argument(help="A person or a program; alerts' trails show who acted.")]


@tokens_app.command("create")
def create(
    name: _Name,
    role: Annotated[_Role, typer.Option(help="A viewer looks, an operator acts.")] = _Role.viewer,
    days: Annotated[
        int | None,
        typer.Option(min=1, max=3650, help="Good for this many days (default: for ever)."),
    ] = None,
) -> None:
    """Make a token and show it once. The first one closes the open loopback address.

    Example:
    - `buybox tokens create alice --role operator --days 90`
    """
    if name.strip().lower() in sql.NOT_PEOPLE:
        fail(
            f"{name} is how the alerts' trails name what happens by itself or without a token; "
            "take another name, a person's or a program's",
        )
    now = datetime.now(UTC)
    try:
        with connect_or_fail(settings_or_fail()) as conn:
            secret = sql.create_token(
                conn,
                name=name,
                role=role.value,
                now=now,
                expires_at=None if days is None else now + timedelta(days=days),
            )
    except psycopg.errors.UniqueViolation:
        fail(f"{name} has a token already; end it first: buybox tokens revoke {name}")
    except psycopg.errors.CheckViolation:
        fail(
            f"{name!r} is no name: up to 63 letters, digits, spaces and @ _ . - , "
            "beginning with a letter or digit"
        )
    error_console.print(f"token of {name}, {role.value}; it is shown this once:", style="dim")
    typer.echo(secret)


@tokens_app.command("list")
def list_tokens() -> None:
    """List the tokens: whose, what they may do, when they were last used. Never the secrets.

    Example:
    - `buybox tokens list`
    """
    now = datetime.now(UTC)
    with connect_or_fail(settings_or_fail()) as conn:
        found = sql.list_tokens(conn)
    if not found:
        console.print("no tokens: the dashboard is open on loopback, and closed elsewhere")
        return
    table = Table(
        "name", "role", "made (UTC)", "last used", "good until", box=SIMPLE_HEAD, pad_edge=False
    )
    for token in found:
        until = f"revoked {_shown(token.revoked_at)}" if token.revoked_at else "for good"
        if token.expires_at and not token.revoked_at:
            until = ("expired " if token.expires_at <= now else "") + _shown(token.expires_at)
        table.add_row(
            token.name, token.role, _shown(token.created_at), _shown(token.last_used_at), until
        )
    console.print(table)


@tokens_app.command("revoke")
def revoke(name: _Name) -> None:
    """End a token and every session made from it. Open streams end within seconds.

    Example:
    - `buybox tokens revoke alice`
    """
    with connect_or_fail(settings_or_fail()) as conn:
        ended = sql.revoke_tokens(conn, name=name, now=datetime.now(UTC))
    if not ended:
        fail(f"{name} has no token that could be ended; see: buybox tokens list")
    console.print(f"the token of {name} is no longer good")


def _shown(at: datetime | None) -> str:
    return "never" if at is None else f"{at:%Y-%m-%d %H:%M}"
