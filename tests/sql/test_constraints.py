"""What the tables themselves refuse, whoever writes."""

from __future__ import annotations

import psycopg
import pytest

from tests.true_rows import AT, KNOWN_ECONOMICS, put, refusing_check

PROCESSED = {
    "status": "processed",
    "processed_at": AT,
    "outcome": "applied",
    "severity": "info",
    "policy": "full",
}
UNKNOWN_PRICE = {
    "severity": "info", "your_price": None, "your_position": None, "own_price_unknown": "not seen",
}  # fmt: skip
SEVERITIES = ("critical", "high", "warning", "success", "info")
NO_NUMBERS = ("NaN", "Infinity", "-Infinity")
MARGINS = ("margin_at_current_price", "margin_at_market_low", "margin_at_prime_low")
HISTORY_PRICES = (
    "your_price", "market_low", "competitor_low", "prime_low", "buy_box_price", "min_viable_price",
)  # fmt: skip
STATE_TIMES = (
    "event_time", "publish_time", "last_own_price_at", "last_own_publish_time",
    "your_price_changed_at", "winner_seen_at", "doubt_since", "economics_at",
)  # fmt: skip
NO_TIMES = ("infinity", "-infinity", "10000-01-01 00:00Z", "0001-12-31 23:59Z BC")
TABLES = ("worker_notifications", "current_state", "worker_failures", "competitive_history")


@pytest.mark.parametrize(
    ("table", "changes"),
    [
        *((table, {}) for table in TABLES),
        *((table, {"audience": "business"})
          for table in ("worker_notifications", "current_state", "competitive_history")),
        *(("worker_notifications", PROCESSED | {"outcome": outcome})
          for outcome in ("applied", "late", "rejected")),
        *(("worker_notifications", PROCESSED | {"severity": severity}) for severity in SEVERITIES),
        *(("worker_notifications", {"status": status, "seller_id": None, "asin": None})
          for status in ("ignored", "failed")),
        ("worker_notifications", {"notification_id": None, "message_id": None}),
        *(("current_state", {"severity": severity}) for severity in SEVERITIES),
        ("current_state", UNKNOWN_PRICE),
        ("current_state", UNKNOWN_PRICE | {"own_price_unknown": None, "event_time": None}),
        ("current_state", UNKNOWN_PRICE | {"market_low": None, "currency": None}),
        ("current_state", {"health_issue": "x", "health_at": AT, "health": "{}"}),
        ("current_state", dict.fromkeys(
            ("your_price", "market_low", "competitor_low", "prime_low"), "0.01")),
        ("current_state", {"risk_flags": [
            "below-cost", "margin-squeeze", "race-to-bottom", "dead-zone", "map-breach"]}),
        *(("current_state", {"own_channel": channel}) for channel in ("amazon", "merchant")),
        ("current_state", {"economics_unknown": "no costs", "daily_sales": 0}),
        ("current_state", KNOWN_ECONOMICS),
        ("current_state", KNOWN_ECONOMICS | dict.fromkeys(
            ("min_viable_price", "min_price_for_margin", "recommended_price"), "0.01")),
        *(("current_state", {"severity_policy": policy}) for policy in ("full", "mvp")),
        ("current_state", {"buy_box_price": "0.01", "last_own_price": "0.01", "gap_pct": 0}),
        ("current_state", KNOWN_ECONOMICS | {"margin_at_current_price": -900}),
        *(("current_state", {name: time}) for name in STATE_TIMES
          for time in ("0001-01-01 00:00Z", "9999-12-31 23:59:59.999999Z")),
        *(("competitive_history", {"kind": "health", "outcome": outcome})
          for outcome in ("applied", "late", "rejected")),
        *(("competitive_history", {"severity": severity}) for severity in SEVERITIES),
        *(("competitive_history", {"severity_policy": policy}) for policy in ("full", "mvp")),
        *(("competitive_history", {"outcome": outcome} | dict.fromkeys(HISTORY_PRICES, "0.01"))
          for outcome in ("applied", "late")),
        ("competitive_history", {"outcome": "rejected"}),
        ("competitive_history", {"gap_pct": 0} | dict.fromkeys(MARGINS, -900)),
        ("worker_failures", {"resolved_at": AT, "resolution": "redriven"}),
        ("worker_failures", {"stage": "analysis", "notification_row_id": 1}),
    ],
)  # fmt: skip
def test_what_is_true_is_taken(scratch, table, changes):
    put(scratch, table, **changes)


