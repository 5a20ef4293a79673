"""`buybox products`: files against a real database, with every kind of bad line."""

from __future__ import annotations

import csv
import itertools
import json
from collections import Counter
from decimal import Decimal
from io import BytesIO, StringIO
from pathlib import Path

import psycopg
import pytest
from typer.testing import CliRunner

from db import catalogue
from db.catalogue import Counts
from tests.catalogue import EXAMPLE, LATER, NOW, product_file, product_line
from tests.factories import OWN_SELLER
from tests.interleave import Background
from tests.unit.test_catalogue_products import BAD
from worker.catalogue.lines import MAX_LINE_BYTES
from worker.catalogue.products import import_products, open_products
from worker.catalogue.rejects import Rejects
from worker.cli.main import app


@pytest.fixture
def buybox(database_url, tmp_path):
    """Run a command in this process; a content given as bytes becomes a file."""

    def run(*arguments, stdin: bytes = b"", url: str = database_url):
        paths = [str(_written(tmp_path, a) if isinstance(a, bytes) else a) for a in arguments]
        env = {"DATABASE_URL": url, "COLUMNS": "200", "NO_COLOR": "1"}
        return CliRunner().invoke(app, paths, input=stdin, env=env)

    return run


def _written(folder: Path, content: bytes) -> Path:
    path = folder / f"{len(list(folder.iterdir()))}.csv"
    path.write_bytes(content)
    return path


def asins(conn) -> list[str]:
    return [asin for (asin,) in conn.execute("SELECT asin FROM products ORDER BY asin")]


def test_the_example_is_imported_and_exported_byte_by_byte(buybox, conn):
    done = buybox("products", "import", EXAMPLE)
    assert (done.exit_code, done.exception) == (0, None), done.output
    assert "5 lines: 5 inserted, 0 updated, 0 unchanged, 0 rejected" in done.stdout
    exported = buybox("products", "export")
    assert exported.stdout_bytes == EXAMPLE.read_bytes()
    again = buybox("products", "import", exported.stdout_bytes, "--strict")
    assert "0 inserted, 0 updated, 5 unchanged, 0 rejected" in again.stdout


def test_an_import_that_changes_nothing_touches_no_row(buybox, conn):
    marks = "SELECT asin, sku, ctid, xmin, xmax::text, changed_in, updated_at FROM products ORDER BY 1, 2"
    buybox("products", "import", EXAMPLE)
    before = conn.execute(marks).fetchall()
    buybox("products", "import", EXAMPLE)
    assert conn.execute(marks).fetchall() == before


def test_the_import_of_a_file_equals_the_one_by_sql(buybox, conn):
    buybox("products", "import", EXAMPLE)
    by_file = list(catalogue_rows(conn))
    rows = [row._asdict() for row in by_file]
    conn.execute("TRUNCATE products")
    conn.execute(
        "SELECT * FROM buybox_import_products(%s::jsonb)", (json.dumps(rows, default=str),)
    )
    assert list(catalogue_rows(conn)) == by_file
    assert "5 unchanged" in buybox("products", "import", EXAMPLE).stdout


def catalogue_rows(conn):
    with conn.transaction():
        yield from catalogue.export_products(conn)


STRUCTURAL = {
    "wrong-column-count": b"one,two,three\n",
    "bad-quoting": product_line().replace(b'"Mug', b'"Mug"'),
    "unterminated": product_line().rstrip(b"\n").replace(b'enamelled"', b"enamelled") + b"\n",
    "invalid-utf-8": product_line(title="t\xe9t").replace("é".encode(), b"\xe9"),
    "nul-character": product_line(title="a\0b"),
    "control-character": product_line(title="a\x1bb"),
    "line-too-long": product_line(title="x" * MAX_LINE_BYTES),
}


def bad_lines(count: int) -> list[bytes]:
    fields = [product_line(**changes) for changes, _, _ in BAD]
    return list(itertools.islice(itertools.cycle([*STRUCTURAL.values(), *fields]), count))


def mixed_file() -> bytes:
    """1,000 bad lines of every kind, each between two good ones, and then some."""
    lines: list[bytes] = []
    for number, bad in enumerate(bad_lines(1_000)):
        lines += [product_line(asin=f"B1{2 * number:08d}"), bad]
        lines += [product_line(asin=f"B1{2 * number + 1:08d}")]
    return product_file(*lines).read()


