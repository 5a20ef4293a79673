"""What an import keeps and tells of the lines it could not take, and what it counts."""

from __future__ import annotations

import csv

import pytest
from typer.testing import CliRunner

from tests.catalogue import product_file, product_line
from tests.factories import OWN_SELLER
from worker.cli.main import app


@pytest.fixture
def run(database_url):
    """`buybox products ...` on the test's database."""
    env = {"DATABASE_URL": database_url, "COLUMNS": "200", "NO_COLOR": "1"}

    def run(*arguments, stdin: bytes = b"") -> str:
        done = CliRunner().invoke(app, ["products", *map(str, arguments)], input=stdin, env=env)
        assert done.exit_code == 0, done.output
        return done.stdout

    return run


@pytest.fixture
def kept(tmp_path):
    """A file of rejects that another import has left."""
    path = tmp_path / "rejects.csv"
    path.write_text("of another time\n")
    return path


def rejects_in(path):
    rows = csv.DictReader(path.read_text("utf-8").splitlines())
    return [(row["line"], row["field"], row["reason"], row["value"]) for row in rows]


def test_the_rejects_of_before_give_way_to_those_of_this_import(run, kept, tmp_path):
    file = tmp_path / "products.csv"
    file.write_bytes(product_file(product_line(asin="B0")).read())
    for given, stdin in ((file, b""), ("-", file.read_bytes())):
        run("import", given, "--rejects", kept, stdin=stdin)
        assert rejects_in(kept) == [("2", "asin", "bad-asin", "B0")]


def test_what_is_wrong_with_a_line_and_not_with_a_cell_has_a_reason_too(run, kept):
    other = "A2SOMEBODYELSE"
    lines = [product_line(), product_line(), product_line(seller_id=other)]
    stdin = product_file(*lines).read()
    run("import", "-", "--seller", OWN_SELLER, "--rejects", kept, stdin=stdin)
    assert sorted(rejects_in(kept)) == [
        ("3", "(key)", "repeated-key", ""),
        ("4", "seller_id", "other-seller", other),
    ]


def test_of_many_problems_it_is_said_where_the_rest_are(run, kept):
    stdin = product_file(*(product_line(asin=f"B{n}") for n in range(25))).read()
    assert "the first 20 of 25 problems; --rejects FILE keeps all" in run(
        "import", "-", stdin=stdin
    )
    told = run("import", "-", "--rejects", kept, stdin=stdin).replace("\n", "")
    assert f"the first 20 of 25 problems; all are in {kept}" in told
    few = product_file(*(product_line(asin=f"B{n}") for n in range(20))).read()
    assert "the first" not in run("import", "-", stdin=few)


def test_a_file_of_a_header_has_no_lines(run):
    told = run("import", "-", stdin=product_file().read())
    assert told == "0 lines: 0 inserted, 0 updated, 0 unchanged, 0 rejected\n"


def test_a_fixed_price_is_a_range_of_one(run):
    line = product_line(min_price="9.99", max_price="9.99")
    assert "1 inserted" in run("import", "-", stdin=product_file(line).read())


def test_an_export_of_a_marketplace_by_its_id_is_of_that_one_alone(run):
    german = product_line(marketplace_id="A1PA6795UKMFR9", currency="EUR", asin="B0GERMAN01")
    run("import", "-", stdin=product_file(product_line(), german).read())
    for name in ("A1PA6795UKMFR9", "de", "DE"):
        _, *found = run("export", "--marketplace", name).splitlines()
        assert [row.split(",")[2] for row in found] == ["B0GERMAN01"]
    assert len(run("export").splitlines()) == 3


def test_an_export_of_a_seller_is_of_that_one_alone(run):
    other = product_line(seller_id="A2SOMEBODYELSE")
    run("import", "-", stdin=product_file(product_line(), other).read())
    for seller in (OWN_SELLER, "A2SOMEBODYELSE"):
        _, *found = run("export", "--seller", seller).splitlines()
        assert [row.split(",")[0] for row in found] == [seller]