CHECKED = [
    ("worker_notifications", "status_is_known", {"status": "lost"}),
    ("worker_notifications", "audience_is_known", {"audience": "everybody"}),
    ("worker_notifications", "outcome_is_known", PROCESSED | {"outcome": "maybe"}),
    ("worker_notifications", "severity_is_known", PROCESSED | {"severity": "fine"}),
    *(
        ("worker_notifications", "waiting_has_a_subject", {name: None})
        for name in ("seller_id", "marketplace_id", "asin", "item_condition", "event_time")
    ),
    ("worker_notifications", "processed_says_when_and_how", PROCESSED | {"outcome": None}),
    ("worker_notifications", "processed_says_when_and_how", PROCESSED | {"processed_at": None}),
    ("worker_notifications", "processed_says_when_and_how", PROCESSED | {"status": "waiting"}),
    ("worker_notifications", "body_hash_is_sha256", {"body_hash": b"short"}),
    ("worker_notifications", "begun_is_a_count", {"begun": 0}),
    ("current_state", "severity_is_known", {"severity": "fine"}),
    ("current_state", "audience_is_known", {"audience": "everybody"}),
    *(
        ("current_state", "prices_are_prices", {name: price})
        for name in ("your_price", "market_low", "competitor_low", "prime_low")
        for price in (0, -1)
    ),
    ("current_state", "prices_have_a_currency", {"currency": None}),
    ("current_state", "unknown_own_price_has_a_reason",
     {"severity": "info", "your_price": None, "your_position": None}),
    ("current_state", "unknown_own_price_has_a_reason", {"own_price_unknown": "no idea"}),
    *(
        ("current_state", "unknown_own_offer_is_info",
         {"severity": severity, "your_price": None, "your_position": None,
          "own_price_unknown": "outside the offers sent"})
        for severity in ("critical", "high", "warning", "success")
    ),
    ("current_state", "position_needs_an_own_price",
     {"severity": "info", "your_price": None, "own_price_unknown": "outside the offers sent"}),
    ("current_state", "health_is_whole", {"health_issue": "BuyBoxDisqualification"}),
    ("current_state", "health_is_whole", {"health_at": AT, "health": "{}"}),
    ("current_state", "version_counts_from_one", {"version": 0}),
    *(
        ("current_state", "unknown_economics_say_nothing", {name: value})
        for name, value in (KNOWN_ECONOMICS | {"unfollowable": '[{"seller": "S"}]'}).items()
        if name not in {"economics_unknown", "economics_at", "recommended_price", "daily_sales"}
    ),
    ("current_state", "unknown_economics_say_nothing", {"margin_at_prime_low": 1}),
    *(
        ("current_state", "known_economics_say_all", KNOWN_ECONOMICS | changes)
        for changes in (
            {"economics_at": None},
            {"margin_at_current_price": None},
            {"margin_at_market_low": None},
            {"margin_at_prime_low": 10},
            {"event_time": None},
        )
    ),
    ("current_state", "unknown_economics_have_a_reason", {"economics_unknown": " "}),
    ("current_state", "nothing_recommended_loses_money",
     KNOWN_ECONOMICS | {"recommended_price": 4}),
    ("current_state", "a_price_is_recommended_where_one_works",
     KNOWN_ECONOMICS | {"min_viable_price": None}),
    ("current_state", "wanted_margin_is_not_below_none",
     KNOWN_ECONOMICS | {"min_price_for_margin": 4}),
    ("current_state", "economic_prices_are_prices", KNOWN_ECONOMICS | {"min_viable_price": 0}),
    ("current_state", "economic_prices_are_prices", KNOWN_ECONOMICS
     | {"min_viable_price": None, "recommended_price": None, "min_price_for_margin": 0}),
    ("current_state", "stakes_and_sales_are_not_negative",
     KNOWN_ECONOMICS | {"profit_at_stake_per_day": -1}),
    ("current_state", "stakes_and_sales_are_not_negative", {"daily_sales": -1}),
    ("current_state", "risk_flags_are_known", {"risk_flags": ["rain"]}),
    ("current_state", "own_channel_is_known", {"own_channel": "pigeon"}),
    ("worker_failures", "stage_is_known", {"stage": "somewhere", "notification_row_id": 1}),
    ("worker_failures", "analysis_failures_have_a_notification", {"stage": "analysis"}),
    ("worker_failures", "resolved_says_how", {"resolved_at": AT}),
    ("worker_failures", "resolved_says_how", {"resolution": "redriven"}),
    ("current_state", "policy_is_known", {"severity_policy": "strict"}),
    *(
        ("current_state", "seen_prices_are_prices", {name: price})
        for name in ("buy_box_price", "last_own_price")
        for price in (0, -1)
    ),
    *(
        ("current_state", "amounts_are_finite", KNOWN_ECONOMICS | {name: number})
        for name in ("your_price", "market_low", "competitor_low", "buy_box_price", "last_own_price",
                     "min_price_for_margin", "recommended_price", "profit_at_stake_per_day",
                     "daily_sales", "gap_pct", "margin_at_current_price", "margin_at_market_low")
        for number in ("NaN", "Infinity")
    ),
    ("current_state", "amounts_are_finite", {"prime_low": "NaN"}),
    ("current_state", "amounts_are_finite", KNOWN_ECONOMICS | {
        "prime_low": 10, "margin_at_prime_low": "NaN"}),
    ("current_state", "amounts_are_finite", KNOWN_ECONOMICS | dict.fromkeys(
        ("min_viable_price", "min_price_for_margin", "recommended_price"), "NaN")),
    *(
        ("current_state", "amounts_are_finite",
         KNOWN_ECONOMICS | {"prime_low": 10, "margin_at_prime_low": 1, name: "-Infinity"})
        for name in ("gap_pct", *MARGINS)
    ),
    *(
        ("current_state", "times_are_of_the_calendar", {name: time})
        for name in STATE_TIMES for time in NO_TIMES
    ),
    *(
        ("current_state", "times_are_of_the_calendar",
         {"health_issue": "x", "health_at": time, "health": "{}"})
        for time in NO_TIMES
    ),
    ("competitive_history", "severity_is_known", {"severity": "fine"}),
    ("competitive_history", "audience_is_known", {"audience": "everybody"}),
    ("competitive_history", "policy_is_known", {"severity_policy": "strict"}),
    *(
        ("competitive_history", "prices_are_prices", {name: price})
        for name in HISTORY_PRICES for price in (0, -1, *NO_NUMBERS)
    ),
    *(
        ("competitive_history", "shares_are_numbers", {name: number})
        for name in ("gap_pct", *MARGINS) for number in NO_NUMBERS
    ),
    *(
        ("competitive_history", "only_a_market_that_is_believed_has_prices", said | {name: 1})
        for name in HISTORY_PRICES for said in ({"kind": "health"}, {"outcome": "rejected"})
    ),
    ("competitive_history", "kind_is_known", {"kind": "weather"}),
    ("competitive_history", "outcome_is_known", {"outcome": "maybe"}),
]  # fmt: skip


