"""A shop with a week behind it, told through the real T1 and T2: for tests and pictures of the page."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import psycopg

from tests.economy import product, set_fees, set_products, set_terms
from tests.factories import (
    CURRENCIES,
    GB,
    JP,
    OWN_SELLER,
    RIVALS,
    any_offer_changed,
    offer,
    price_row,
)
from tests.interleave import deliver, letter, work

DE = "A1PA6795UKMFR9"
CURRENCIES[DE] = "EUR"


def message(
    asin: str,
    own: str | None,
    rival: str,
    *,
    rivals: int = 4,
    winner: bool = False,
    marketplace: str = GB,
    at: datetime | None = None,
    suppressed: bool = False,
):
    """What Amazon sends of a market: an own offer or none, and rivals that ask `rival` or more."""
    currency = CURRENCIES[marketplace]
    step = Decimal(rival) / 50
    tick = Decimal(1) if currency == "JPY" else Decimal("0.01")
    offers = [
        offer(
            RIVALS[n] if n < len(RIVALS) else f"A1RIVAL{n + 1:07d}",
            (Decimal(rival) + step * n).quantize(tick),
            Decimal(0),
            currency=currency,
            fba=n % 2 == 1,
            winner=n == 0 and not winner and not suppressed,
        )
        for n in range(rivals)
    ]
    if own is not None:
        offers.append(
            offer(OWN_SELLER, Decimal(own), Decimal(0), currency=currency, fba=True, winner=winner)
        )
    summary = {
        "NumberOfOffers": [
            {"Condition": "new", "FulfillmentChannel": "Merchant", "OfferCount": len(offers)}
        ],
        "BuyBoxPrices": [price_row(Decimal(own if winner else rival), currency, Condition="New")],
    }
    if suppressed:
        summary["BuyBoxPrices"] = []
    moment = at or datetime.now(UTC)
    return any_offer_changed(
        asin=asin,
        marketplace_id=marketplace,
        currency=currency,
        event_time=moment.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        offers=offers,
        summary=summary,
    )


def tell(conn: psycopg.Connection, asin: str, *arguments, marketplace: str = GB, **options) -> None:
    """T1 and T2 of one message."""
    deliver(conn, letter(message(asin, *arguments, marketplace=marketplace, **options)))
    work(conn, f"{marketplace}:{asin}", max_rows=500)
    conn.execute("DELETE FROM procrastinate_jobs WHERE status = 'todo'")


def call_it(conn: psycopg.Connection, asin: str, title: str, *, cost: str = "4.00", **more) -> None:
    """A product of the catalogue; without `category` its fees are unknown."""
    set_products(conn, product(asin, title=title, unit_cost=Decimal(cost), **more))


MUG = "B0CXYZ1234"
CRITICAL = {"own": "27.50", "rival": "18.00", "rivals": 11}


def open_mug(conn: psycopg.Connection) -> None:
    """A mug that is fine."""
    set_fees(conn)
    set_terms(conn)
    call_it(conn, MUG, "Enamel mug")
    tell(conn, MUG, "19.99", "20.49", winner=True)


def open_shop(conn: psycopg.Connection) -> None:
    """Nine products of every severity, in three marketplaces, most with a week of prices."""
    set_fees(conn)
    set_terms(conn, wanted_margin="0.10")
    call_it(
        conn,
        "B0CXYZ1234",
        "Enamel mug with lid, 350 ml, cream with blue rim",
        estimated_daily_sales=Decimal(12),
        min_price=Decimal("9.99"),
        max_price=Decimal("34.99"),
    )
    call_it(
        conn,
        "B08KETTLE1",
        "Gooseneck kettle, 1 litre, brushed steel",
        cost="11.20",
        estimated_daily_sales=Decimal(5),
    )
    call_it(
        conn,
        "B07TOWELS2",
        "Linen tea towels, set of 3",
        cost="3.10",
        estimated_daily_sales=Decimal("2.5"),
    )
    call_it(conn, "B09BRUSH03", "Dish brush with replaceable head, beech", cost="1.40")
    call_it(conn, "B0FILTER04", "Paper coffee filters, size 4, 200 pieces", cost="9.90")
    call_it(
        conn,
        "B0JAPAN005",
        "Bamboo whisk for matcha",
        marketplace_id=JP,
        currency="JPY",
        cost="800",
        category=None,
    )
    _week(conn, "B0CXYZ1234", "27.50", "18.00", rivals=11)
    _week(conn, "B08KETTLE1", "39.90", "31.50", rivals=6)
    _week(conn, "B07TOWELS2", "14.99", "13.20", rivals=5)
    _week(conn, "B09BRUSH03", "8.49", "8.79", winner=True, rivals=3)
    _week(conn, "B0FILTER04", "16.49", "16.99", winner=True, rivals=2)
    _week(conn, "B0JAPAN005", "2480", "1980", marketplace=JP, rivals=6)
    _week(conn, "B0DEUTSCH6", "24.95", "19.99", marketplace=DE, rivals=7)
    tell(conn, "B0UNSEEN07", None, "11.40", rivals=8)
    tell(conn, "B0SUPPR008", "21.00", "20.50", suppressed=True)


def _week(
    conn: psycopg.Connection, asin: str, own: str, rival: str, *, marketplace: str = GB, **options
) -> None:
    for at, ours, theirs in _course(Decimal(own), Decimal(rival), marketplace):
        deliver(
            conn, letter(message(asin, ours, theirs, marketplace=marketplace, at=at, **options))
        )
    work(conn, f"{marketplace}:{asin}", max_rows=500)
    conn.execute("DELETE FROM procrastinate_jobs WHERE status = 'todo'")


def _course(own: Decimal, rival: Decimal, marketplace: str) -> Iterator[tuple[datetime, str, str]]:
    """Prices that wander and end where they are wanted."""
    chance = random.Random(str(own))
    tick = Decimal(1) if marketplace == JP else Decimal("0.01")
    start = datetime.now(UTC) - timedelta(days=6, hours=20)
    theirs, ours = rival * Decimal("1.18"), own * Decimal("1.04")
    count = 40
    for n in range(count):
        at = start + timedelta(hours=4.1 * n, minutes=chance.random() * 60)
        if n == count - 1:
            at, ours, theirs = (
                datetime.now(UTC) - timedelta(seconds=chance.randint(5, 900)),
                own,
                rival,
            )
        else:
            theirs = max(
                rival * Decimal("0.97"), theirs * Decimal(str(chance.uniform(0.972, 1.018)))
            )
            if chance.random() < 0.2:
                ours = own * Decimal(str(chance.uniform(0.98, 1.06)))
        yield at, str(ours.quantize(tick)), str(theirs.quantize(tick))
