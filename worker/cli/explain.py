"""`buybox explain`: what a product's prices are worth, line by line, and what is not known."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated

import psycopg
import typer

from economics.marketplaces import Marketplace
from worker.catalogue.explaining import AmbiguousError, NothingKnownError, Question, answer
from worker.catalogue.fields import CHANNELS, CONDITIONS, MAX_AMOUNT, typed_number
from worker.cli.common import (
    connect_or_fail,
    console,
    fail,
    fail_for_database,
    settings_or_fail,
)
from worker.cli.explained import as_json, show
from worker.cli.files import asin_of, marketplace_named


def explain(
    marketplace: Annotated[
        str, typer.Argument(metavar="MARKETPLACE", help="Its id, or its country: UK, DE ...")
    ],
    asin: Annotated[str, typer.Argument(metavar="ASIN")],
    seller: Annotated[
        str | None, typer.Option(help="Whose product, if several sellers have it.")
    ] = None,
    condition: Annotated[str, typer.Option(help=f"One of {', '.join(CONDITIONS)}.")] = "new",
    sku: Annotated[str | None, typer.Option(help="Which SKU, if there are several.")] = None,
    channel: Annotated[
        str | None, typer.Option(help="Which of amazon and merchant, if there are both.")
    ] = None,
    price: Annotated[
        str | None, typer.Option(metavar="AMOUNT", help="The sum at this price as well.")
    ] = None,
    at: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="With the fees of this day, not the event's."),
    ] = None,
    as_data: Annotated[
        bool, typer.Option("--json", help="One JSON object, amounts as text.")
    ] = False,
) -> None:
    """Explain what a product's prices are worth: VAT, each fee with its rule, costs, profit.

    Side by side at the own price, the market low, the Prime low and the recommended price, as its
    newest message shows them, with the fees of that message's day. Then the lowest prices that
    make sense, what is risky, and what is not known, why, and what to do about it.

    Examples:
    - `buybox explain UK B0CXYZ1234`
    - `buybox explain UK B0CXYZ1234 --price 18.99`
    - `buybox explain DE B0CXYZ1234 --seller A2OWNSELLER001 --at 2026-02-01 --json`

    It exits with 0 even if something is not known, with 1 if it could not explain anything (no such
    product, no database), with 2 if it cannot tell what is meant.
    """
    where = marketplace_named(marketplace)
    question = Question(
        marketplace=where,
        asin=asin_of(asin),
        item_condition=_one_of(condition, CONDITIONS, "--condition"),
        seller_id=seller,
        channel=None if channel is None else _one_of(channel, CHANNELS, "--channel"),
        sku=sku,
        price=None if price is None else _amount(price, where),
        day=None if at is None else at.date(),
    )
    with connect_or_fail(settings_or_fail(), autocommit=False) as conn:
        try:
            found = answer(conn, question, now=datetime.now(UTC))
        except NothingKnownError as error:
            fail(str(error))
        except AmbiguousError as error:
            fail(str(error), code=2)
        except psycopg.Error as error:
            fail_for_database(error)
    if as_data:
        typer.echo(json.dumps(as_json(found), ensure_ascii=False, indent=2))
    else:
        show(console, found)


def _one_of(text: str, known: tuple[str, ...], option: str) -> str:
    if text.lower() not in known:
        fail(f"{option} is one of {', '.join(known)}, not {text}", code=2)
    return text.lower()


def _amount(text: str, marketplace: Marketplace) -> Decimal:
    amount = typed_number(text)
    if amount is None or not 0 < amount < MAX_AMOUNT:
        fail(f"--price {text} is no price: one is written 18.99, and is above 0", code=2)
    tick = Decimal(1).scaleb(-marketplace.minor_units)
    if amount != amount.quantize(tick):
        fail(
            f"--price {text} has more decimals than {marketplace.currency} has",
            code=2,
        )
    return amount.quantize(tick)
