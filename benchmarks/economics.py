"""`python -m benchmarks.economics`: the share of T2's processor time that the economics take.

Two databases hold the same messages, one of them the products' costs too. Their T2s take turns,
so that whatever else the machine does affects both alike. The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import gc
import json
import logging
import shutil
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import count, islice
from pathlib import Path
from random import Random
from statistics import median, quantiles

import psycopg
import structlog

from benchmarks import server
from benchmarks.bodies import asin
from benchmarks.markets import MARKETPLACE, OWN_SELLER, Markets
from benchmarks.report import ECONOMICS_FILE, METHOD, write_docs
from db import catalogue
from db.connect import connect
from worker.analysis.analyse import analyse_front
from worker.analysis.transaction import Analyst
from worker.catalogue.fees import import_fees, read_fees, starter_files
from worker.catalogue.rejects import Rejects
from worker.ingest.filing import Filer, Letter, file_letters, open_letter
from worker.ingest.notification import Arrival
from worker.settings import Settings

PRODUCTS = 500
BATCH = 100
FILER = Filer("bench", {})
CATEGORY, SIZE_TIER = "home-and-garden", "standard"
_EVENT_EVERY = timedelta(milliseconds=20)
FRONT = """
SELECT lock FROM procrastinate_jobs
WHERE queue_name = 'analysis' AND status = 'todo' ORDER BY priority DESC, id LIMIT 1
"""


@dataclass(frozen=True, slots=True)
class Cost:
    """Milliseconds of processor time per message: the worker's, and its session's in Postgres."""

    worker: float
    postgres: float

    def total(self) -> float:
        """Both."""
        return self.worker + self.postgres


def main(argv: list[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.economics",
        description="Share of T2's processor time that costs, margins and recommendations take.",
    )
    parser.add_argument("--messages", type=int, default=3_000, help="per round (default 3,000)")
    parser.add_argument("--rounds", type=int, default=5, help="of each market (default 5)")
    parser.add_argument("--docs", type=Path, metavar="FOLDER", help="put them into benchmarks.md")
    given = parser.parse_args(argv)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    folder = Path(tempfile.mkdtemp(prefix="buybox-bench-"))
    try:
        with server.running(folder) as postgres:
            found = {
                name: measure(postgres, given.messages, given.rounds, fresh=name == "fresh")
                for name in ("moving", "fresh")
            }
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    said = summary(found)
    if given.docs:
        write_economics(given.docs, said)
    print(json.dumps(said))
    return 0


def write_economics(docs: Path, said: dict[str, float]) -> None:
    """Keep the figures, and write the page again around the last results of the others."""
    charts = docs / "benchmarks"
    (charts / ECONOMICS_FILE).write_text(json.dumps(said, indent=2) + "\n", encoding="utf-8")
    last = json.loads((charts / "results.json").read_text(encoding="utf-8"))
    write_docs(docs, METHOD.read_text("utf-8"), last["results"], last["hardware"])


def summary(found: dict[str, list[tuple[Cost, Cost]]]) -> dict[str, float]:
    """The figures of the last line: medians and quartiles of the pairs of T2s."""
    said: dict[str, float] = {}
    for name, pairs in found.items():
        ending = "" if name == "moving" else f"_{name}_markets"
        lower, middle, upper = quantiles([100 * _share(pair) for pair in pairs], n=4)
        said[f"economics_share_pct{ending}"] = round(middle, 1)
        said[f"lower_quartile_pct{ending}"] = round(lower, 1)
        said[f"upper_quartile_pct{ending}"] = round(upper, 1)
        for place, which in enumerate(("without", "with")):
            said[f"t2_ms_{which}{ending}"] = round(median(p[place].total() for p in pairs), 4)
    return said


def measure(
    postgres: server.Server, messages: int, rounds: int, *, fresh: bool
) -> list[tuple[Cost, Cost]]:
    """What a message costs without the products' costs and with them, for each pair of T2s.

    A round before the first is not counted: in it everything is seen for the first time.
    """
    began = datetime.now(UTC) - _EVENT_EVERY * messages * (rounds + 2)
    source, found = arrivals(Random(1), began, fresh=fresh), []
    with (
        postgres.database("bench_without") as one,
        postgres.database("bench_with") as other,
        connect(one, role="bench", autocommit=True) as without,
        connect(other, role="bench", autocommit=True) as with_,
    ):
        sides = [_Side(without, products=False), _Side(with_, products=True)]
        for turn in range(rounds + 1):
            now = datetime.now(UTC)
            letters = [open_letter(arrival, now=now) for arrival in islice(source, messages)]
            for side in sides:
                side.begin(letters, now=now)
            gc.collect()
            pairs = list(_in_turns(*sides))
            found += pairs if turn else []
            share = 100 * median(_share(pair) for pair in pairs)
            print(
                f"{'fresh' if fresh else 'moving'} markets, round {turn}: {share:.1f}%", flush=True
            )
    return found


def _in_turns(without: _Side, with_: _Side) -> Iterator[tuple[Cost, Cost]]:
    """What a message took in each pair of T2s with the same messages; the sides begin in turn."""
    for place in count():
        first, second = (with_, without) if place % 2 else (without, with_)
        one, other = first.turn(), second.turn()
        if one is None or other is None:
            return
        yield (other, one) if place % 2 else (one, other)


def _share(pair: tuple[Cost, Cost]) -> float:
    return 1 - pair[0].total() / pair[1].total()


def arrivals(rng: Random, began: datetime, *, fresh: bool) -> Iterator[Arrival]:
    """Endless messages of random products, from markets where one thing changes at a time.

    `fresh` has a market never seen before in every message instead.
    """
    markets = Markets(rng, fresh=fresh, own_always=True)
    for place in count():
        product, at = asin(rng.randrange(PRODUCTS)), began + _EVENT_EVERY * place
        yield Arrival(json.dumps(markets.message(product, at)).encode(), f"bench-{place}")


def _lay_down(conn: psycopg.Connection, *, products: bool) -> None:
    """Fees and terms, and costs where they are wanted."""
    now = datetime.now(UTC)
    fees = [rule for file in starter_files() for rule in read_fees(file, Rejects())]
    first = next(rule for rule in fees if rule.marketplace_id == MARKETPLACE)
    bands = ((Decimal(10), Decimal("2.29")), (None, Decimal("3.22")))
    fees += (_fulfilment(first, top, amount) for top, amount in bands)
    import_fees(conn, fees, now=now)
    terms = catalogue.SellerTermsRow(
        OWN_SELLER, MARKETPLACE, date(2020, 1, 1), None, False, Decimal(0), Decimal("0.1")
    )
    catalogue.set_terms(conn, terms, now=now)
    if products:
        with conn.transaction():
            with catalogue.stage_products(conn) as stage:
                for number in range(PRODUCTS):
                    stage(number, _product(number))
            catalogue.apply_staged_products(conn, catalogue.ProductRow._fields, now=now)


def _fulfilment(
    like: catalogue.FeeRuleRow, top: Decimal | None, amount: Decimal
) -> catalogue.FeeRuleRow:
    """A band of the fulfilment fee: the starter set has none."""
    return like._replace(
        rule_id="bench-above" if top is None else "bench-to-10",
        kind="fulfilment",
        category=None,
        size_tier=SIZE_TIER,
        fulfilment_channel="amazon",
        shape=None,
        price_up_to=top,
        rate=None,
        amount=amount,
        minimum=None,
        applies_to=(),
        valid_from=date(2020, 1, 1),
    )


def _product(number: int) -> catalogue.ProductRow:
    return catalogue.ProductRow(
        seller_id=OWN_SELLER,
        marketplace_id=MARKETPLACE,
        asin=asin(number),
        item_condition="new",
        fulfilment_channel="amazon",
        sku=f"SKU-{number}",
        currency="USD",
        title="A thing",
        unit_cost=Decimal(300 + 13 * number) / 100,
        inbound_postage=Decimal("0.35"),
        own_postage=None,
        prep=Decimal("0.10"),
        category=CATEGORY,
        weight_g=410,
        size_tier=SIZE_TIER,
        sale_vat_rate=Decimal(0),
        min_price=Decimal("9.99"),
        max_price=Decimal("240.00"),
        estimated_daily_sales=Decimal("3.5"),
        tags=[],
    )


class _Side:
    """One of the two databases, and the processor time its T2s have taken."""

    def __init__(self, conn: psycopg.Connection, *, products: bool) -> None:
        known = Settings()
        rows, siblings = known.claim_max_notifications, known.claim_max_products
        self._conn = conn
        self._analyst = Analyst("bench", max_rows=rows, max_siblings=siblings)
        _lay_down(conn, products=products)

    def begin(self, letters: list[Letter], *, now: datetime) -> None:
        """File these, so that they wait."""
        for start in range(0, len(letters), BATCH):
            file_letters(self._conn, letters[start : start + BATCH], FILER, now=now)
        self._conn.execute("VACUUM (ANALYZE)")

    def turn(self) -> Cost | None:
        """One T2; None when there was nothing left to do."""
        front = self._conn.execute(FRONT).fetchone()
        if front is None:
            return None
        worker, postgres = time.process_time_ns(), self._used_ns()
        messages = analyse_front(self._conn, front[0], self._analyst).claimed
        worker, postgres = time.process_time_ns() - worker, self._used_ns() - postgres
        return Cost(worker / messages / 1e6, postgres / messages / 1e6)

    def _used_ns(self) -> int:
        """Processor time of the session's process; /proc/PID/stat has it only to 10 ms."""
        text = Path(f"/proc/{self._conn.info.backend_pid}/schedstat").read_text()
        return int(text.split()[0])


if __name__ == "__main__":
    raise SystemExit(main())
