"""A product's story, told to a real database: markets of a severity, T2 and ticks at set times."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import psycopg
from psycopg.rows import dict_row

from tests.factories import ASIN, GB, OWN_SELLER, any_offer_changed, b2b_any_offer_changed, offer
from tests.interleave import deliver, letter
from worker.alerts.ticking import tick
from worker.analysis.analyse import analyse
from worker.analysis.transaction import Analysed, Analyst

OWN_PRICE = Decimal("30.00")
_RIVALS = {"critical": (11, "18.00"), "high": (5, "24.00"), "warning": (4, "26.50")}
"""How many rivals at what price make the severity."""


def market(
    severity: str, at: datetime, *, asin: str = ASIN, b2b: bool = False, suppressed: bool = False
) -> dict[str, Any]:
    """An ANY_OFFER_CHANGED of this severity; `unknown` is one without an own offer.

    `suppressed`: nobody has the Buy Box.
    """
    count, price = _RIVALS.get(severity, (2, "31.00"))
    offers = [offer(f"A1RIVAL{n:07d}", Decimal(price), winner=n == 0) for n in range(count)]
    if severity == "success" or suppressed:
        offers = [row | {"IsBuyBoxWinner": False} for row in offers]
    if severity != "unknown":
        offers.append(offer(OWN_SELLER, OWN_PRICE, fba=True, winner=severity == "success"))
    of_all = {"Condition": "new", "FulfillmentChannel": "Merchant", "OfferCount": len(offers)}
    summary: dict[str, Any] = {"NumberOfOffers": [of_all]}
    if suppressed:
        summary["BuyBoxPrices"] = []
    make = b2b_any_offer_changed if b2b else any_offer_changed
    return make(asin=asin, event_time=market_time(at), offers=offers, summary=summary)


def market_time(at: datetime) -> str:
    """A time as Amazon writes it."""
    return at.isoformat().replace("+00:00", "Z")


class Story:
    """What happens to one product and is told of it; times are minutes after the beginning."""

    def __init__(self, conn: psycopg.Connection, *, asin: str = ASIN) -> None:
        self.conn, self.asin = conn, asin
        # The door refuses messages from the future.
        self.begin = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=12)

    def at(self, minutes: float) -> datetime:
        return self.begin + timedelta(minutes=minutes)

    def analyst(self, minutes: float) -> Analyst:
        return Analyst("worker-1", clock=lambda: self.at(minutes), jitter=random.Random(1))

    def file(self, severity: str, minutes: float, **options: Any) -> None:
        """T1 of a message about that moment."""
        message = market(severity, self.at(minutes), asin=self.asin, **options)
        deliver(self.conn, letter(message))

    def work(self, minutes: float, conn: psycopg.Connection | None = None) -> Analysed:
        """T2 of what waits."""
        return analyse(conn or self.conn, [f"{GB}:{self.asin}"], self.analyst(minutes))

    def see(self, severity: str, minutes: float, **options: Any) -> None:
        """A message about that moment, analysed at that moment."""
        self.file(severity, minutes, **options)
        assert self.work(minutes).processed == 1

    def tick(self, minutes: float, conn: psycopg.Connection | None = None) -> int:
        """The clock's turn at that moment."""
        return tick(conn or self.conn, now=self.at(minutes), seconds=60)

    def rows(self, statement: str, *params: Any) -> list[dict[str, Any]]:
        with self.conn.cursor(row_factory=dict_row) as cur:
            return cur.execute(statement, params or None).fetchall()

    def alerts(self, kind: str = "price") -> list[dict[str, Any]]:
        """The alerts of the product, in the order in which they were raised."""
        return self.rows("SELECT * FROM alerts WHERE kind = %s ORDER BY id", kind)

    def newest(self, kind: str = "price") -> dict[str, Any]:
        return self.alerts(kind)[-1]

    def told(self) -> list[tuple[float, str]]:
        """(minute, kind) of every message that was due, in order."""
        events = self.rows("SELECT at, told FROM alert_events WHERE told IS NOT NULL ORDER BY id")
        return [((row["at"] - self.begin).total_seconds() / 60, row["told"]) for row in events]

    def changes(self) -> list[str]:
        return [row["change"] for row in self.rows("SELECT change FROM alert_events ORDER BY id")]

    def execute(self, statement: str, *params: Any) -> None:
        self.conn.execute(statement, params or None)
