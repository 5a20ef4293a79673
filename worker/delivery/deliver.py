"""One delivery: taken in hand, sent outside any transaction, recorded.

The row's `attempts` is the hand's mark: if the row was put back meanwhile, the hand finds it
changed and writes nothing. A hand that dies leaves the row `sending`; `rescue` puts it back. So
every message is sent at least once, and recorded exactly once.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Protocol

import psycopg
import stamina
from psycopg_pool import ConnectionPool, PoolTimeout

from db import delivery as sql
from db import dispatch as jobs
from db.alerts import ring_alert_bell
from db.connect import MIGRATED
from db.delivery_rows import HealedRow, ItemRow, TakenDelivery
from process.logs import get_logger
from process.settings import SettingsError
from worker.delivery.channels.carrier import Carrier, Letter
from worker.delivery.dispatch import Recorder
from worker.delivery.outcome import (
    Accepted,
    Again,
    Failure,
    GivenUp,
    Outcome,
    Patience,
    after_failure,
)
from worker.delivery.render import render
from worker.delivery.secrets import UnreadableSecretError
from worker.delivery.text import alerts_json, compose
from worker.delivery.worth import why_left_out
from worker.errors import RetryableError

log = get_logger(__name__)

TAKE_ATTEMPTS = 5
DIGEST_LOOKS_BACK = timedelta(days=1, hours=2)
"""How far a first digest, or one after a pause, looks back for what healed; a day may have 25 h."""

MAX_HEALED = 500

ROUTE_CLOSED = "its route was switched off or removed"


class Opens(Protocol):
    """What decrypts an address; a worker without SECRET_KEY has one that always refuses."""

    def decrypt(self, stored: bytes) -> str:
        """The address in clear. Raises UnreadableSecretError or SettingsError."""


@dataclass(frozen=True, slots=True)
class Desk:
    """What sending needs: who sends, with which channels and keys, how patiently.

    `clock` tells what is due. Whether a delivery was held for too long is judged by the database's
    clock, or by `lease_clock` in its place: the clocks of two workers may differ by more than
    `lost_after`, and both would send.
    """

    who: str
    carriers: Carrier
    vault: Opens
    record: Recorder
    patience: Patience = field(default_factory=Patience)
    lost_after: timedelta = timedelta(seconds=60)
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    lease_clock: Callable[[], datetime | None] = lambda: None
    jitter: random.Random = field(default_factory=random.Random)


@dataclass(frozen=True, slots=True)
class Parcel:
    """A delivery in hand with what it says; `left_out` is what is no longer told, and why."""

    taken: TakenDelivery
    items: tuple[ItemRow, ...]
    left_out: tuple[tuple[int, str], ...]
    healed: tuple[HealedRow, ...] = ()


class LostHandError(RetryableError):
    """The delivery was put back while it was being sent; this hand may not write its outcome."""


def deliver_next(
    pool: ConnectionPool, desk: Desk, *, after_taking: Callable[[], None] = lambda: None
) -> bool:
    """Deliver what has been due longest; False when there is nothing for a free route."""
    with pool.connection() as conn:
        parcel = take_next(conn, desk)
    if parcel is None:
        return False
    after_taking()
    outcome, letter = send(parcel, desk)
    try:
        # With patience: what was sent but cannot be recorded is sent a second time.
        for attempt in stamina.retry_context(
            on=(psycopg.OperationalError, PoolTimeout, MIGRATED), attempts=6, timeout=20, wait_max=3
        ):
            with attempt, pool.connection() as conn, conn.transaction():
                settle(conn, parcel, outcome, letter, desk)
    except LostHandError:
        taken = parcel.taken
        log.warning("delivery_was_put_back", delivery=taken.id, attempt=taken.attempts)
    return True


def take_next(conn: psycopg.Connection, desk: Desk) -> Parcel | None:
    """Take a delivery in hand, in one transaction; None when there is nothing to take."""
    for _ in range(TAKE_ATTEMPTS):
        now = desk.clock()
        try:
            with conn.transaction():
                found = sql.find_due_delivery(conn, now=now)
                if found is None:
                    return None
                taken = sql.take_delivery(conn, found, who=desk.who, now=desk.lease_clock())
                if taken is not None:
                    return _parcel(conn, taken, now)
        except psycopg.errors.UniqueViolation:
            # Another hand began with the same route between the two statements.
            continue
    return None


def _parcel(conn: psycopg.Connection, taken: TakenDelivery, now: datetime) -> Parcel:
    items = sql.read_delivery_items(conn, taken.id)
    reasons = {item.queue_id: why_left_out(item, now) for item in items}
    healed: Sequence[HealedRow] = ()
    if taken.reach == "digest":
        healed = sql.read_healed(
            conn,
            taken.route_id,
            not_before=taken.due_at - DIGEST_LOOKS_BACK,
            until=taken.due_at,
            max_alerts=MAX_HEALED,
        )
    return Parcel(
        taken,
        tuple(item for item in items if reasons[item.queue_id] is None),
        tuple((number, why) for number, why in reasons.items() if why is not None),
        tuple(healed),
    )


def send(parcel: Parcel, desk: Desk) -> tuple[Outcome | None, Letter | None]:
    """Give it to its channel, outside any transaction; no outcome if there is nothing to say."""
    if not parcel.items and not parcel.healed:
        return None, None
    letter = None
    try:
        letter = letter_of(parcel)
        address = desk.vault.decrypt(parcel.taken.url_encrypted)
        return desk.carriers.carry(address, letter, desk.clock()), letter
    except (UnreadableSecretError, SettingsError) as error:
        return Failure("unreadable", str(error)), letter
    except Exception as error:  # noqa: BLE001
        # A defect of ours: a deploy may mend it before another attempt. Only the class is logged:
        # the error's text, and a traceback's last line, might quote the address.
        log.error("delivery_broke", delivery=parcel.taken.id, error=type(error).__name__)
        return Failure("transient", f"a defect: {type(error).__name__}"), letter


def letter_of(parcel: Parcel) -> Letter:
    """The letter of a delivery; its identity is the same at each attempt."""
    return render(
        compose(parcel.taken.reach, parcel.items, parcel.healed),
        identity=f"buybox-delivery-{parcel.taken.id}",
        route=parcel.taken.route_name,
        alerts=alerts_json(parcel.items),
    )


def settle(
    conn: psycopg.Connection,
    parcel: Parcel,
    outcome: Outcome | None,
    letter: Letter | None,
    desk: Desk,
) -> None:
    """Record how it went. Raises LostHandError.

    Locks alerts, then messages, then the delivery, as acts of people do.
    """
    now, taken, first_of = desk.clock(), parcel.taken, []
    if isinstance(outcome, Accepted):
        alerts = sorted({item.alert_id for item in parcel.items})
        first_of = desk.record(conn, alerts, taken.route_name, now)
    sql.leave_out_messages(conn, parcel.left_out)
    match outcome:
        case None:
            why = "nothing in it was worth telling any more"
            if not sql.end_delivery(conn, taken, status="cancelled", reason=why):
                raise LostHandError
            log.info("delivery_cancelled", delivery=taken.id, route=taken.route_name)
        case Accepted(said, message_id, trouble):
            sql.finish_messages(conn, [item.queue_id for item in parcel.items], now=now)
            done = sql.finish_delivery(
                conn,
                taken,
                heading=letter.heading if letter else "",
                reason=said,
                message_id=message_id,
                now=now,
            )
            if not done:
                raise LostHandError
            sql.note_route_trouble(conn, taken.route_id, trouble)
            log.info("delivered", delivery=taken.id, route=taken.route_name, attempt=taken.attempts)
        case Failure():
            _fail(conn, parcel, outcome, desk, now)
    if first_of:
        ring_alert_bell(conn, first_of)


def _fail(
    conn: psycopg.Connection, parcel: Parcel, failure: Failure, desk: Desk, now: datetime
) -> None:
    """Try again later, or give up and say so where the operator looks."""
    taken = parcel.taken
    facts = {
        "delivery": taken.id,
        "route": taken.route_name,
        "attempt": taken.attempts,
        "error_class": failure.error_class,
        "error": failure.text,
    }
    match after_failure(
        failure,
        failures=taken.failures,
        due_at=taken.due_at,
        now=now,
        patience=desk.patience,
        jitter=desk.jitter,
    ):
        case Again() if not sql.is_route_open(conn, taken.route_id):
            # Closing the route cancelled what waited then; this was on its way.
            _end(conn, taken, failure, status="cancelled", why=ROUTE_CLOSED)
            log.warning("delivery_cancelled", **facts, why=ROUTE_CLOSED)
        case Again(at, why, trouble):
            put_off = sql.put_off_delivery(
                conn,
                taken,
                at=at,
                reason=why,
                failures=taken.failures + failure.counts,
                error_class=failure.error_class,
                error=failure.text,
            )
            if not put_off:
                raise LostHandError
            jobs.defer_deliveries(conn, [(taken.id, at)])
            if trouble is not None:
                sql.note_route_trouble(conn, taken.route_id, trouble)
            log.warning("delivery_put_off", **facts, again_at=at)
        case GivenUp(why, trouble):
            _end(conn, taken, failure, status="failed", why=why)
            if trouble is not None:
                sql.note_route_trouble(conn, taken.route_id, trouble)
            log.error("delivery_failed", **facts, why=why)


def _end(
    conn: psycopg.Connection, taken: TakenDelivery, failure: Failure, *, status: str, why: str
) -> None:
    """End it without another try; messages that no other receiver has or will get have failed."""
    ended = sql.end_delivery(
        conn,
        taken,
        status=status,
        reason=why,
        failures=taken.failures + failure.counts,
        error_class=failure.error_class,
        error=failure.text,
    )
    if not ended:
        raise LostHandError
    sql.fail_messages(conn, [taken.id])


def rescue(conn: psycopg.Connection, desk: Desk) -> int:
    """Put back the deliveries that dead hands left `sending`; returns how many.

    Then cancel what waits for a route that is off or gone: one just put back, or one that was put
    off while somebody closed its route.
    """
    with conn.transaction():
        found = sql.put_back_deliveries(
            conn,
            now=desk.lease_clock(),
            again_at=desk.clock(),
            lost_after=desk.lost_after,
            max_attempts=desk.patience.max_attempts,
        )
        failed = [one.id for one in found if one.status == "failed"]
        cancelled = sql.cancel_stranded_deliveries(conn, reason=ROUTE_CLOSED)
        if failed or cancelled:
            sql.fail_messages(conn, failed + cancelled)
    if found:
        log.warning("deliveries_put_back", deliveries=[one.id for one in found], failed=len(failed))
    if cancelled:
        log.warning("deliveries_cancelled", deliveries=cancelled, why=ROUTE_CLOSED)
    return len(found)
