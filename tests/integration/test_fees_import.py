"""`buybox fees`: the schedule and the terms against a real database."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner

from db import catalogue
from tests.catalogue import fee_file
from tests.factories import GB, OWN_SELLER
from worker.cli.main import app


@pytest.fixture
def buybox(database_url):
    def run(*arguments, stdin: bytes = b"", url: str = database_url, width: int = 250):
        env = {"DATABASE_URL": url, "COLUMNS": str(width), "NO_COLOR": "1"}
        return CliRunner().invoke(app, ["fees", *map(str, arguments)], input=stdin, env=env)

    return run


def counts(done) -> str:
    assert done.exception is None, done.output
    return done.stdout.strip().splitlines()[-1]


def test_the_starter_set_goes_in_once_and_stays_as_it_is(buybox, conn):
    rules = len(buybox("export").stdout.splitlines())
    assert rules == 1
    assert " inserted, 0 updated, 0 unchanged, 0 rejected" in counts(buybox("import", "--starter"))
    exported = buybox("export")
    again = counts(buybox("import", "--starter", "--strict"))
    assert again.startswith("0 inserted, 0 updated, ")
    assert buybox("export").stdout_bytes == exported.stdout_bytes


def test_what_is_exported_is_imported_as_the_same(buybox):
    buybox("import", "--starter")
    exported = buybox("export").stdout_bytes
    assert counts(buybox("import", "-", stdin=exported)).startswith("0 inserted, 0 updated, ")


def test_an_empty_database_takes_what_another_has_exported(buybox, conn):
    buybox("import", "--starter")
    exported = buybox("export").stdout_bytes
    conn.execute("TRUNCATE fee_rules")
    buybox("import", "-", stdin=exported)
    assert buybox("export").stdout_bytes == exported


def test_a_rule_is_replaced_by_its_id(buybox, conn):
    buybox("import", "-", stdin=fee_file({}).read())
    done = buybox("import", "-", stdin=fee_file({"rate": "0.12"}, {"rule_id": "bad id"}).read())
    assert done.exit_code == 0
    assert counts(done) == "0 inserted, 1 updated, 0 unchanged, 1 rejected"
    assert [str(rule.rate) for rule in catalogue.list_fee_rules(conn)] == ["0.12"]


@pytest.mark.parametrize(("option", "code"), [("--dry-run", 0), ("--strict", 1)])
def test_a_dry_run_and_a_strict_one_with_a_bad_line_write_nothing(buybox, conn, option, code):
    done = buybox("import", "-", option, stdin=fee_file({}, {"rule_id": "bad id"}).read())
    assert done.exit_code == code
    assert "nothing was written" in done.stdout
    assert "1 inserted, 0 updated, 0 unchanged, 1 rejected" in done.stdout
    assert catalogue.list_fee_rules(conn) == []


def test_rules_that_overlap_end_with_a_sentence(buybox, conn):
    done = buybox("import", "-", stdin=fee_file({}, {"rule_id": "another"}).read())
    assert done.exit_code == 1
    assert "one_rule_at_a_time" in done.stderr
    assert catalogue.list_fee_rules(conn) == []


def test_a_file_and_the_starter_set_are_not_imported_at_once(buybox):
    assert buybox("import").exit_code == 2
    assert buybox("import", "-", "--starter").exit_code == 2


def test_a_file_that_is_no_schedule_ends_with_a_sentence(buybox):
    done = buybox("import", "-", stdin=b"rule_id;kind\n")
    assert done.exit_code == 1
    assert "semicolons" in done.stderr


def test_the_list_shows_what_is_in_force_on_a_day(buybox):
    assert "--starter" in buybox("list").stdout
    buybox("import", "--starter")
    before = buybox(
        "list", "--marketplace", "uk", "--category", "home-products", "--at", "2026-01-31"
    )
    after = buybox(
        "list", "--marketplace", GB.lower(), "--category", "home-products", "--at", "2026-02-01"
    )
    assert "8 % whole-price" not in before.stdout
    assert "8 % whole-price, at least 0.25" in after.stdout
    assert " 2 % of referral, fulfilment, closing" in after.stdout
    assert "UK home-products price to 20.00" in after.stdout
    assert "beauty" not in after.stdout


def test_a_marketplace_that_is_none_is_wrong_usage(buybox):
    done = buybox("list", "--marketplace", "Atlantis")
    assert done.exit_code == 2
    assert " UK," in done.stderr


TERMS = ("--seller", OWN_SELLER, "--marketplace", "UK", "--recoverable", "1", "--vat-registered")


def test_the_list_shows_a_rate_as_it_is(buybox):
    buybox("import", "-", stdin=fee_file({"rate": "0.15025"}).read())
    assert " 15.025 %" in buybox("list").stdout


def test_terms_are_set_from_a_day_on_and_listed(buybox, conn):
    assert "no terms" in buybox("terms").stdout
    done = buybox("terms", *TERMS, "--wanted-margin", "0.1", "--from", "2026-01-01")
    assert done.stdout.strip() == "terms inserted", done.output
    assert "updated" not in buybox("terms", *TERMS, "--from", "2026-03-01").stdout
    listed = buybox("terms", "--seller", OWN_SELLER).stdout
    assert "2026-01-01" in listed
    for other in (("--seller", "A2ANOTHER00001"), ("--marketplace", "DE")):
        assert "no terms" in buybox("terms", *other).stdout
    assert [
        (str(row.wanted_margin), row.valid_to is None) for row in catalogue.list_terms(conn)
    ] == [
        ("0.1", False),
        ("0", True),
    ]


@pytest.mark.parametrize(
    "wrong",
    [
        (*TERMS, "--wanted-margin", "10", "--from", "2026-01-01"),
        (*TERMS, "--wanted-margin", "NaN", "--from", "2026-01-01"),
        (*TERMS, "--wanted-margin", "ten", "--from", "2026-01-01"),
        (*TERMS, "--wanted-margin", "0.2_5", "--from", "2026-01-01"),
        (*TERMS, "--wanted-margin", "1e-1", "--from", "2026-01-01"),
        TERMS,
        ("--seller", OWN_SELLER, "--from", "2026-01-01"),
        (*TERMS[:-1], "--not-vat-registered", "--from", "2026-01-01"),
        (*TERMS, "--from", "01/01/2026"),
    ],
)
def test_terms_that_cannot_be_so_are_wrong_usage(buybox, conn, wrong):
    assert buybox("terms", *wrong).exit_code == 2
    assert catalogue.list_terms(conn) == []


@pytest.mark.parametrize("command", [("list",), ("export",), ("terms",), ("import", "--starter")])
def test_a_database_without_the_tables_is_told(buybox, empty_database_url, command):
    done = buybox(*command, url=empty_database_url)
    assert done.exit_code == 1
    assert "buybox migrate" in done.stderr


@pytest.mark.parametrize("width", [80, 400])
def test_rules_and_terms_are_whole_at_any_width(buybox, width):
    """80 is what a pipe has: a rule whose days are cut says nothing."""
    buybox("import", "--starter")
    shown = buybox("list", "--marketplace", "UK", width=width).stdout
    assert "\N{HORIZONTAL ELLIPSIS}" not in shown
    exported = buybox("export", "--marketplace", "UK").stdout.splitlines()[1:]
    assert {line.split(",")[0] for line in exported} <= set(shown.split())
    buybox("terms", "--seller", OWN_SELLER, "--marketplace", "UK", "--vat-registered",
           "--recoverable", "1", "--from", "2026-01-01")  # fmt: skip
    terms = buybox("terms", width=width).stdout
    assert all(one in terms for one in (OWN_SELLER, GB, "2026-01-01"))