@pytest.mark.parametrize(("table", "constraint", "changes"), CHECKED)
def test_what_cannot_be_true_is_refused(scratch, table, constraint, changes):
    assert refusing_check(scratch, table, changes) == constraint


def test_every_check_is_tried(scratch):
    named = scratch.execute(
        "SELECT conname FROM pg_constraint WHERE contype = 'c' AND conrelid::regclass::text = ANY(%s)",
        (list(TABLES),),
    )
    assert {name for (name,) in named} == {constraint for _, constraint, _ in CHECKED}


DIFFERENT = {"message_id": "m2", "body_hash": b"\x02" * 32, "notification_id": "n2"}


@pytest.mark.parametrize("known", list(DIFFERENT))
def test_each_dedupe_key_alone_is_enough(scratch, known):
    put(scratch, "worker_notifications")
    others = {name: value for name, value in DIFFERENT.items() if name != known}
    with pytest.raises(psycopg.errors.UniqueViolation) as refused:
        put(scratch, "worker_notifications", **others)
    assert refused.value.diag.constraint_name == f"worker_notifications_{known}_key"


@pytest.mark.parametrize(
    "scope", [{"source_key": "other"}, {"notification_type": "PRICING_HEALTH"}]
)
def test_a_notification_id_counts_within_its_scope_and_type(scratch, scope):
    put(scratch, "worker_notifications")
    put(scratch, "worker_notifications", **DIFFERENT | {"notification_id": "n1"} | scope)


def test_a_dead_letter_is_one_row_a_stage_and_body(scratch):
    put(scratch, "worker_failures")
    put(scratch, "worker_failures", stage="analysis", notification_row_id=1)
    with pytest.raises(psycopg.errors.UniqueViolation):
        put(scratch, "worker_failures", error_type="another")


def test_a_feed_has_one_epoch(scratch):
    with pytest.raises(psycopg.errors.UniqueViolation):
        scratch.execute(
            "INSERT INTO feed_epoch (epoch, system_identifier, started_at) VALUES ('e', 1, now())"
        )


def test_a_feed_has_no_second_row(scratch):
    with pytest.raises(psycopg.errors.CheckViolation):
        scratch.execute(
            "INSERT INTO feed_epoch (only_row, epoch, system_identifier, started_at) "
            "VALUES (false, 'e', 1, now())"
        )


def test_null_ids_never_count_as_the_same(scratch):
    put(scratch, "worker_notifications", message_id=None, notification_id=None)
    different = {"message_id": None, "notification_id": None, "body_hash": b"\x02" * 32}
    put(scratch, "worker_notifications", **different)


@pytest.mark.parametrize("queue", ["analysis", "maintenance"])
def test_a_job_that_is_deleted_leaves_its_periodic_task_without_one(conn, queue):
    """procrastinate's own rule for every queue, kept by its foreign key."""
    ids = conn.execute(
        """
        SELECT procrastinate_defer_jobs_v1(ARRAY[
            ROW (%s, 'sweep', 0, NULL, NULL, '{}', NULL)::procrastinate_job_to_defer_v1])
        """,
        (queue,),
    ).fetchone()
    conn.execute(
        "INSERT INTO procrastinate_periodic_defers (task_name, defer_timestamp, job_id)"
        " VALUES ('sweep', 1, %s)",
        ids[0],
    )
    conn.execute("DELETE FROM procrastinate_jobs WHERE id = ANY (%s)", ids)
    left = conn.execute("SELECT task_name, job_id FROM procrastinate_periodic_defers").fetchall()
    assert left == [("sweep", None)]
