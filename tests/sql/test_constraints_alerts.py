"""What the tables of alerts, deliveries, routes, settings, tokens and requests refuse, whoever writes."""

from __future__ import annotations

import psycopg
import pytest

from tests.true_rows import AT, put, refusing_check
from worker.alerts.settings import LONGEST
from worker.alerts.storing import read_settings

RESOLVED = {
    "attention": "resolved",
    "resolution": "manual",
    "resolved_at": AT,
    "resolved_by": "ann",
}
CLEARED = RESOLVED | {"resolution": "cleared", "resolved_by": "data", "condition": "cleared"}
REVIEWING = {"attention": "reviewing", "acknowledged_by": "ann", "acknowledged_at": AT}
SNOOZED = {"snooze_until": AT, "snoozed_by": "ann"}
SENDING = {"status": "sending", "taken_at": AT, "taken_by": "w1", "attempts": 1}
QUIET = {"quiet_from": "22:00", "quiet_to": "07:00", "quiet_zone": "Europe/London"}
SESSION = {"issued_from": 1, "expires_at": AT}
SOME = {"marketplace_id": None, "marketplace_ids": ["M1", "M1"], "asins": ["A1", "A2"]}
LENGTHS = (
    "clear_hold", "dedupe_window", "repeat_interval", "snooze_max", "escalate_after",
    "escalation_limit", "auto_resolve_after", "flapping_horizon", "burst_window", "batch_every",
)  # fmt: skip
ALERT_TIMES = (
    "looked_at", "first_seen", "last_seen", "last_event_time", "below_critical_since",
    "below_high_since", "below_warning_since", "unknown_since", "still_true_since", "delivered_at",
    "last_told_at", "waiting_since", "timeout_from", "due_at", "unstable_since", "story_told_at",
)  # fmt: skip
ENDS_OF_TIME = ("0001-01-01 00:00Z", "9999-12-31 23:59:59.999999Z")
NO_TIMES = ("infinity", "-infinity", "10000-01-01 00:00Z", "0001-12-31 23:59Z BC")
ABOVE_ZERO = (
    *(name for name in LENGTHS if name not in {"clear_hold", "snooze_max"}),
    "snooze_default",
)

