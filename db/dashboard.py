"""What the dashboard shows: states, alerts, one product, its trends, how the workers are.

The caller owns the connection; nothing is changed. Lists come in pages: the next page goes on after
the last `Place` of the one before.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

import psycopg
from psycopg.rows import args_row, class_row, dict_row

from db.feed import snapshot_of
from db.rows import StateRow, state_row
from db.shown_alerts import ShownAlert, TrailRow, shown_alert
from db.sql import only_row, query, struct_row

MAX_ALERTS_OF_A_PRODUCT = 50
MAX_TRAIL = 100
"""Newest entries of an alert's trail that are shown."""
MAX_HISTORY = 20_000


@dataclass(frozen=True, slots=True)
class Filter:
    """What is wanted; None means everything."""

    marketplaces: Sequence[str] | None = None
    severities: Sequence[str] | None = None
    asins: Sequence[str] | None = None

    def parameters(self) -> dict[str, list[str] | None]:
        """As parameters of the statements."""
        names = [f.name for f in fields(self)]
        return {n: None if (v := getattr(self, n)) is None else sorted(v) for n in names}


class Place(NamedTuple):
    """Where a row stands in the order of its list."""

    rank: int
    stake: Decimal
    key: str


@dataclass(frozen=True, slots=True)
class AlertCounts:
    """The numbers on the tabs: active alerts by severity, then snoozed and resolved ones."""

    critical: int
    high: int
    warning: int
    snoozed: int
    resolved: int


class LastOffers(NamedTuple):
    """The message that a state was decided on; `facts` is what the door read, as JSON text."""

    item_condition: str
    audience: str
    seller_id: str
    event_time: datetime | None
    facts: str


@dataclass(frozen=True, slots=True)
class TrendRow:
    """What one message said about a product, for the charts."""

    marketplace_id: str
    item_condition: str
    audience: str
    seller_id: str
    event_time: datetime
    severity: str
    currency: str | None
    your_price: Decimal | None
    market_low: Decimal | None
    prime_low: Decimal | None
    buy_box_price: Decimal | None
    your_position: int | None
    total_offers: int | None
    buy_box_winner: bool | None


@dataclass(frozen=True, slots=True)
class WorkerStatus:
    """How ingestion and analysis are doing. None: not known, for instance with no ingester alive.

    `asked_at` is by the clock of the heartbeats.
    """

    queue_depth: int | None
    dlq_messages: int | None
    open_failures: int | None
    oldest_message_age_seconds: float | None
    ingest_heartbeat: datetime | None
    analysis_heartbeat: datetime | None
    processed_per_minute: int
    backlog_count: int
    avg_processing_time_ms: float | None
    asked_at: datetime

    @property
    def dead_letters(self) -> int:
        """What was given up, wherever it lies: in SQS's dead letter queue or with us."""
        return (self.dlq_messages or 0) + (self.open_failures or 0)


class ProcessedCount(NamedTuple):
    """Processed notifications in one bucket of the histogram; `settled` None: there are none."""

    floor: int
    settled: bool | None
    bucket: int | None
    notifications: int
    total_ms: float


def list_states(
    conn: psycopg.Connection, wanted: Filter, *, after: Place | None, max_rows: int
) -> list[tuple[StateRow, Place]]:
    """A page of the states: the worst first, among equals the most money at stake.

    Planned anew each time: a plan for any filter would read all states for a few ASINs.
    """
    given = {**wanted.parameters(), **_after(after), "max_rows": max_rows}
    with conn.cursor(row_factory=dict_row) as cur:
        cur.execute(query("list_states"), given, prepare=False)
        return [(state_row(row), _place(row)) for row in cur]


def count_states(conn: psycopg.Connection) -> dict[str, int]:
    """How many states stand at each severity."""
    return dict(conn.execute(query("count_states")).fetchall())


def list_alerts(
    conn: psycopg.Connection,
    wanted: Filter,
    *,
    tab: str,
    now: datetime,
    resolved_after: datetime,
    since: str | None = None,
    after: Place | None,
    max_rows: int,
) -> list[tuple[ShownAlert, Place]]:
    """A page of the alerts: by severity, then the money at stake, then the newest.

    `tab` is active, snoozed, resolved or all. `since` is a cursor that `check_cursor` found good.
    """
    with conn.cursor(row_factory=dict_row) as cur:
        cur.execute(
            query("list_alerts"),
            {
                **wanted.parameters(),
                **_after(after),
                "tab": tab,
                "now": now,
                "resolved_after": resolved_after,
                "snapshot": None if since is None else snapshot_of(since),
                "max_rows": max_rows,
            },
        )
        return [(shown_alert(row), _place(row)) for row in cur]


