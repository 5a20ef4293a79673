"""What a row must say, what may stay unknown, and what is so unless it says otherwise."""

from __future__ import annotations

import psycopg
import pytest

from tests.true_rows import TRUE, put

MAY_BE_UNKNOWN = {
    "worker_notifications": """
        seller_id marketplace_id asin item_condition event_time publish_time message_id
        notification_id sent_at next_attempt_at last_error outcome severity policy processed_at
        processed_by processing_ms begun
    """,
    "notification_bodies": "facts",
    "worker_failures": "resolved_at resolution message_id notification_row_id",
    "current_state": """
        currency your_price own_price_unknown market_low competitor_low prime_low your_position
        total_offers gap_pct buy_box_winner has_buy_box buy_box_price event_time publish_time
        event_key notification_row_id last_own_price last_own_price_at your_price_changed_at
        winner_seen_at health_issue health_at health_event_key health doubt_reason doubt_since
        margin_at_current_price margin_at_market_low margin_at_prime_low min_viable_price
        min_price_for_margin recommended_price profit_at_stake_per_day daily_sales own_channel
        economics_unknown economics_at last_own_publish_time last_own_event_key
    """,
    "competitive_history": """
        currency your_price own_price_unknown market_low competitor_low prime_low your_position
        total_offers gap_pct buy_box_winner has_buy_box buy_box_price buy_box_sellers
        margin_at_current_price margin_at_market_low margin_at_prime_low min_viable_price
    """,
    "fee_book": "days_until",
    "products": """
        title unit_cost inbound_postage own_postage prep category weight_g size_tier sale_vat_rate
        min_price max_price estimated_daily_sales
    """,
    "fee_rules": """
        seller_id category size_tier weight_up_to_g fulfilment_channel shape price_up_to rate
        amount minimum valid_to
    """,
    "seller_terms": "valid_to",
    "reassessments": "marketplace_ids asins marketplace_id seller_id last_error",
    "alerts": """
        resolution resolved_at resolved_by acknowledged_by acknowledged_at assignee note
        snooze_until snoozed_by looked_at below_critical_since below_high_since below_warning_since
        unknown_since inhibited_by still_true_since delivered_at last_told_at timeout_from owed
        due_at supersedes superseded_by unstable_since flap_peak profit_at_stake_per_day currency
        story_told_at
    """,
    "alert_events": "from_phase to_phase told quiet trace_id",
    "alert_queues": "event_id severity delivered_at snooze_until dispatched_at",
    "alert_routes": """
        severities marketplaces asins tags quiet_from quiet_to quiet_zone trouble
    """,
    "alert_deliveries": """
        route_id next_attempt_at taken_at taken_by error_class last_error message_id delivered_at
        joins_key
    """,
    "api_tokens": "issued_from expires_at revoked_at last_used_at",
    "api_requests": "answer",
}
"""The columns that may be NULL, by table; all others must say something."""

BUT_GIVEN = {
    "worker_notifications": {
        "audience": "consumer", "source_key": "", "receive_count": 1, "attempts": 0,
    },
    "worker_failures": {"failure_count": 1},
    "current_state": {
        "buy_box_sellers": [], "flags": [], "risk_flags": [], "unfollowable": [], "low_points": [],
        "recommendation_code": "unknown", "recommendation_reason": "",
        "economics_unknown": "not assessed yet", "changed_in": "now",
    },
    "competitive_history": {"flags": []},
    "feed_epoch": {"only_row": True},
    "worker_heartbeats": {"details": {}},
    "worker_counters": {"value": 0},
    "products": {"sku": "", "tags": [], "changed_in": "now"},
    "fee_rules": {"applies_to": [], "note": "", "changed_in": "now"},
    "seller_terms": {"wanted_margin": 0, "changed_in": "now"},
    "fee_book": {"only_row": True, "version": 1},
    "reassessments": {
        "done_up_to": "", "settled": False, "due_at": "-infinity", "failures": 0,
        "asked_at": "now", "asked_in": "now",
    },
    "alert_settings": {
        "only_row": True, "clear_hold": "00:05:00", "dedupe_window": "00:30:00",
        "repeat_interval": "04:00:00", "snooze_default": "00:30:00", "snooze_max": "24:00:00",
        "escalate_after": "01:00:00", "escalation_levels": 3, "escalation_limit": "24:00:00",
        "auto_resolve_after": "24:00:00", "flapping_enter_pct": 30, "flapping_leave_pct": 25,
        "flapping_horizon": "02:00:00", "burst_limit": 20, "burst_window": "00:05:00",
        "batch_every": "00:05:00", "digest_hour": 7, "digest_zone": "UTC",
    },
    "alerts": {
        "condition": "firing", "attention": "new", "occurrences": 1, "escalation_level": 0,
        "flap_seen": [], "facts": {}, "trace_id": "", "last_heard": "", "changed_in": "now",
        "updated_at": "now",
    },
    "alert_events": {"ended": []},
    "alert_queues": {"escalation": 0, "status": "queued"},
    "alert_routes": {
        "reaches": ["immediate", "batch"], "min_escalation": 0, "enabled": True,
        "created_at": "now",
    },
    "alert_deliveries": {"attempts": 0, "failures": 0, "status": "queued"},
    "schema_components": {"applied_at": "now"},
}  # fmt: skip
"""What a column says when nothing is said, as JSON has it; "now" is of this very transaction."""

COLUMNS = """
SELECT a.attname, a.atthasdef
FROM pg_attribute AS a
WHERE a.attrelid = %s::regclass AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
"""


def test_every_table_of_ours_is_here(scratch):
    found = scratch.execute(
        """
        SELECT relname
        FROM pg_class
        WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')
          AND NOT relispartition AND relname !~ '^(procrastinate_|alembic_version$)'
        """
    )
    assert {name for (name,) in found} == set(TRUE)


@pytest.mark.parametrize("table", TRUE)
def test_what_is_not_said_is_not_stored(scratch, table):
    refused = set()
    columns = dict(scratch.execute(COLUMNS, (table,)).fetchall())
    for column in columns:
        try:
            with scratch.transaction(force_rollback=True):
                put(scratch, table, **{column: None})
        except psycopg.errors.NotNullViolation as error:
            refused.add(error.diag.column_name)
        except psycopg.errors.CheckViolation:
            pass  # not this row without it; another one may be
    assert set(columns) - refused == set(MAY_BE_UNKNOWN.get(table, "").split())


@pytest.mark.parametrize("table", TRUE)
def test_what_is_so_unless_said_otherwise(scratch, table):
    expected = BUT_GIVEN.get(table, {})
    columns = scratch.execute(COLUMNS, (table,)).fetchall()
    assert {name for name, has_default in columns if has_default} == set(expected)
    given = {name: value for name, value in TRUE[table].items() if name not in expected}
    names = ", ".join(given) or "only_row"
    values = ", ".join(f"%({name})s" for name in given) or "DEFAULT"
    put(scratch, table)  # for what it hangs on
    scratch.execute(f"DELETE FROM {table}")
    row, *moments = scratch.execute(
        f"INSERT INTO {table} AS t ({names}) OVERRIDING SYSTEM VALUE VALUES ({values})"
        " RETURNING to_jsonb(t), to_jsonb(now()), to_jsonb(pg_current_xact_id())",
        given,
    ).fetchone()
    assert {name: "now" if row[name] in moments else row[name] for name in expected} == expected
