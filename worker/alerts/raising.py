"""Alerts within an analysis transaction: they are committed with the states that they heard."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

import psycopg

from db import alerts as sql
from worker.alerts.hearing import hear, subjects_of
from worker.alerts.storing import account_of, read_settings, store
from worker.analysis.decide import Heard
from worker.analysis.state import SeveritySettings, Subject


def tell_alerts(
    conn: psycopg.Connection,
    heard: Sequence[Heard],
    known: Collection[Subject],
    severity: SeveritySettings,
    *,
    now: datetime,
) -> list[tuple[str, str]]:
    """Let the alerts hear these states; returns (product, severity) of each that people should see.

    The caller has locked the states, so nobody else raises alerts about their subjects meanwhile,
    and must ring for what is returned. Raises StateMovedError, as storing the states does.
    """
    if not heard:
        return []
    rows = sql.lock_newest_alerts(conn, subjects_of({one.state.subject for one in heard}))
    account = account_of(rows, now, read_settings(conn))
    hear(account, heard, known, severity)
    return store(conn, account)