def test_a_thousand_bad_lines_are_all_told_and_no_good_one_is_lost(buybox, conn, tmp_path):
    kept = tmp_path / "bad" / "rejects.csv"
    kept.parent.mkdir()
    done = buybox("products", "import", mixed_file(), "--rejects", kept)
    assert (done.exit_code, done.exception) == (0, None), done.output
    assert "3000 lines: 2000 inserted, 0 updated, 0 unchanged, 1000 rejected" in done.stdout
    assert asins(conn) == [f"B1{n:08d}" for n in range(2_000)]

    rejects = list(csv.DictReader(StringIO(kept.read_text("utf-8"))))
    told = {int(row["line"]) for row in rejects}
    assert told == {3 + 3 * number for number in range(1_000)}
    expected = {reason for _, _, reason in BAD} | set(STRUCTURAL) - {"unterminated"}
    assert {row["reason"] for row in rejects} == expected
    for reason, times in Counter(row["reason"] for row in rejects).items():
        assert f"{reason} {times}" in " ".join(done.stdout.split())
    assert "the first 20 of" in done.stdout
    assert "\x1b" not in done.stdout


def test_strict_imports_nothing_and_tells_everything(buybox, conn, tmp_path):
    kept = tmp_path / "bad" / "rejects.csv"
    kept.parent.mkdir()
    done = buybox("products", "import", mixed_file(), "--strict", "--rejects", kept)
    assert done.exit_code == 1
    assert "nothing was imported (--strict)" in done.stdout
    assert "2000 inserted" in done.stdout
    assert asins(conn) == []
    rejects = csv.DictReader(StringIO(kept.read_text("utf-8")))
    assert len({row["line"] for row in rejects}) == 1_000


def test_strict_imports_a_file_without_a_bad_line(buybox, conn):
    assert buybox("products", "import", EXAMPLE, "--strict").exit_code == 0
    assert len(asins(conn)) == 5


def test_a_dry_run_says_what_would_be_and_writes_nothing(buybox, conn):
    buybox("products", "import", product_file(product_line()).read())
    content = product_file(product_line(prep="9"), product_line(sku="new"), b"bad\n").read()
    done = buybox("products", "import", content, "--dry-run")
    assert done.exit_code == 0
    assert "nothing was written" in done.stdout
    assert "3 lines: 1 inserted, 1 updated, 0 unchanged, 1 rejected" in done.stdout
    assert conn.execute("SELECT prep FROM products").fetchall() == [(Decimal("0.10"),)]


def test_the_second_line_of_a_product_is_rejected_and_names_the_first(buybox, conn):
    content = product_file(
        product_line(prep="1"),
        product_line(asin="B0CXYZ5678"),
        product_line(prep="2"),
        product_line(prep="3"),
    ).read()
    done = buybox("products", "import", content)
    assert "2 inserted, 0 updated, 0 unchanged, 2 rejected" in done.stdout
    assert done.stdout.count("line 2 is the same product") == 2
    assert conn.execute("SELECT prep::text FROM products WHERE asin = 'B0CXYZ1234'").fetchall() == [
        ("1.00",)
    ]


def test_columns_that_a_file_does_not_have_keep_what_is_stored(buybox, conn):
    buybox("products", "import", EXAMPLE)
    sales = (
        b"marketplace_id,asin,item_condition,fulfilment_channel,sku,currency,estimated_daily_sales\n"
        b"A1F83G8C2ARO7P,B0CXYZ1234,new,amazon,MUG-01,GBP,7\n"
        b"A1F83G8C2ARO7P,B0CXYZ5678,new,merchant,,GBP,\n"
    )
    done = buybox("products", "import", sales, "--seller", OWN_SELLER)
    assert "2 lines: 0 inserted, 1 updated, 1 unchanged, 0 rejected" in done.stdout
    exported = buybox("products", "export", "--marketplace", "UK", "--seller", OWN_SELLER)
    wanted = EXAMPLE.read_text("utf-8").splitlines()[:4]
    wanted[1] = wanted[1].replace(",3.5,", ",7,")
    assert exported.stdout.splitlines() == wanted


