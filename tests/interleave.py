"""Sessions interleaved by hand: threads seen to wait, bells that are heard, and T1 and T2.

Nothing here sleeps for luck. A thread is "blocked" when Postgres says that its backend waits for a
lock; silence is proved by a marker that is notified after whatever should not have rung.
"""

from __future__ import annotations

import random
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Generic, TypeVar

import psycopg
from psycopg.rows import dict_row

from tests.factories import ASIN, GB, any_offer_changed, arrival
from worker.analysis.analyse import analyse, analyse_front
from worker.analysis.transaction import Analysed, Analyst
from worker.ingest.filing import Filed, Filer, Letter, file_letters, open_letter

PATIENCE_S = 20
"""How long a test waits for what must happen. Never how long it takes."""

PRODUCT = f"{GB}:{ASIN}"
FILER = Filer("ingester-1", {"": 0})
MAX_SIBLINGS = 0
"""Other products that one T2 takes along. The fixture `siblings` runs a test with several values."""

JOB_CHANNELS = ("procrastinate_any_queue_v1", "procrastinate_queue_v1#analysis")

T = TypeVar("T")


class Background(Generic[T]):
    """An act in a thread of its own."""

    def __init__(self, act: Callable[..., T], *args: Any, **options: Any) -> None:
        self._outcome: list[T] = []
        self._error: BaseException | None = None
        self.done = threading.Event()

        def run() -> None:
            try:
                self._outcome.append(act(*args, **options))
            except BaseException as error:  # noqa: BLE001  raised again in the test's thread
                self._error = error
            finally:
                self.done.set()

        self._thread = threading.Thread(target=run, daemon=True)
        self._thread.start()

    def result(self) -> T:
        """What the act returned; raises what it raised."""
        assert self.done.wait(PATIENCE_S), "the act in the background did not end"
        self._thread.join()
        if self._error is not None:
            raise self._error
        return self._outcome[0]

    def until_blocked(self, observer: psycopg.Connection, *, backends: int = 1) -> Background[T]:
        """Returns when `backends` sessions of the observer's database wait for a lock."""
        until_blocked(observer, backends=backends, unless=self.done)
        assert not self.done.is_set(), "it should have waited for a lock, and went through"
        return self


def until(condition: Callable[[], T], what: str, *, unless: threading.Event | None = None) -> T:
    """The first true answer of `condition`."""
    pause, end = unless or threading.Event(), time.monotonic() + PATIENCE_S
    while not (answer := condition()):
        assert not pause.wait(0.003), f"it ended before {what}"
        assert time.monotonic() < end, f"waited in vain until {what}"
    return answer


def until_blocked(
    observer: psycopg.Connection, *, backends: int = 1, unless: threading.Event | None = None
) -> None:
    """Returns when that many sessions of the observer's database wait for a lock."""

    def blocked() -> bool:
        (waiting,) = observer.execute(
            "SELECT count(*) FROM pg_stat_activity "
            "WHERE datname = current_database() AND wait_event_type = 'Lock'"
        ).fetchone()
        return waiting >= backends

    assert observer.autocommit, "an observer in a transaction sees a frozen pg_stat_activity"
    until(blocked, f"{backends} sessions waited for a lock", unless=unless)


class Ear:
    """Hears the bells of some channels; knows when there was silence."""

    def __init__(self, open_connection: Callable[..., psycopg.Connection], *channels: str) -> None:
        self._conn = open_connection(autocommit=True)
        self._speaker = open_connection(autocommit=True)
        self._conn.execute("LISTEN end_of_listening")
        for channel in channels:
            self._conn.execute(f'LISTEN "{channel}"')

    def heard(self) -> list[psycopg.Notify]:
        """Every bell that rang until now; bells come in the order of the commits."""
        marker = uuid.uuid4().hex
        self._speaker.execute("SELECT pg_notify('end_of_listening', %s)", (marker,))
        bells: list[psycopg.Notify] = []
        for bell in self._conn.notifies(timeout=PATIENCE_S):
            if bell.payload == marker:
                return bells
            bells.append(bell)
        raise AssertionError("the marker did not come")


def letter(message: Any = None, **overrides: Any) -> Letter:
    """An ANY_OFFER_CHANGED (or `message`) as T1 gets it, with an SQS id of its own."""
    names = ("message_id", "source", "sent_at", "receive_count")
    given = {name: overrides.pop(name) for name in names if name in overrides}
    given.setdefault("message_id", str(uuid.uuid4()))
    if message is None:
        message = any_offer_changed(**overrides)
    return open_letter(arrival(message, **given), now=datetime.now(UTC))


def deliver(conn: psycopg.Connection, *letters: Letter, filer: Filer = FILER) -> Filed:
    """T1 on this connection, received now. In a transaction of the caller it stays open."""
    return file_letters(conn, letters, filer, now=datetime.now(UTC))


def analyst(
    worker_id: str = "worker-1", *, later: timedelta = timedelta(0), **more: Any
) -> Analyst:
    """An analyst whose clock is `later` than ours."""
    more.setdefault("max_siblings", MAX_SIBLINGS)
    return Analyst(
        worker_id, clock=lambda: datetime.now(UTC) + later, jitter=random.Random(1), **more
    )


def work(
    conn: psycopg.Connection, *products: str, worker_id: str = "worker-1", **more: Any
) -> Analysed:
    """T2 on this connection, for one product as its task does it, with what else is in front.

    In a transaction of the caller it stays open.
    """
    who = analyst(worker_id, **more)
    if len(products) > 1:
        return analyse(conn, products, who)
    return analyse_front(conn, *(products or (PRODUCT,)), who)


def begin(conn: psycopg.Connection) -> psycopg.Connection:
    """Open a transaction that T1 and T2 then only nest in, so that the test commits."""
    assert not conn.autocommit, "give a connection that is not in autocommit"
    conn.execute("SELECT 1")
    return conn


def fetch_job(
    conn: psycopg.Connection, *, worker: int | None = None, queues: Sequence[str] | None = None
) -> dict[str, Any] | None:
    """procrastinate's own fetch: the next job, now running, or None."""
    with conn.cursor(row_factory=dict_row) as cur:
        cur.execute(
            "SELECT * FROM procrastinate_fetch_job_v2(%s::varchar[], %s)",
            (None if queues is None else list(queues), worker),
        )
        job = cur.fetchone()
    return job if job and job["id"] is not None else None


def finish_job(conn: psycopg.Connection, job_id: int) -> None:
    """procrastinate's own finish, as the worker does with `delete_jobs=successful`."""
    conn.execute("SELECT procrastinate_finish_job_v1(%s, 'succeeded', true)", (job_id,))


def register_worker(conn: psycopg.Connection) -> int:
    """A procrastinate worker that has just given a sign of life."""
    return conn.execute("SELECT procrastinate_register_worker_v1()").fetchone()[0]


TABLES = (
    "worker_notifications",
    "notification_bodies",
    "worker_failures",
    "current_state",
    "competitive_history",
    "procrastinate_jobs",
    "procrastinate_events",
)


def counts(conn: psycopg.Connection) -> dict[str, int]:
    """How many rows each table of T1 and T2 holds."""
    query = " UNION ALL ".join(f"SELECT '{t}', count(*) FROM {t}" for t in TABLES)
    return dict(conn.execute(query).fetchall())


def column(conn: psycopg.Connection, statement: str, *params: Any) -> list[Any]:
    """The first column of a statement's rows."""
    return [row[0] for row in conn.execute(statement, params or None)]
