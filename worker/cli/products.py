"""`buybox products`: costs, price limits and sales of products, from a file and to one."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import psycopg
import typer

from db import catalogue
from worker.catalogue.lines import UnusableFileError
from worker.catalogue.products import COLUMNS, ProductImport, import_products, open_products
from worker.catalogue.rejects import Rejects
from worker.catalogue.writing import write_csv
from worker.cli.common import (
    connect_or_fail,
    console,
    fail,
    fail_for_database,
    settings_or_fail,
)
from worker.cli.files import (
    marketplace_id_of,
    open_input,
    open_rejects,
    progress,
    show_rejects,
    size_of,
)
from worker.wording import counted

products_app = typer.Typer(
    name="products",
    help="What products cost and may cost: import a CSV file, export it.",
    no_args_is_help=True,
)


@products_app.command("import")
def import_file(
    path: Annotated[str, typer.Argument(metavar="FILE.csv", help="A CSV file, or -")],
    dry_run: Annotated[bool, typer.Option(help="Do everything, then roll it back.")] = False,
    strict: Annotated[bool, typer.Option(help="Import nothing if any line is bad.")] = False,
    seller: Annotated[
        str | None, typer.Option(help="Whose products: then the file needs no seller_id.")
    ] = None,
    rejects_file: Annotated[
        Path | None, typer.Option("--rejects", help="Keep every bad line's problems here.")
    ] = None,
) -> None:
    """Import products: new ones are added, known ones changed where the file differs.

    The columns are in docs/products.md. Good lines are imported and bad ones reported, with exit
    code 0; with --strict, any bad line means exit code 1 and nothing imported.

    Examples:
    - `buybox products import products.csv --dry-run`
    - `buybox products import products.csv --strict --rejects bad.csv`
    """
    settings = settings_or_fail()
    with open_input(path) as stream, open_rejects(rejects_file, source=path) as rejects:
        try:
            file = open_products(stream, seller_id=seller)
        except UnusableFileError as error:
            fail(f"{path}: {error}")
        with connect_or_fail(settings) as conn, progress() as bars:
            bar = bars.add_task("importing", total=size_of(path))
            try:
                done = import_products(
                    conn,
                    file,
                    rejects,
                    now=datetime.now(UTC),
                    seller_id=seller,
                    strict=strict,
                    dry_run=dry_run,
                    tell=lambda read: bars.update(bar, completed=read),
                )
            except psycopg.Error as error:
                fail_for_database(error)
        show_rejects(rejects, rejects_file)
        console.print(_sentence(done, rejects, dry_run=dry_run), markup=False)
        if strict and rejects.lines:
            raise typer.Exit(1)


@products_app.command("export")
def export_file(
    seller: Annotated[str | None, typer.Option(help="Only this seller's.")] = None,
    marketplace: Annotated[
        str | None, typer.Option(help="Only this marketplace's: its id, or UK, DE ...")
    ] = None,
) -> None:
    """Write the products as CSV to standard output; importing it again changes nothing.

    Example:
    - `buybox products export --marketplace UK > products.csv`
    """
    marketplace_id = marketplace_id_of(marketplace)
    sys.stdout.reconfigure(encoding="utf-8", newline="")  # type: ignore[union-attr]
    with connect_or_fail(settings_or_fail(), autocommit=False) as conn:
        try:
            rows = catalogue.export_products(conn, seller_id=seller, marketplace_id=marketplace_id)
            write_csv(sys.stdout, COLUMNS, rows)
        except psycopg.Error as error:
            fail_for_database(error)


def _sentence(done: ProductImport, rejects: Rejects, *, dry_run: bool) -> str:
    counts = done.counts
    told = (
        f"{counted(done.lines, 'line')}: {counts.inserted} inserted, {counts.updated} updated, "
        f"{counts.unchanged} unchanged, {rejects.lines} rejected"
    )
    if dry_run:
        return f"dry run, nothing was written; it would be {told}"
    return told if done.written else f"nothing was imported (--strict); it would be {told}"
