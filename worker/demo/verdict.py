"""The end of the demo: whether everything adds up and every state is what it must be."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import psycopg
from msgspec.structs import asdict

from db import inbox, operators
from db.feed import read_feed
from db.rows import Outcomes
from worker.demo.alarms import AlertKey, compare_alerts, expected_alerts
from worker.demo.bells import REMEMBERED, HeardChange, Latency, measure
from worker.demo.texts import milliseconds, printable, seconds
from worker.demo.truth import ExpectedState, StateKey, Truth, compare
from worker.demo.watch import count_jobs

SHOWN_DIFFERENCES = 20
SEVERITIES = ("critical", "high", "warning", "success", "info")
_MOST_STATES = 1_000_000


@dataclass(frozen=True, slots=True)
class Told:
    """What the generator knows: how many it sent of each kind, and what the states must be."""

    sent: int
    stored: int
    repeats: int
    broken: int
    states: Mapping[StateKey, ExpectedState]

    @classmethod
    def by(cls, truths: Sequence[Truth]) -> Told:
        """All batches together; no two have a product in common."""
        states: dict[StateKey, ExpectedState] = {}
        for truth in truths:
            states |= truth.states
        return cls(
            sent=sum(truth.sent for truth in truths),
            stored=sum(truth.stored for truth in truths),
            repeats=sum(truth.repeats for truth in truths),
            broken=sum(truth.broken for truth in truths),
            states=states,
        )


@dataclass(frozen=True, slots=True)
class Found:
    """What is there in the end. `repeats` is the ingester's own count; None: it left none."""

    outcomes: Outcomes
    repeats: int | None
    jobs: int
    in_sqs: int
    swept_products: int
    states: Sequence[Mapping[str, object]]
    severities: Mapping[str, int]
    latency: Latency
    alerts: Sequence[tuple[AlertKey, str]] | None = None
    """The open alerts, once they have settled; None: nobody looked after them."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """The summary, and everything that is not as it must be."""

    summary: list[tuple[str, str]]
    problems: list[str] = field(default_factory=list)

    @property
    def exit_code(self) -> int:
        """0 only if there is no problem."""
        return 1 if self.problems else 0


def collect(
    conn: psycopg.Connection,
    *,
    since: datetime,
    repeats: int | None,
    in_sqs: int,
    heard: Iterable[HeardChange],
    swept_before: int = 0,
    alerts: Sequence[tuple[AlertKey, str]] | None = None,
) -> Found:
    """Everything the verdict needs from the database. Raises psycopg.Error."""
    times = inbox.read_processing_times(conn, since=since, max_rows=REMEMBERED // 2)
    states = [
        asdict(row)
        for row in read_feed(conn, None, max_rows=_MOST_STATES).rows
        if row.audience == "consumer"
    ]
    return Found(
        outcomes=inbox.count_outcomes(conn, since=since),
        repeats=repeats,
        jobs=count_jobs(conn),
        in_sqs=in_sqs,
        swept_products=count_swept(conn) - swept_before,
        states=states,
        severities=operators.read_severities(conn),
        latency=measure(times, heard),
        alerts=alerts,
    )


def count_swept(conn: psycopg.Connection) -> int:
    """How often the sweeper ever found a product that nobody held."""
    return operators.check_database(conn).swept_products or 0


def read_repeats(conn: psycopg.Connection, ingester_id: str) -> int | None:
    """The repeats that an ingester counted, as of its last heartbeat."""
    for row in operators.read_view(conn, "worker_health", max_rows=10_000):
        if row["worker_id"] == ingester_id and row["state"] == "stopped":
            return int(row["details"]["since_start"]["repeats"])
    return None


def judge(told: Told, found: Found, *, duration_s: float, alone: bool = True) -> Verdict:
    """Compare what is there with what was sent.

    `alone`: the database was empty, so that a state nobody sent is a mistake too.
    """
    problems = [*_sums(told, found), *_left_overs(found)]
    if found.latency.unheard:
        problems.append(f"{found.latency.unheard} changes were applied without a bell")
    states: Iterable[Mapping[str, object]] = found.states
    if not alone:
        states = [row for row in found.states if _key(row) in told.states]
    differences = [printable(line) for line in compare(told.states, states)]
    if found.alerts is not None:
        differences += map(printable, compare_alerts(expected_alerts(told.states), found.alerts))
    problems += differences[:SHOWN_DIFFERENCES]
    if len(differences) > SHOWN_DIFFERENCES:
        problems.append(f"and {len(differences) - SHOWN_DIFFERENCES} more differences")
    return Verdict(_summary(told, found, len(differences), duration_s), problems)


def _sums(told: Told, found: Found) -> list[str]:
    now = found.outcomes
    if found.repeats is None:
        return ["the ingester left no count of the repeats it absorbed"]
    problems = []
    accounted = now.stored + found.repeats + now.quarantined
    if told.sent != accounted:
        problems.append(
            f"sent {told.sent}, but stored {now.stored} + repeats {found.repeats} + "
            f"quarantined {now.quarantined} = {accounted}"
        )
    for name, wanted, got in (
        ("stored", told.stored, now.stored),
        ("repeats", told.repeats, found.repeats),
        ("quarantined", told.broken, now.quarantined),
        ("processed + ignored", now.stored, now.processed + now.ignored),
    ):
        if wanted != got:
            problems.append(f"{name}: must be {wanted}, is {got}")
    return problems


def _left_overs(found: Found) -> list[str]:
    return [
        f"{name}: must be 0, is {count}"
        for name, count in (
            ("waiting in SQS", found.in_sqs),
            ("waiting in the database", found.outcomes.waiting),
            ("jobs waiting, running or failed", found.jobs),
            ("given up", found.outcomes.failed),
            ("swept_products", found.swept_products),
        )
        if count
    ]


def _summary(
    told: Told, found: Found, differences: int, duration_s: float
) -> list[tuple[str, str]]:
    now, latency = found.outcomes, found.latency
    severities = ", ".join(
        f"{found.severities[name]} {name}" for name in SEVERITIES if found.severities.get(name)
    )
    return [
        ("sent", str(told.sent)),
        ("stored", str(now.stored)),
        ("repeats", "?" if found.repeats is None else str(found.repeats)),
        ("quarantined", str(now.quarantined)),
        ("ignored", str(now.ignored)),
        ("processed", str(now.processed)),
        ("late", str(now.late)),
        ("waiting", str(now.waiting + found.in_sqs)),
        ("swept_products", str(found.swept_products)),
        ("states", f"{len(told.states)} checked, {differences} differences"),
        ("severities", severities or "-"),
        ("latency median", milliseconds(latency.median_ms)),
        ("latency p99", milliseconds(latency.p99_ms)),
        ("duration", seconds(duration_s)),
    ]


def _key(row: Mapping[str, object]) -> StateKey:
    return (
        str(row["seller_id"]),
        str(row["marketplace_id"]),
        str(row["asin"]),
        str(row["item_condition"]),
    )