def count_alerts(
    conn: psycopg.Connection, *, now: datetime, resolved_after: datetime
) -> AlertCounts:
    """How many alerts each tab has."""
    with conn.cursor(row_factory=class_row(AlertCounts)) as cur:
        cur.execute(query("count_alerts"), {"now": now, "resolved_after": resolved_after})
        return only_row(cur)


def read_titles(
    conn: psycopg.Connection, rows: Iterable[StateRow | ShownAlert]
) -> dict[tuple[str, str], str]:
    """Titles by (marketplace, ASIN) of the products of these rows, where the catalogue has one."""
    keys = sorted({(row.marketplace_id, row.asin) for row in rows})
    if not keys:
        return {}
    marketplaces, asins = zip(*keys, strict=True)
    cur = conn.execute(
        query("read_titles"), {"marketplaces": list(marketplaces), "asins": list(asins)}
    )
    return {(marketplace, asin): title for marketplace, asin, title in cur}


def read_product_states(conn: psycopg.Connection, *, marketplace: str, asin: str) -> list[StateRow]:
    """Where one product stands, consumers' offers first."""
    with conn.cursor(row_factory=struct_row(StateRow)) as cur:
        cur.execute(query("read_product_states"), {"marketplace": marketplace, "asin": asin})
        return cur.fetchall()


def read_last_offers(conn: psycopg.Connection, *, marketplace: str, asin: str) -> list[LastOffers]:
    """The offers a product's states were decided on, as far as they are still kept."""
    with conn.cursor(row_factory=args_row(LastOffers)) as cur:
        cur.execute(query("read_last_offers"), {"marketplace": marketplace, "asin": asin})
        return cur.fetchall()


def read_product_alerts(
    conn: psycopg.Connection, *, marketplace: str, asin: str
) -> list[ShownAlert]:
    """The newest alerts of one product; one more than is shown, if there are more."""
    with conn.cursor(row_factory=dict_row) as cur:
        cur.execute(
            query("read_product_alerts"),
            {"marketplace": marketplace, "asin": asin, "max_rows": MAX_ALERTS_OF_A_PRODUCT + 1},
        )
        return [shown_alert(row) for row in cur]


def read_trails(conn: psycopg.Connection, alert_ids: Sequence[int]) -> list[TrailRow]:
    """What happened to these alerts, newest first; for each one more than is shown, if there is."""
    with conn.cursor(row_factory=args_row(TrailRow)) as cur:
        cur.execute(query("read_trails"), {"alert_ids": list(alert_ids), "max_rows": MAX_TRAIL + 1})
        return cur.fetchall()


def read_trends(
    conn: psycopg.Connection, *, asin: str, marketplaces: Sequence[str] | None, since: datetime
) -> list[TrendRow]:
    """The history of an ASIN since then, in the order of events.

    The newest of it, and one more than MAX_HISTORY if there is.
    """
    with conn.cursor(row_factory=class_row(TrendRow)) as cur:
        cur.execute(
            query("read_trends"),
            {
                "asin": asin,
                "marketplaces": None if marketplaces is None else list(marketplaces),
                "since": since,
                "max_rows": MAX_HISTORY + 1,
            },
        )
        return cur.fetchall()[::-1]


def read_worker_status(conn: psycopg.Connection, *, now: datetime | None = None) -> WorkerStatus:
    """How the workers are doing now, by the database's clock unless told otherwise."""
    with conn.cursor(row_factory=class_row(WorkerStatus)) as cur:
        cur.execute(query("read_worker_status"), {"now": now})
        return only_row(cur)


def count_processed(
    conn: psycopg.Connection, *, from_id: int, bounds_ms: Sequence[float]
) -> list[ProcessedCount]:
    """How many notifications from an id on were processed, by the time that each took."""
    with conn.cursor(row_factory=args_row(ProcessedCount)) as cur:
        cur.execute(query("count_processed"), {"from_id": from_id, "bounds_ms": list(bounds_ms)})
        return cur.fetchall()


def _after(place: Place | None) -> dict[str, Any]:
    rank, stake, key = place or (None, None, None)
    return {"after_rank": rank, "after_stake": stake, "after_key": key}


def _place(row: dict[str, Any]) -> Place:
    return Place(row["place_rank"], row["place_stake"], str(row["place_key"]))
