"""What grows: the backlog and the history, laid down as T1 and T2 would have."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from multiprocessing import get_context
from pathlib import Path
from random import Random
from typing import Any

from msgspec.structs import replace

from benchmarks.bodies import PRODUCTS, asin, read_arrivals
from benchmarks.contenders import Plan
from benchmarks.markets import MARKETPLACE
from benchmarks.measure import used_folder
from benchmarks.process import crew
from benchmarks.server import Server, rows_updated
from benchmarks.store import inbox_row
from db import inbox
from db.connect import connect
from db.rows import InboxRow
from worker.ingest.filing import open_letter

SAMPLES = 400
BATCH = 2_000
SEEDERS = 2
AGE = timedelta(hours=1)

MEMORY_MESSAGES = 1_000_000
MEMORY_LIMIT_S = 3_600
MEMORY_EVERY_S = 10.0

HISTORY = """
INSERT INTO competitive_history (
    notification_row_id, recorded_at, event_time, seller_id, marketplace_id, asin, item_condition,
    audience, kind, outcome, severity, severity_policy, severity_reasons, currency, your_price,
    market_low, competitor_low, your_position, total_offers, gap_pct, buy_box_winner, has_buy_box
)
SELECT n - %(count)s - 1, %(now)s::timestamptz - (%(count)s - n) * interval '1 ms',
       %(now)s::timestamptz - (%(count)s - n) * interval '1 ms',
       'AOWNSELLER0001', %(marketplace)s, 'B0' || lpad((n %% %(products)s)::text, 8, '0'), 'new',
       'consumer', 'market', 'applied', 'success', 'full', '{winner}', 'USD', 20.5, 20.5, 21.5, 1,
       12, 0, true, true
FROM generate_series(%(first)s::bigint, %(last)s::bigint) AS n
"""
HISTORY_BITE = 1_000_000
HISTORY_INDEX = "SELECT pg_get_indexdef('competitive_history_product'::regclass)"


def seed_backlog(url: str, bodies: Path, count: int, deadline: float) -> bool:
    """Let `count` messages wait, filed with T1's own statement; whether there was time for it.

    Their facts and jobs are real; their stored text is not, since analysis never reads it.
    """
    share = count // SEEDERS
    with ProcessPoolExecutor(SEEDERS, mp_context=get_context("spawn")) as pool:
        parts = [
            pool.submit(_seed_part, url, bodies, part * share, share, deadline)
            for part in range(SEEDERS)
        ]
        complete = all(part.result() for part in parts)
    with connect(url, role="bench", autocommit=True, statement_timeout="0") as conn:
        conn.execute("VACUUM (ANALYZE) worker_notifications, notification_bodies")
        conn.execute("VACUUM (ANALYZE) procrastinate_jobs, procrastinate_events")
    return complete


def seed_history(url: str, count: int, deadline: float) -> bool:
    """Lay down history of the current and earlier weeks; whether there was time for it."""
    with connect(url, role="bench", autocommit=True, statement_timeout="0") as conn:
        conn.execute("SET synchronous_commit = off")
        row = conn.execute(HISTORY_INDEX).fetchone()
        index = str(row[0]) if row else ""
        conn.execute("DROP INDEX competitive_history_product")  # cheaper to build than to maintain
        now = datetime.now(UTC)
        for first in range(1, count + 1, HISTORY_BITE):
            if time.time() > deadline:
                return False
            conn.execute(
                HISTORY,
                {
                    "now": now,
                    "count": count,
                    "marketplace": MARKETPLACE,
                    "products": PRODUCTS,
                    "first": first,
                    "last": min(count, first + HISTORY_BITE - 1),
                },
            )
        conn.execute(index.replace(" ON ONLY ", " ON ").encode())
        conn.execute("VACUUM (ANALYZE) competitive_history")
        conn.execute("CHECKPOINT")
    return True


@contextmanager
def idle_in_transaction(url: str) -> Iterator[None]:
    """A session that took a snapshot and does nothing: vacuum must keep what has died since."""
    with connect(url, role="idle", idle_in_transaction_session_timeout="0") as conn:
        conn.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        conn.execute("SELECT count(*) FROM current_state")
        yield


def _seed_part(url: str, bodies: Path, first: int, count: int, deadline: float) -> bool:
    rng = Random(first)
    now = datetime.now(UTC)
    arrivals = read_arrivals(bodies, skip=0, count=SAMPLES, part=0, parts=1)
    samples = [inbox_row(open_letter(arrival, now=now)) for arrival in arrivals]
    with connect(url, role="seed", autocommit=True, statement_timeout="0") as conn:
        conn.execute("SET synchronous_commit = off")
        for start in range(first, first + count, BATCH):
            if time.time() > deadline:
                return False
            rows = [
                _seed_row(samples, rng, number, now)
                for number in range(start, min(start + BATCH, first + count))
            ]
            with conn.transaction():
                inbox.store_notifications(
                    conn, rows, now=now - AGE + timedelta(milliseconds=start), ingested_by="seed"
                )
    return True


def _seed_row(samples: list[InboxRow], rng: Random, number: int, now: datetime) -> InboxRow:
    """A sample as a message of another product, drawn with weight 1/rank (Zipf)."""
    event_time = now - AGE - timedelta(days=1) + timedelta(milliseconds=number)
    name = f"seed-{number}-{os.getpid()}"
    return replace(
        rng.choice(samples),
        asin=asin(min(PRODUCTS - 1, int(PRODUCTS ** rng.random()) - 1)),
        event_time=event_time,
        publish_time=event_time,
        event_key=name,
        notification_id=name,
        message_id=name,
        trace_id=name,
        body_hash=hashlib.sha256(name.encode()).digest(),
        body="{}",
    )


def watch_memory(
    server: Server, plan: Plan, bodies: Path, say: Callable[[str], None]
) -> dict[str, Any]:
    """A worker's resident memory while it works off a million messages."""
    samples: list[tuple[float, int, list[float]]] = []
    with (
        server.database("bench_memory") as url,
        connect(url, role="bench", autocommit=True, statement_timeout="0") as conn,
    ):
        seed_backlog(url, bodies, MEMORY_MESSAGES, time.time() + MEMORY_LIMIT_S)
        with crew(used_folder(plan.folder, "memory"), url) as group:
            for number in range(plan.workers):
                group.worker(f"worker-{number + 1}")
            began, before = time.time(), rows_updated(conn)
            while time.time() < began + MEMORY_LIMIT_S:
                time.sleep(MEMORY_EVERY_S)
                group.check()
                done = rows_updated(conn) - before
                samples.append((round(time.time() - began, 1), done, group.workers_rss_mb()))
                say(f"{done:,} processed, workers at {samples[-1][2]} MB")
                if done >= MEMORY_MESSAGES:
                    break
    return {"samples": samples}
