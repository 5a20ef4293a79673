"""What a migration makes of days, hours and zones of before that no program could read."""

from __future__ import annotations

from datetime import date, time

import pytest

from db import catalogue, dispatch
from db.connect import connect
from db.migrate import migrate
from tests.interleave import column
from tests.true_rows import DAY, put

FIRST, LAST = date(1, 1, 1), date(9999, 12, 31)


@pytest.fixture
def of_before(empty_database_url):
    """A database of an earlier revision, written to as if its server code were there."""

    def stand_at(revision):
        migrate(empty_database_url, revision=revision)
        conn.execute("SET session_replication_role = replica")
        return conn

    with connect(empty_database_url, autocommit=True) as conn:
        yield stand_at


@pytest.mark.parametrize("revision", ["0005", "0016"])
def test_open_periods_stay_open_and_ever_since_is_the_first_day(
    of_before, empty_database_url, revision
):
    conn = of_before(revision)
    with conn.transaction():
        conn.execute("SET LOCAL datestyle = 'ISO'")
        for number, period in enumerate(
            [
                ("-infinity", "2026-01-01"),
                ("2026-01-01", "infinity"),
                ("0001-01-01", "9999-12-31"),
                ("9999-12-31", "10000-01-01"),
                ("infinity", None),
                ("-infinity", "0001-01-01"),
            ]
        ):
            conn.execute(
                "INSERT INTO fee_rules (rule_id, marketplace_id, kind, category, shape, rate,"
                " currency, valid_from, valid_to, source, source_date, updated_at) VALUES"
                " (%(n)s, 'M' || %(n)s, 'referral', 'toys', 'flat', 0.1, 'GBP', %(from)s, %(to)s,"
                " 'a page', %(source)s, now())",
                {
                    "n": str(number),
                    "from": period[0],
                    "to": period[1],
                    "source": "infinity" if number == 1 else "-infinity",
                },
            )
            conn.execute(
                "INSERT INTO seller_terms (seller_id, marketplace_id, valid_from, valid_to,"
                " vat_registered, fee_vat_recoverable, updated_at)"
                " VALUES ('S', 'M' || %s, %s, %s, true, 1, now())",
                (str(number), *period),
            )
    migrate(empty_database_url)
    periods = [(FIRST, DAY), (DAY, None), (FIRST, LAST), (LAST, None)]
    rules = sorted(catalogue.list_fee_rules(conn), key=lambda rule: rule.rule_id)
    assert [(rule.valid_from, rule.valid_to) for rule in rules] == periods
    assert [rule.source_date for rule in rules] == [FIRST, LAST, FIRST, FIRST]
    terms = sorted(catalogue.list_terms(conn), key=lambda one: one.marketplace_id)
    assert [(one.valid_from, one.valid_to) for one in terms] == periods
    assert {"M0", "M1", "M3"} <= set(column(conn, "SELECT marketplace_id FROM reassessments"))
    assert column(conn, "SELECT version FROM fee_book") == [2]  # whoever has read it reads it anew


def test_fees_and_terms_ring_after_the_migration_as_before(of_before, empty_database_url):
    of_before("0016")
    migrate(empty_database_url)
    with connect(empty_database_url, autocommit=True) as conn:
        for table in ("fee_rules", "seller_terms"):
            (before,) = conn.execute("SELECT version FROM fee_book").fetchone()
            put(conn, table)
            assert conn.execute("SELECT version FROM fee_book").fetchone() == (before + 1,)


def test_quiet_hours_of_before_are_read(of_before, empty_database_url):
    conn = of_before("0016")
    for name, start, end, zone in (
        ("evening", "22:00", "24:00", "Europe/London"),
        ("odd", "24:00", "07:00", "pst"),
        ("lost", "22:00", "07:00", "Europe/Lodnon"),
        ("none", None, None, None),
    ):
        conn.execute(
            "INSERT INTO alert_routes (name, channel, url_encrypted, url_masked, created_by,"
            " quiet_from, quiet_to, quiet_zone) VALUES (%s, 'mail', 'x', 'x', 't', %s, %s, %s)",
            (name, start, end, zone),
        )
    migrate(empty_database_url)
    with conn.transaction():
        found = [r[-3:] for r in dispatch.read_enabled_routes(conn)]
    assert found == [
        (time(22), time.max, "Europe/London"),
        (time(0), time(7), "pst"),
        (time(22), time(7), "UTC"),
        (None, None, None),
    ]
    told = conn.execute("SELECT name FROM alert_routes WHERE trouble ~ 'Europe/Lodnon'").fetchall()
    assert told == [("lost",)]