TIMES = [
    *(("alerts", {}, name) for name in ALERT_TIMES),
    ("alerts", RESOLVED, "resolved_at"),
    ("alerts", REVIEWING, "acknowledged_at"),
    ("alerts", SNOOZED, "snooze_until"),
    ("alert_events", {}, "at"),
    *(("alert_queues", {}, name) for name in ("scheduled_at", "snooze_until", "created_at")),
    *(("alert_deliveries", {}, name) for name in ("due_at", "created_at")),
    *(("api_tokens", {}, name)
      for name in ("created_at", "expires_at", "revoked_at", "last_used_at")),
    ("fee_book", {}, "days_until"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("table", "changes"),
    [
        *(("alerts", {"kind": kind})
          for business in ("", "business-")
          for kind in (f"{business}price", f"{business}buy-box-suppressed", f"{business}pricing-health")),
        *(("alerts", {"severity": severity, "flap_peak": severity})
          for severity in ("critical", "high", "warning")),
        *(("alerts", RESOLVED | {"resolution": how}) for how in ("timeout", "manual", "superseded")),
        *(("alerts", changes)
          for changes in ({}, CLEARED, REVIEWING, SNOOZED, {"attention": "delivered"},
                          RESOLVED | {"condition": "cleared"},
                          RESOLVED | {"superseded_by": 2, "supersedes": 0})),
        *(("alerts", {"profit_at_stake_per_day": stake}) for stake in (0, "0.01", None)),
        *((table, changes | {name: time})
          for table, changes, name in TIMES for time in ENDS_OF_TIME),
        ("alert_events", {"told": None, "quiet": "unchanged"}),
        *(("alert_queues", {"queue": queue}) for queue in ("high_priority", "standard", "background")),
        *(("alert_queues", {"reach": reach})
          for reach in ("immediate-channels", "dashboard", "batch", "digest", "history")),
        *(("alert_queues", {"severity": severity})
          for severity in ("critical", "high", "warning", "success", "info", None)),
        *(("alert_queues", {"status": status})
          for status in ("queued", "failed", "snoozed", "suppressed")),
        ("alert_queues", {"status": "delivered", "delivered_at": AT}),
        ("alert_deliveries", SENDING),
        ("alert_deliveries", {"status": "delivered", "delivered_at": AT}),
        *(("alert_deliveries", {"status": status, "next_attempt_at": None})
          for status in ("failed", "cancelled")),
        ("alert_deliveries", {"channel": "dashboard", "next_attempt_at": None}),
        *(("alert_deliveries", {"channel": channel, "reach": reach})
          for channel in ("apprise", "mail") for reach in ("immediate", "digest")),
        ("alert_deliveries", {"attempts": 2, "failures": 2}),
        *(("alert_deliveries", {"error_class": kind})
          for kind in ("transient", "rate-limited", "auth", "refused", "cut-off", "unreadable")),
        ("alert_routes", QUIET),
        ("alert_routes", {"name": "a"}),
        ("api_tokens", {"name": "a"}),
        ("alert_tallies", {"n": 1}),
        ("alert_routes", {"channel": "apprise", "name": "A" + "b" * 62}),
        ("alert_routes", {"name": "9 to_5.x-y", "asins": ["B0CXYZ1234", "B0CXYZ1235"]}),
        ("alert_routes", {"severities": ["critical", "high", "warning", "clear"], "asins": [],
                          "reaches": ["immediate", "batch", "digest"]}),
        ("alert_settings", dict.fromkeys((*LENGTHS, "snooze_default"), "366 days")),
        ("alert_settings", {"clear_hold": "0", "burst_limit": 1, "escalation_levels": 0}),
        *(("alert_settings", {"digest_hour": hour}) for hour in (0, 23)),
        ("alert_settings", {"flapping_enter_pct": 100, "flapping_leave_pct": 0}),
        ("alert_settings", {"snooze_default": "1 hour", "snooze_max": "1 hour"}),
        *(("api_tokens", {"role": role, "name": "v@example.com " + "x" * 49})
          for role in ("viewer", "operator")),
        ("api_tokens", SESSION),
        *(("api_requests", {"key": "k" * length}) for length in (1, 200)),
        *(("reassessments", changes)
          for changes in ({}, SOME, {"seller_id": "S1"}, {"failures": 1, "last_error": "no"})),
    ],
)  # fmt: skip
def test_what_is_true_is_taken(scratch, table, changes):
    put(scratch, table, **changes)


CHECKED = [
    ("alerts", "kind_is_known", {"kind": "weather"}),
    *(("alerts", "severity_is_worth_telling", {"severity": severity})
      for severity in ("success", "info")),
    ("alerts", "condition_is_known", {"condition": "gone"}),
    ("alerts", "attention_is_known", {"attention": "asleep"}),
    ("alerts", "resolution_is_known", RESOLVED | {"resolution": "magic"}),
    *(("alerts", "what_is_open_fires", more | {"condition": "cleared"})
      for more in ({}, {"attention": "delivered"}, REVIEWING)),
    *(("alerts", "an_end_has_a_reason_a_time_and_an_author", RESOLVED | {name: None})
      for name in ("resolution", "resolved_at", "resolved_by")),
    *(("alerts", "an_end_has_a_reason_a_time_and_an_author", {name: RESOLVED[name]})
      for name in ("resolution", "resolved_at", "resolved_by")),
    ("alerts", "only_data_clear", CLEARED | {"condition": "firing"}),
    *(("alerts", "who_reviews_has_a_name", REVIEWING | {name: None})
      for name in ("acknowledged_by", "acknowledged_at")),
    *(("alerts", "what_has_ended_sleeps_and_owes_no_more", RESOLVED | more)
      for more in (SNOOZED, {"owed": "raised"})),
    ("alerts", "a_snooze_has_an_author", {"snooze_until": AT}),
    *(("alerts", "what_took_its_place_came_after", more)
      for more in ({"superseded_by": 1}, {"superseded_by": 0}, {"supersedes": 1}, {"supersedes": 2})),
    ("alerts", "counters_count", {"occurrences": 0}),
    ("alerts", "counters_count", {"escalation_level": -1}),
    ("alerts", "an_unstable_peak_is_an_alert", {"flap_peak": "info"}),
    *(("alerts", "a_stake_is_an_amount", {"profit_at_stake_per_day": stake})
      for stake in (-1, "NaN", "Infinity", "-Infinity")),
    *((table, "times_are_of_the_calendar", changes | {name: time})
      for table, changes, name in TIMES for time in NO_TIMES),
    *(("alert_routes", "no_filter_is_empty", {name: []})
      for name in ("reaches", "severities", "marketplaces", "tags")),
    ("alert_events", "alert_events_who_check", {"who": " "}),
    *(("alert_events", "it_is_told_or_kept_quiet", said)
      for said in ({"told": None}, {"quiet": "unchanged"})),
    *(("alert_tallies", "alert_tallies_n_check", {"n": n}) for n in (0, -1)),
    *(("alert_queues", f"alert_queues_{name}_check", {name: "other"})
      for name in ("queue", "reach", "severity", "status")),
    ("alert_queues", "delivered_has_a_time", {"status": "delivered"}),
    ("alert_queues", "delivered_has_a_time", {"delivered_at": AT}),
    *(("alert_deliveries", f"alert_deliveries_{name}_check", {name: "other"})
      for name in ("channel", "reach", "status", "error_class")),
    ("alert_deliveries", "a_delivered_one_has_a_time", {"status": "delivered"}),
    ("alert_deliveries", "a_delivered_one_has_a_time", {"delivered_at": AT}),
    *(("alert_deliveries", "what_failed_was_attempted", {"failures": failures})
      for failures in (1, -1)),
    *(("alert_deliveries", "what_is_sent_is_in_a_hand", SENDING | {name: None})
      for name in ("taken_at", "taken_by")),
    *(("alert_deliveries", "what_waits_has_a_time", {"channel": channel, "next_attempt_at": None})
      for channel in ("mail", "apprise")),
    *(("alert_routes", "alert_routes_name_check", {"name": name})
      for name in ("", " a", "-a", "a/b", "a\n", "a" * 64)),
    ("alert_routes", "alert_routes_channel_check", {"channel": "dashboard"}),
    ("alert_routes", "alert_routes_severities_check", {"severities": ["critical", "info"]}),
    ("alert_routes", "alert_routes_reaches_check", {"reaches": ["batch", "history"]}),
    ("alert_routes", "alert_routes_min_escalation_check", {"min_escalation": -1}),
    *(("alert_routes", "asins_are_asins", {"asins": asins})
      for asins in (["b0cxyz1234"], ["B0CXYZ1234", None], [""], ["B0CXYZ123"], ["B0CXYZ12345"],
                    ["B0CXYZ1234", "B0CXYZ123"], ["B0CXYZ1234", "B0CXYZ12345"])),
    *(("alert_routes", "quiet_hours_are_whole_or_none", QUIET | {name: None}) for name in QUIET),
    *(("alert_routes", "quiet_hours_are_whole_or_none", {name: QUIET[name]}) for name in QUIET),
    *(("alert_routes", "quiet_hours_are_of_a_clock", QUIET | {name: "24:00"})
      for name in ("quiet_from", "quiet_to")),
    *(("alert_settings", f"alert_settings_{name}_check", {name: length})
      for name in ABOVE_ZERO for length in ("0", "-1 second")),
    ("alert_settings", "alert_settings_clear_hold_check", {"clear_hold": "-1 second"}),
    *(("alert_settings", "lengths_are_a_year_at_most", {name: "367 days"}) for name in LENGTHS),
    ("alert_settings", "a_default_snooze_is_allowed", {"snooze_default": "25 hours"}),
    ("alert_settings", "alert_settings_burst_limit_check", {"burst_limit": 0}),
    ("alert_settings", "alert_settings_escalation_levels_check", {"escalation_levels": -1}),
    *(("alert_settings", "alert_settings_digest_hour_check", {"digest_hour": n}) for n in (-1, 24)),
    ("alert_settings", "alert_settings_flapping_enter_pct_check", {"flapping_enter_pct": 101}),
    ("alert_settings", "alert_settings_flapping_leave_pct_check", {"flapping_leave_pct": -1}),
    ("alert_settings", "the_remark_itself_does_not_flap", {"flapping_leave_pct": 30}),
    *((table, f"{table}_only_row_check", {"only_row": False})
      for table in ("alert_settings", "fee_book", "feed_epoch")),
    *(("api_tokens", "api_tokens_name_check", {"name": name})
      for name in ("", "@ann", "a\n", "a:b", "a" * 64)),
    ("api_tokens", "api_tokens_role_check", {"role": "root"}),
    ("api_tokens", "api_tokens_secret_hash_check", {"secret_hash": b"the secret itself"}),
    ("api_tokens", "a_session_ends", SESSION | {"expires_at": None}),
    *(("api_requests", "api_requests_key_check", {"key": key}) for key in ("", "k" * 201)),
    ("api_requests", "api_requests_request_hash_check", {"request_hash": b"the request"}),
    *(("reassessments", "either_some_products_or_a_marketplace", changes)
      for changes in (
          {"marketplace_id": None},
          {"marketplace_id": None, "seller_id": "S1"},
          SOME | {"marketplace_id": "M1"},
          SOME | {"seller_id": "S1"},
          SOME | {"asins": None},
          SOME | {"marketplace_ids": None},
          SOME | {"asins": ["A1"]},
          {"asins": ["A1"]},
          {"marketplace_ids": ["M1"]},
      )),
    *(("reassessments", "what_failed_says_why", failed)
      for failed in ({"failures": 1}, {"last_error": "no"}, {"failures": -1})),
]  # fmt: skip


@pytest.mark.parametrize(("table", "constraint", "changes"), CHECKED)
def test_what_cannot_be_true_is_refused(scratch, table, constraint, changes):
    assert refusing_check(scratch, table, changes) == constraint


ZONES = {"the_zone_is_known", "the_quiet_zone_is_known"}
"""They fail with the zone's name instead of their own."""


@pytest.mark.parametrize("zone", ["Europe/Lodnon", "", "somewhere"])
@pytest.mark.parametrize(
    ("table", "changes", "column"),
    [("alert_settings", {}, "digest_zone"), ("alert_routes", QUIET, "quiet_zone")],
)
def test_an_hour_of_the_day_is_that_of_a_place_that_is_known(scratch, table, changes, column, zone):
    with pytest.raises(psycopg.errors.InvalidParameterValue, match=f'zone "{zone}"'):
        put(scratch, table, **changes | {column: zone})


@pytest.mark.parametrize("table", sorted({table for table, *_ in CHECKED}))
def test_every_check_is_tried(scratch, table):
    named = scratch.execute(
        "SELECT conname FROM pg_constraint WHERE contype = 'c' AND conrelid = %s::regclass",
        (table,),
    )
    tried = {constraint for tried_table, constraint, _ in CHECKED if tried_table == table}
    assert {name for (name,) in named} - ZONES == tried


def test_no_table_has_checks_that_nobody_tries(scratch):
    """The others are in test_constraints.py and test_catalogue.py."""
    found = scratch.execute(
        """
        SELECT DISTINCT c.relname
        FROM pg_constraint AS o
        JOIN pg_class AS c ON c.oid = o.conrelid
        WHERE o.contype = 'c' AND c.relnamespace = 'public'::regnamespace
          AND NOT c.relispartition AND c.relname !~ '^procrastinate_'
        """
    )
    elsewhere = {
        "worker_notifications", "worker_failures", "current_state", "competitive_history",
        "products", "fee_rules", "seller_terms",
    }  # fmt: skip
    assert {name for (name,) in found} == elsewhere | {table for table, *_ in CHECKED}


@pytest.mark.parametrize(
    "lengths",
    [
        dict.fromkeys((*LENGTHS, "snooze_default"), "1 year 6 days"),
        {"snooze_default": "1 year", "snooze_max": "361 days"},
    ],
)
def test_a_year_that_the_checks_take_for_less_stops_no_alerts(conn, lengths):
    """It has 360 days to Postgres and 365 to Python."""
    told = ", ".join(f"{name} = %({name})s" for name in lengths)
    conn.execute(f"UPDATE alert_settings SET {told}", lengths)
    settings = read_settings(conn)
    assert settings.snooze_default <= settings.snooze_max <= LONGEST
