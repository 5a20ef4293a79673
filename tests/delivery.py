"""Alerts with messages, routes and couriers for tests of delivery, at one moment `NOW`."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from cryptography.fernet import Fernet
from psycopg.types.json import Jsonb

from db import routes
from db.connect import connection_pool
from db.delivery_rows import NewRoute
from tests.factories import GB, OWN_SELLER
from worker.alerts.storing import record_delivery
from worker.delivery.channels.carrier import USUAL_SCHEMES, ChannelSettings, Letter
from worker.delivery.channels.carriers import Carriers
from worker.delivery.deliver import Desk, deliver_next
from worker.delivery.dispatch import Dispatched, dispatch_due
from worker.delivery.outcome import Outcome
from worker.delivery.secrets import Vault, masked

DE = "A1PA6795UKMFR9"
NOW = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
KEY = Fernet.generate_key().decode()
VAULT = Vault(KEY)
CHANNELS = ChannelSettings(allow_private=True, timeout_s=5, mail_from="alerts@example.com")
FACTS = {"your_price": "10.99", "market_low": "9.99", "currency": "GBP", "buy_box_winner": False}


class Clock:
    """A clock that the test moves."""

    def __init__(self, now: datetime = NOW) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def pass_by(self, length: timedelta) -> None:
        self.now += length


class Cabinet:
    """A carrier that keeps what it is given and answers as told; the last answer is repeated."""

    def __init__(self, *answers: Outcome | Callable[[], Outcome]) -> None:
        self.letters: list[tuple[str, Letter]] = []
        self._answers = list(answers)

    def carry(self, address, letter, now):
        self.letters.append((address, letter))
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        return answer() if callable(answer) else answer


def add_alert(
    conn, asin="B0ALERTS01", severity="critical", *, kind="price", at=NOW, **columns
) -> int:
    """An open alert, raised at `at`; returns its id."""
    given = {
        "seller_id": OWN_SELLER, "marketplace_id": GB, "asin": asin, "item_condition": "new",
        "kind": kind, "severity": severity, "first_seen": at, "last_seen": at,
        "last_event_time": at, "waiting_since": at, "facts": Jsonb(FACTS),
    } | columns  # fmt: skip
    names = ", ".join(given)
    values = ", ".join(f"%({name})s" for name in given)
    return conn.execute(
        f"INSERT INTO alerts ({names}) VALUES ({values}) RETURNING id", given
    ).fetchone()[0]


def add_message(
    conn, alert, reach="immediate-channels", *, tell="raised", at=NOW, **columns
) -> int:
    """A message about the alert that is due at `at`; returns its id."""
    queues = {"batch": "standard", "digest": "standard", "history": "background"}
    (marketplace, asin, severity, fingerprint) = conn.execute(
        "SELECT marketplace_id, asin, severity, fingerprint FROM alerts WHERE id = %s", (alert,)
    ).fetchone()
    given = {
        "queue": queues.get(reach, "high_priority"), "reach": reach, "alert_id": alert,
        "fingerprint": fingerprint, "marketplace_id": marketplace, "asin": asin,
        "severity": severity, "tell": tell, "why": "the test says so", "scheduled_at": at,
        "reason": "a test", "created_at": at,
    } | columns  # fmt: skip
    names = ", ".join(given)
    values = ", ".join(f"%({name})s" for name in given)
    return conn.execute(
        f"INSERT INTO alert_queues ({names}) VALUES ({values}) RETURNING id", given
    ).fetchone()[0]


def add_route(conn, name="ops", address="jsons://example.com/hook", **columns) -> str:
    """A route to the address; returns its name."""
    plain = NewRoute(
        name, "mail" if address.startswith("mailto:") else "apprise", VAULT.encrypt(address),
        masked(address), None, None, None, None, ["immediate", "batch"], 0, None, None, None, "test",
    )  # fmt: skip
    assert routes.insert_route(conn, plain._replace(**columns))
    return name


def dispatch(conn, now=NOW) -> Dispatched:
    return dispatch_due(conn, now=now, record=record_delivery)


def desk(carriers=None, clock=None, **more) -> Desk:
    """A courier's desk at NOW; without carriers the real ones, loopback allowed."""
    carriers, clock = carriers or Carriers(CHANNELS), clock or Clock()
    return Desk(
        "courier-1", carriers, VAULT, record_delivery, clock=clock, lease_clock=clock,
        jitter=random.Random(1), **more,
    )  # fmt: skip


def channels(**more) -> Carriers:
    """The real channels, with these settings."""
    schemes = frozenset({*USUAL_SCHEMES.split(","), *more.pop("schemes", ())})
    return Carriers(replace(CHANNELS, schemes=schemes, **more))


@contextmanager
def pool_of(url):
    pool = connection_pool(url, role="delivery", max_size=4)
    try:
        yield pool
    finally:
        pool.close()


def deliver_all(pool, who: Desk) -> int:
    """Deliver until nothing is due; returns how many attempts that took."""
    attempts = 0
    while deliver_next(pool, who):
        attempts += 1
    return attempts


def deliveries(conn, *columns: str) -> list:
    """These columns of the deliveries to routes, in order; one column comes bare."""
    found = conn.execute(
        f"SELECT {', '.join(columns)} FROM alert_deliveries WHERE channel <> 'dashboard' ORDER BY id"
    ).fetchall()
    return [row[0] for row in found] if len(columns) == 1 else found


def statuses(conn) -> list[str]:
    """The status of each message of the queues."""
    return [s for (s,) in conn.execute("SELECT status FROM alert_queues ORDER BY id")]


def items(conn, delivery: int) -> int:
    """How many messages a delivery holds."""
    query = "SELECT count(*) FROM alert_delivery_items WHERE delivery_id = %s"
    return conn.execute(query, (delivery,)).fetchone()[0]


def delivery_jobs(conn) -> Sequence[tuple]:
    """(task, its time) of what waits in the queue `delivery`."""
    return conn.execute(
        "SELECT task_name, scheduled_at FROM procrastinate_jobs WHERE queue_name = 'delivery'"
        " AND status = 'todo' ORDER BY id"
    ).fetchall()


OUTCOME = ("status", "attempts", "error_class")
"""What `deliveries` is asked for most."""


def again_at(conn) -> datetime:
    """When the only delivery is tried next."""
    (at,) = deliveries(conn, "next_attempt_at")
    return at


def trouble(conn) -> str | None:
    """What is wrong with the only route."""
    return conn.execute("SELECT trouble FROM alert_routes").fetchone()[0]
