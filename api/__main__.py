"""`python -m api`, also `buybox-api`: the dashboard backend as a process."""

from __future__ import annotations

import argparse
import signal
import sys
from types import FrameType
from typing import Any

import psycopg

from api.app import build_app, farewell, guarded
from api.server import build_server, listening_socket
from api.settings import ApiSettings, is_loopback, load_settings
from db.connect import connect, first_line
from db.revisions import read_standing
from db.tokens import any_token_made
from process.logs import configure_logs, get_logger
from process.settings import GRANT, NOT_MIGRATED, SettingsError, behind
from process.watchdog import Watchdog

log = get_logger(__name__)


def main(argv: list[str] | None = None) -> int:
    """Run the process. Exit codes: 0 stopped as asked, 1 cannot start, 2 wrong usage, 75 hung."""
    options = vars(_parser().parse_args(argv))
    given = {name: value for name, value in options.items() if value is not None}
    try:
        settings = load_settings(**given)
        configure_logs(settings, process="api")
        run(settings)
    except SettingsError as error:
        print(f"buybox-api: {error}", file=sys.stderr)  # noqa: T201
        return 1
    return 0


def run(settings: ApiSettings) -> None:
    """Serve until SIGTERM or SIGINT. Raises SettingsError when it cannot or must not."""
    watchdog = Watchdog(settings.hang_seconds)
    with watchdog.watching("the start"):
        has_tokens = _tokens_made(settings)
    if not has_tokens and not settings.on_loopback:
        raise SettingsError(
            f"Nobody has a token yet, so everybody who reaches {settings.api_host} could act. Make "
            "one with: buybox tokens create NAME --role operator, or leave API_HOST at 127.0.0.1"
        )
    app = build_app(settings, watchdog=watchdog)
    server = build_server(
        guarded(app), farewell=lambda: farewell(app), trusted_proxies=settings.api_trusted_proxies
    )
    try:
        listener = listening_socket(settings.api_host, settings.api_port)
    except OSError as error:
        raise SettingsError(
            f"Cannot listen on {settings.api_host}:{settings.api_port}: {error}"
        ) from None

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        server.should_exit = True

    for number in (signal.SIGTERM, signal.SIGINT):
        # for a signal that comes before uvicorn listens for it, and for those that uvicorn caught:
        # it raises them again once it has shut down
        signal.signal(number, on_signal)
    host, port = listener.getsockname()[:2]
    shown = f"[{host}]" if ":" in host else host
    log.info("listening", address=f"http://{shown}:{port}/")
    if not has_tokens:
        log.warning(
            "open_on_loopback",
            meaning="no token was ever made: whoever is on this machine may look and act. "
            "The first `buybox tokens create` closes this",
        )
    server.run(sockets=[listener])


def _tokens_made(settings: ApiSettings) -> bool:
    """Whether a token was ever made. On loopback an absent database is no reason not to start."""
    try:
        with connect(settings.dsn, role="api", autocommit=True) as conn:
            made, standing = any_token_made(conn), read_standing(conn)
    except psycopg.errors.UndefinedTable:
        raise SettingsError(NOT_MIGRATED) from None
    except psycopg.errors.InsufficientPrivilege as error:
        raise SettingsError(
            f"This login of DATABASE_URL lacks rights ({first_line(error)}): {GRANT}"
        ) from None
    except psycopg.Error as error:
        if is_loopback(settings.api_host):
            log.warning("database_away", error=first_line(error))
            return True
        raise SettingsError(
            f"The database of DATABASE_URL cannot be reached, and without it nobody can tell who "
            f"may use {settings.api_host}: {first_line(error)}"
        ) from None
    if standing.is_behind:
        raise SettingsError(behind(standing.here, standing.needed))
    return made


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="buybox-api",
        description="The dashboard backend: HTTP API, live stream and page.",
        epilog="Every setting is an environment variable; see docs/dashboard-backend.md. "
        "Example: DATABASE_URL=postgresql://localhost/buybox buybox-api --port 8000",
    )
    parser.add_argument("--database-url", help="where Postgres is (default: DATABASE_URL)")
    parser.add_argument("--host", dest="api_host", help="where to listen (default: 127.0.0.1)")
    parser.add_argument(
        "--port", dest="api_port", type=int, help="the port (default: 8000; 0 takes a free one)"
    )
    return parser


def cli() -> Any:
    """The console script's entry."""
    sys.exit(main())


if __name__ == "__main__":
    raise SystemExit(main())
