"""Somebody who looks after the demo's alerts, in time that runs faster.

Some settings of the alerts are shortened while the demo runs, and restored when it ends. The alerts
look at the clock every second instead of every minute, beside the workers' own ticks.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Any, Self

import psycopg

from db import acts
from db import alert_reading as reading
from worker.alerts.ticking import tick
from worker.demo.alarms import AlertKey

WHO = "demo"
SHORTENED = {
    "clear_hold": timedelta(seconds=2),
    "escalate_after": timedelta(seconds=6),
    "snooze_default": timedelta(seconds=5),
}
TICK_EVERY_S = 1.0
_TICK_S = 0.5
_KEY = ("seller_id", "marketplace_id", "asin", "item_condition", "kind")
SETTLED_WITHIN_S = 30.0
SEVERITIES = ("critical", "high", "warning")
SHOWN = (
    "raised",
    "rose",
    "escalated",
    "acknowledged",
    "snoozed",
    "snooze-over",
    "eased",
    "cleared",
)


@dataclass(frozen=True, slots=True)
class AlertCounts:
    """How often each thing happened to alerts, and how many are open, by severity."""

    changes: dict[str, int] = field(default_factory=dict)
    open_ones: dict[str, int] = field(default_factory=dict)

    def __str__(self) -> str:
        told = [f"{self.changes[name]} {name}" for name in SHOWN if name in self.changes]
        still = [f"{self.open_ones[name]} {name}" for name in SEVERITIES if name in self.open_ones]
        return f"{', '.join(told) or 'none'}; open: {', '.join(still) or 'none'}"


class Operator:
    """Acknowledges one alert, snoozes one and notes one, so that each of these can be seen."""

    def __init__(self, conn: psycopg.Connection) -> None:
        self._conn = conn
        self._before: dict[str, Any] = {}
        self._ticked_at = float("-inf")
        self._to_do = {"acknowledge": "warning", "snooze": "high", "note": "critical"}

    def __enter__(self) -> Self:
        settings = reading.show_alert_settings(self._conn)
        self._before = {name: settings[name] for name in SHORTENED}
        reading.change_alert_settings(self._conn, SHORTENED)
        return self

    def __exit__(
        self,
        _type: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
        /,
    ) -> None:
        if not self._conn.broken and not self._conn.closed:
            reading.change_alert_settings(self._conn, self._before)

    def look(self) -> None:
        """Let time pass, and do what there is to do. Raises psycopg.Error."""
        if time.monotonic() - self._ticked_at < TICK_EVERY_S:
            return
        self._ticked_at = time.monotonic()
        tick(self._conn, now=datetime.now(UTC), seconds=_TICK_S)
        self._act()

    def settle(self) -> bool:
        """Wait until what clears has cleared and what escalates has escalated; whether it has.

        No message may be on its way any more.
        """
        began = time.monotonic()
        while time.monotonic() - began < SETTLED_WITHIN_S:
            self.look()
            held = time.monotonic() - began > SHORTENED["clear_hold"].total_seconds() + TICK_EVERY_S
            if held and not any(_will_escalate(row) for row in self._open()):
                return True
            time.sleep(TICK_EVERY_S / 4)
        return False

    def open_alerts(self) -> list[tuple[AlertKey, str]]:
        """The open alerts, with their severities."""
        return [(tuple(row[name] for name in _KEY), row["severity"]) for row in self._open()]

    def _act(self) -> None:
        """Each act once, on the first alert that it fits."""
        now = datetime.now(UTC)
        for row in self._open():
            if row["attention"] == "reviewing" or row["is_snoozed"]:
                continue
            act = next((act for act, of in self._to_do.items() if of == row["severity"]), None)
            match act:
                case "acknowledge":
                    note = "the demo is on it"
                    acts.acknowledge_alerts(self._conn, [row["id"]], who=WHO, note=note, now=now)
                case "snooze":
                    acts.snooze_alerts(self._conn, [row["id"]], who=WHO, length=None, now=now)
                case "note":
                    note = "left to escalate"
                    acts.note_alerts(self._conn, [row["id"]], who=WHO, note=note, now=now)
            if act is not None:
                del self._to_do[act]

    def _open(self) -> list[dict[str, Any]]:
        return reading.list_alerts(self._conn, max_rows=reading.MAX_LISTED)


def count_alerts(conn: psycopg.Connection, *, since: datetime) -> AlertCounts:
    """What has happened to alerts since, and what is open."""
    rows = reading.list_alerts(conn, max_rows=reading.MAX_LISTED)
    found = Counter(row["severity"] for row in rows)
    return AlertCounts(reading.count_alert_changes(conn, since=since), dict(found))


def _will_escalate(row: Mapping[str, Any]) -> bool:
    """A critical alert that is not muted and that nobody has acknowledged."""
    muted = row["inhibited_by"] or row["unstable_since"] or row["is_snoozed"]
    fresh = row["escalation_level"] == 0 and row["attention"] != "reviewing"
    return row["severity"] == "critical" and fresh and not muted
