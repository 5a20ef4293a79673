"""Tells the lifecycle that a channel took messages about alerts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import psycopg

from db import delivery as sql


def record_delivery(
    conn: psycopg.Connection, alert_ids: Sequence[int], channel: str, now: datetime
) -> None:
    """The event "delivered" for each open alert that had reached nobody; locks the alerts.

    A part of the caller's transaction. It is `advance(alert, Delivered(channel), ...)` for many
    alerts in one statement: nothing else about an alert changes by a delivery.
    """
    sql.note_first_delivery(conn, alert_ids, channel=channel, now=now)
