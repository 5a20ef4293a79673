"""`buybox fees`: the fee schedule and the seller's terms, from files, to files, and to look at."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Annotated

import psycopg
import typer

from db import catalogue
from db.catalogue import FeeRuleRow, SellerTermsRow
from economics.marketplaces import country_of
from economics.wording import percent
from worker.catalogue.fees import (
    COLUMNS,
    OverlappingRulesError,
    import_fees,
    read_fees,
    starter_files,
)
from worker.catalogue.fields import typed_number
from worker.catalogue.lines import UnusableFileError
from worker.catalogue.rejects import Rejects
from worker.catalogue.writing import write_csv
from worker.cli.common import (
    connect_or_fail,
    console,
    fail,
    fail_for_database,
    settings_or_fail,
    show_table,
)
from worker.cli.files import (
    marketplace_id_of,
    open_input,
    open_rejects,
    show_rejects,
)

fees_app = typer.Typer(
    name="fees",
    help="Amazon's fees by marketplace, category and date, and a seller's VAT terms.",
    no_args_is_help=True,
)

_Marketplace = Annotated[str | None, typer.Option(help="Its id, or its country: UK, DE ...")]
_DAY = ["%Y-%m-%d"]


@fees_app.command("import")
def import_file(
    path: Annotated[str | None, typer.Argument(metavar="FILE.csv", help="A CSV file, or -")] = None,
    starter: Annotated[
        bool, typer.Option("--starter", help="The starter set that comes with buybox.")
    ] = False,
    dry_run: Annotated[bool, typer.Option(help="Do everything, then roll it back.")] = False,
    strict: Annotated[bool, typer.Option(help="Import nothing if any line is bad.")] = False,
    rejects_file: Annotated[
        Path | None, typer.Option("--rejects", help="Keep every bad line's problems here.")
    ] = None,
) -> None:
    """Import fee rules: new rule ids are added, known ones replaced.

    The columns are in docs/fees.md. Good lines are imported and bad ones reported, with exit code
    0; with --strict, any bad line means exit code 1 and nothing imported.

    Examples:
    - `buybox fees import --starter`
    - `buybox fees import my-fees.csv --dry-run`
    """
    if (path is None) != starter:
        fail("say which: a file, or --starter", code=2)
    settings = settings_or_fail()
    with open_rejects(rejects_file, source=path) as rejects:
        rules = _read(path, rejects)
        write = not (dry_run or (strict and rejects.lines))
        with connect_or_fail(settings) as conn:
            try:
                done = import_fees(conn, rules, now=datetime.now(UTC), write=write)
            except OverlappingRulesError as error:
                fail(str(error))
            except psycopg.Error as error:
                fail_for_database(error)
        show_rejects(rejects, rejects_file)
        told = (
            f"{done.counts.inserted} inserted, {done.counts.updated} updated, "
            f"{done.counts.unchanged} unchanged, {rejects.lines} rejected"
        )
        if not done.written:
            told = f"nothing was written ({'dry run' if dry_run else '--strict'}); would be {told}"
        console.print(told, markup=False)
        if strict and rejects.lines:
            raise typer.Exit(1)


@fees_app.command("list")
def list_rules(
    marketplace: _Marketplace = None,
    category: Annotated[str | None, typer.Option(help="Only what concerns this category.")] = None,
    at: Annotated[
        datetime | None, typer.Option(formats=_DAY, help="Only what is in force on this day.")
    ] = None,
) -> None:
    """List the fee rules with their periods and sources.

    Example:
    - `buybox fees list --marketplace UK --category home-products --at 2026-03-01`
    """
    marketplace_id = marketplace_id_of(marketplace)
    with connect_or_fail(settings_or_fail()) as conn:
        try:
            rules = catalogue.list_fee_rules(
                conn,
                marketplace_id=marketplace_id,
                category=category,
                at=at.date() if at else None,
            )
        except psycopg.Error as error:
            fail_for_database(error)
    if not rules:
        console.print("no fee rules; buybox fees import --starter brings the first")
        return
    headers = ("rule", "seller", "kind", "for", "fee", "in force", "source")
    show_table(headers, [_told(rule) for rule in rules])


@fees_app.command("export")
def export_file(marketplace: _Marketplace = None) -> None:
    """Write the fee rules as CSV to standard output; importing it again changes nothing.

    Example:
    - `buybox fees export --marketplace UK > uk.csv`
    """
    marketplace_id = marketplace_id_of(marketplace)
    sys.stdout.reconfigure(encoding="utf-8", newline="")  # type: ignore[union-attr]
    with connect_or_fail(settings_or_fail()) as conn:
        try:
            rules = catalogue.list_fee_rules(conn, marketplace_id=marketplace_id)
        except psycopg.Error as error:
            fail_for_database(error)
    write_csv(sys.stdout, COLUMNS, rules)


@fees_app.command()
def terms(
    seller: Annotated[str | None, typer.Option(help="The seller's id.")] = None,
    marketplace: _Marketplace = None,
    vat_registered: Annotated[
        bool | None,
        typer.Option(
            "--vat-registered/--not-vat-registered", help="Whether the seller owes VAT on sales."
        ),
    ] = None,
    recoverable: Annotated[
        str | None, typer.Option(help="The share of the VAT on fees that is recovered: 0 to 1.")
    ] = None,
    wanted_margin: Annotated[
        str, typer.Option(help="The margin wanted, a fraction of net revenue: 0.1 is 10 %.")
    ] = "0",
    start: Annotated[
        datetime | None, typer.Option("--from", formats=_DAY, help="The first day.")
    ] = None,
) -> None:
    """Set a seller's terms from a day on; without --from, list what is set.

    Example:
    - `buybox fees terms --seller A2OWNSELLER001 --marketplace UK --vat-registered
      --recoverable 1 --wanted-margin 0.1 --from 2026-01-01`
    """
    marketplace_id = marketplace_id_of(marketplace)
    if start is None:
        if vat_registered is not None or recoverable is not None:
            fail("from which day? --from 2026-01-01", code=2)
        _list_terms(seller, marketplace_id)
        return
    if not seller or not marketplace_id or vat_registered is None or recoverable is None:
        fail(
            "terms need --seller, --marketplace, --vat-registered or --not-vat-registered, "
            "--recoverable and --from",
            code=2,
        )
    row = SellerTermsRow(
        seller,
        marketplace_id,
        start.date(),
        None,
        vat_registered,
        _fraction(recoverable, "--recoverable", most=Decimal(1)),
        _fraction(wanted_margin, "--wanted-margin", most=Decimal("0.99")),
    )
    if not vat_registered and row.fee_vat_recoverable:
        fail("a seller who is not VAT registered recovers none: --recoverable 0", code=2)
    with connect_or_fail(settings_or_fail()) as conn:
        try:
            outcome = catalogue.set_terms(conn, row, now=datetime.now(UTC))
        except psycopg.Error as error:
            fail_for_database(error)
    console.print(f"terms {outcome}", markup=False)


def _read(path: str | None, rejects: Rejects) -> list[FeeRuleRow]:
    try:
        if path is None:
            return [rule for file in starter_files() for rule in read_fees(file, rejects)]
        with open_input(path) as stream:
            return read_fees(stream, rejects)
    except UnusableFileError as error:
        fail(f"{path}: {error}")


def _list_terms(seller: str | None, marketplace_id: str | None) -> None:
    with connect_or_fail(settings_or_fail()) as conn:
        try:
            found = catalogue.list_terms(conn, seller_id=seller, marketplace_id=marketplace_id)
        except psycopg.Error as error:
            fail_for_database(error)
    if not found:
        console.print("no terms are set; buybox fees terms --help says how")
        return
    headers = (
        "seller", "marketplace", "from", "to", "VAT registered", "of fee VAT back", "wanted margin",
    )  # fmt: skip
    rows = [
        (
            one.seller_id,
            one.marketplace_id,
            one.valid_from.isoformat(),
            one.valid_to.isoformat() if one.valid_to else "",
            "yes" if one.vat_registered else "no",
            f"{one.fee_vat_recoverable:f}",
            f"{one.wanted_margin:f}",
        )
        for one in found
    ]
    show_table(headers, rows)


def _fraction(text: str, option: str, *, most: Decimal) -> Decimal:
    fraction = typed_number(text)
    if fraction is None or fraction > most:
        fail(f"{option} is a fraction from 0 to {most}: 0.1 is 10 %", code=2)
    return fraction


def _told(rule: FeeRuleRow) -> tuple[str, ...]:
    """A rule as the cells of a table."""
    what = [rule.category or "", rule.size_tier or "", rule.fulfilment_channel or ""]
    if rule.weight_up_to_g is not None:
        what.append(f"to {rule.weight_up_to_g} g")
    if rule.price_up_to is not None:
        what.append(f"price to {rule.price_up_to:f}")
    fee = percent(rule.rate) if rule.rate is not None else f"{rule.amount} {rule.currency}"
    if rule.shape not in {None, "flat"}:
        fee += f" {rule.shape}"
    if rule.minimum is not None:
        fee += f", at least {rule.minimum}"
    if rule.applies_to:
        fee += f" of {', '.join(rule.applies_to)}"
    return (
        rule.rule_id,
        rule.seller_id or "",
        rule.kind,
        " ".join([country_of(rule.marketplace_id), *filter(None, what)]),
        fee,
        f"{rule.valid_from} - {rule.valid_to or ''}",
        f"{rule.source} ({rule.source_date})",
    )
