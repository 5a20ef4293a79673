"""Time passes for the alerts: what has held counts, what was forgotten is told again.

Every due alert is looked at under its lock and judged by what its row says then, so several workers
may do this at once, and the next minute makes up for one that was missed.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime

import psycopg

from db import alerts as sql
from db.jobs import defer_turn
from process.logs import get_logger
from worker.alerts.events import Tick
from worker.alerts.lifecycle import advance
from worker.alerts.settings import AlertSettings
from worker.alerts.steps import Refusal
from worker.alerts.storing import account_of, read_settings, store

log = get_logger(__name__)

ALERTS_AT_ONCE = 200
TALLIES_AT_ONCE = 20_000


def tick(
    conn: psycopg.Connection,
    *,
    now: datetime,
    seconds: float,
    stop: Callable[[], bool] = lambda: False,
) -> int:
    """Let all due alerts know that it is `now`; returns how many were ticked.

    Some hundred in one transaction, for about `seconds`. What is left is put in line again, behind
    the messages that wait by then.
    """
    leave_at, total = time.monotonic() + seconds, 0
    while (done := _tick_some(conn, read_settings(conn), now)) > 0:
        total += done
        if stop() or time.monotonic() > leave_at:
            with conn.transaction():
                defer_turn(conn, "tick_alerts")
            return total
    with conn.transaction():
        sql.fold_tallies(conn, max_rows=TALLIES_AT_ONCE)
    return total


def _tick_some(conn: psycopg.Connection, settings: AlertSettings, now: datetime) -> int:
    with conn.transaction():
        rows = sql.lock_due_alerts(conn, now=now, max_alerts=ALERTS_AT_ONCE)
        if not rows:
            return 0
        account = account_of(rows, now, settings)
        for kept in account.newest.values():
            assert kept.alert.id is not None  # noqa: S101 - it was read
            account.changed[kept.alert.id] = kept  # at least its next due time is written
        for kept in list(account.newest.values()):
            step = advance(kept.alert, Tick(), now, settings, kept.flap)
            if not isinstance(step, Refusal):
                account.take(step)
        changed = store(conn, account)
        if changed:
            sql.ring_alert_bell(conn, changed)
    log.info("alerts_ticked", alerts=len(rows), changed=len(changed))
    return len(rows)