def test_a_line_of_another_seller_is_rejected(buybox, conn):
    content = product_file(product_line(), product_line(asin="B0CXYZ5678", seller_id="")).read()
    done = buybox("products", "import", content, "--seller", "S2")
    assert "the import is for S2" in done.stdout
    assert conn.execute("SELECT seller_id, asin FROM products").fetchall() == [("S2", "B0CXYZ5678")]


def test_a_file_comes_in_from_standard_input(buybox, conn):
    done = buybox("products", "import", "-", stdin=EXAMPLE.read_bytes())
    assert done.exit_code == 0, done.output
    assert len(asins(conn)) == 5


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "is empty"),
        (EXAMPLE.read_bytes().replace(b",", b";"), "semicolons"),
        (b"asin,unit_cots\n", "did you mean unit_cost?"),
        (b"asin,unit_cost\n", "lacks"),
        (b"asin,[/x][bold]\n", "[/x][bold]"),
    ],
)
def test_a_file_that_cannot_be_used_ends_with_a_sentence(buybox, content, sentence):
    done = buybox("products", "import", content)
    assert done.exit_code == 1
    assert sentence in done.stderr
    assert "Traceback" not in done.output


def test_a_file_that_is_not_there_is_wrong_usage(buybox, tmp_path):
    assert buybox("products", "import", tmp_path / "none.csv").exit_code == 2
    assert buybox("products", "import", tmp_path).exit_code == 2
    kept = tmp_path / "none" / "rejects.csv"
    assert buybox("products", "import", EXAMPLE, "--rejects", kept).exit_code == 2
    assert buybox("products", "import", "[/x].csv").exit_code == 2


def test_a_name_that_no_file_can_have_is_told(buybox, tmp_path):
    done = buybox("products", "import", EXAMPLE, "--rejects", tmp_path / ("x" * 300))
    assert done.exit_code == 2
    assert "cannot be written: File name too long" in " ".join(done.stderr.split())


def test_the_rejects_never_overwrite_the_file_that_is_imported(buybox, conn, tmp_path):
    path = tmp_path / "products.csv"
    path.write_bytes(EXAMPLE.read_bytes())
    assert buybox("products", "import", path, "--rejects", path).exit_code == 2
    assert path.read_bytes() == EXAMPLE.read_bytes()
    assert asins(conn) == []


def test_what_a_bad_line_says_is_shown_as_it_is(buybox):
    content = product_file(product_line(asin="[/x][red]"), product_line(unit_cost="\t[b]1")).read()
    done = buybox("products", "import", content)
    assert (done.exit_code, done.exception) == (0, None), done.output
    assert "[/x][red]" in done.stdout


def test_a_database_without_the_tables_is_told(buybox, empty_database_url):
    for arguments in (("import", EXAMPLE), ("export",)):
        done = buybox("products", *arguments, url=empty_database_url)
        assert done.exit_code == 1
        assert "buybox migrate" in done.stderr


def test_an_import_works_as_the_role_of_the_workers(conn):
    conn.execute("SET ROLE buybox_worker")
    file, rejects = open_products(product_file(product_line(), product_line())), Rejects()
    done = import_products(conn, file, rejects, now=NOW)
    assert (done.counts, rejects.lines) == (Counts(1, 0, 0), 1)


def test_a_second_import_waits_for_the_first_and_sees_its_rows(conn, open_connection):
    first, second = open_connection(), open_connection(autocommit=True)
    one = product_file(product_line()).read()

    def run(connection, at):
        return import_products(connection, open_products(BytesIO(one)), Rejects(), now=at)

    with first.transaction():
        assert run(first, NOW).counts == Counts(1, 0, 0)
        waiting = Background(run, second, LATER).until_blocked(conn)
    assert waiting.result().counts == Counts(0, 0, 1)


def test_nothing_is_imported_when_the_reading_breaks_off(conn):
    class Broken(BytesIO):
        def readline(self, size=-1):
            if self.tell() > 5_000:
                raise OSError("the disk is gone")
            return super().readline(size)

    lines = [product_line(asin=f"B1{n:08d}") for n in range(100)]
    file = open_products(Broken(product_file(*lines).read()))
    with pytest.raises(OSError, match="disk"):
        import_products(conn, file, Rejects(), now=NOW)
    assert conn.info.transaction_status == psycopg.pq.TransactionStatus.IDLE
    assert asins(conn) == []
