"""What a migration makes of days, hours, zones, times and numbers of before that no program could read."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

import psycopg
import pytest

from db import alerts, catalogue, dispatch, economy, products, tokens
from db.connect import connect
from db.jobs import ensure_partitions
from db.migrate import migrate
from tests.interleave import column
from tests.true_rows import AT, DAY, KNOWN_ECONOMICS, put
from worker.analysis.store import state_from_row

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


def test_alerts_of_no_time_are_looked_at_now(of_before, empty_database_url):
    conn = of_before("0019")
    for table in ("alert_events", "alert_queues", "alert_deliveries", "fee_book"):
        put(conn, table)
    put(conn, "alerts", id=2, kind="pricing-health", profit_at_stake_per_day="NaN")
    conn.execute(
        "UPDATE alerts SET snooze_until = 'infinity', snoozed_by = 'ann', due_at = '-infinity'"
        " WHERE id = 1"
    )
    conn.execute("UPDATE alert_events SET at = 'infinity'")
    conn.execute("UPDATE alert_queues SET scheduled_at = '-infinity'")
    conn.execute("UPDATE alert_deliveries SET due_at = '-infinity'")
    conn.execute("UPDATE fee_book SET days_until = 'infinity'")
    began = datetime.now(UTC)
    migrate(empty_database_url)
    ended = datetime.now(UTC)
    one, other = alerts.lock_alerts(conn, [1, 2])
    assert began <= one.snooze_until == one.due_at <= ended
    assert (one.first_seen, one.snoozed_by) == (AT, "ann")
    assert other.profit_at_stake_per_day is None
    assert [a.id for a in alerts.lock_due_alerts(conn, now=ended, max_alerts=9)] == [1]
    for times in (
        column(conn, "SELECT at FROM alert_events"),
        column(conn, "SELECT scheduled_at FROM alert_queues"),
        column(conn, "SELECT due_at FROM alert_deliveries"),
        [economy.pass_fee_days(conn, now=ended)],
    ):
        assert began <= times[0] <= ended


def test_a_token_for_ever_stays_one_and_a_session_for_ever_has_ended(of_before, empty_database_url):
    conn = of_before("0019")
    put(conn, "api_tokens")
    put(conn, "api_tokens", id=2, name="gone", secret_hash=b"\x02" * 32)
    put(conn, "api_tokens", id=3, secret_hash=b"\x03" * 32, issued_from=1, expires_at=AT)
    conn.execute(
        "UPDATE api_tokens SET expires_at = CASE id WHEN 2 THEN"
        " timestamptz '-infinity' ELSE 'infinity' END"
    )
    migrate(empty_database_url)
    now = datetime.now(UTC)
    until = {t.name: t.expires_at for t in tokens.list_tokens(conn)}
    assert until["vera"] is None
    assert until["gone"] < now
    assert tokens.read_living_tokens(conn, [1, 2, 3], now=now) == {1}


def test_states_with_a_price_that_is_none_do_not_know_it(of_before, empty_database_url):
    conn = of_before("0019")
    told = {"last_own_price_at": AT, "last_own_publish_time": AT, "last_own_event_key": "k"}
    for asin, seen in (
        ("A1", told | {"last_own_price": 0, "buy_box_price": 8}),
        ("A2", told | {"last_own_price": "NaN", "buy_box_price": "Infinity"}),
        ("A3", told | {"last_own_price": 9, "buy_box_price": 0}),
        ("A4", told | {"last_own_price": 9, "buy_box_price": 8}),
    ):
        put(conn, "current_state", asin=asin, **seen)
    migrate(empty_database_url)
    with conn.transaction():
        states = products.lock_states(conn, [("M1", f"A{n}") for n in (1, 2, 3, 4)])
    nothing = (None, None, None, None)
    assert [
        (s.asin, s.buy_box_price, s.version > 1,
         (s.last_own_price, s.last_own_price_at, s.last_own_publish_time, s.last_own_event_key))
        for s in states
    ] == [
        ("A1", Decimal(8), True, nothing),
        ("A2", None, True, nothing),
        ("A3", None, True, (Decimal(9), AT, AT, "k")),
        ("A4", Decimal(8), False, (Decimal(9), AT, AT, "k")),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "told",
    [
        *({name: "NaN"} for name in ("your_price", "market_low", "prime_low", "daily_sales", "gap_pct")),
        {"gap_pct": "-Infinity"},
        {"competitor_low": "Infinity", "severity_policy": "strict"},
        KNOWN_ECONOMICS | {"margin_at_current_price": "NaN", "unfollowable": '[{"seller": "S"}]'},
    ],
)  # fmt: skip
def test_a_market_whose_numbers_are_none_is_not_known_until_the_next_message(
    of_before, empty_database_url, told
):
    conn = of_before("0019")
    put(conn, "current_state", **told)
    migrate(empty_database_url)
    with conn.transaction():
        (row,) = products.lock_states(conn, [("M1", "A1")])
    state = state_from_row(row)
    assert (state.market.your_price, state.market.market_low) == (None, None)
    assert (state.severity, state.policy, state.economics) == ("info", "full", None)
    assert (row.event_time, row.version) == (AT, 2)


def test_a_route_with_an_empty_filter_goes_on_taking_nothing_and_says_so(
    of_before, empty_database_url
):
    conn = of_before("0019")
    for n, name in enumerate(("reaches", "severities", "marketplaces", "tags", "asins"), 1):
        put(conn, "alert_routes", id=n, name=name, **{name: []})
    migrate(empty_database_url)
    found = conn.execute("SELECT name, enabled, trouble FROM alert_routes ORDER BY id").fetchall()
    assert [one[:2] for one in found] == [
        ("reaches", False), ("severities", False), ("marketplaces", False), ("tags", False),
        ("asins", True),  # its trouble was told when its ASINs were none
    ]  # fmt: skip
    assert all("filter" in trouble for _, _, trouble in found[:4])


def test_history_of_before_stays_as_it_is_and_what_comes_is_held_to_more(
    of_before, empty_database_url
):
    conn = of_before("0019")
    conn.execute(
        "CREATE TABLE a_year_of_before PARTITION OF competitive_history"
        " FOR VALUES FROM ('2025-01-01 00:00Z') TO ('2026-01-01 00:00Z')"
    )
    put(conn, "competitive_history", severity="fine", your_price="NaN")
    migrate(empty_database_url)
    assert column(conn, "SELECT severity FROM competitive_history") == ["fine"]
    later = datetime.now(UTC) + timedelta(weeks=60)
    assert ensure_partitions(conn, now=later)
    for at in (AT, datetime.now(UTC), later):  # of before, of the migration, of the hourly task
        with pytest.raises(psycopg.errors.CheckViolation) as refused:
            put(conn, "competitive_history", notification_row_id=2, recorded_at=at, your_price=0)
        assert refused.value.diag.constraint_name == "prices_are_prices"


@pytest.mark.parametrize(
    "told",
    [
        {"severity": "fine"}, {"audience": "everybody"}, {"severity_policy": "strict"},
        {"market_low": 0}, {"prime_low": "NaN"}, {"gap_pct": "-Infinity"},
        {"kind": "health", "your_price": 9}, {"outcome": "rejected", "your_price": 9},
    ],
)  # fmt: skip
def test_history_that_has_no_week_yet_is_mended_so_that_its_week_takes_it(
    of_before, empty_database_url, told
):
    """It lies in the default partition, and moves over in this very migration."""
    conn = of_before("0019")
    now = datetime.now(UTC)
    sound = {"recorded_at": now, "severity": "high", "severity_policy": "mvp", "your_price": 9}
    put(conn, "competitive_history", notification_row_id=2, **sound)
    put(conn, "competitive_history", recorded_at=now, **told)
    migrate(empty_database_url)
    assert column(conn, "SELECT count(*) FROM competitive_history_default") == [0]
    assert conn.execute(
        "SELECT severity, audience, severity_policy, your_price, market_low, gap_pct"
        " FROM competitive_history ORDER BY notification_row_id"
    ).fetchall() == [
        ("info", "consumer", "full", None, None, None),
        ("high", "consumer", "mvp", 9, None, None),
    ]
