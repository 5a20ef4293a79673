"""How tables that turn over are kept: vacuumed early, with room to change a row where it is.

Nothing fails without these settings; it gets slower by the day (docs/decisions/0012, 0020, 0021).
"""

from __future__ import annotations

EARLY = {"autovacuum_vacuum_scale_factor": "0.02"}
AT_ONCE = {"autovacuum_vacuum_cost_delay": "0"}

KEPT = {
    # A queue turns over completely within minutes: by count, not by share.
    "procrastinate_jobs": AT_ONCE
    | {
        "autovacuum_vacuum_scale_factor": "0",
        "autovacuum_vacuum_threshold": "1000",
        "autovacuum_analyze_scale_factor": "0",
        "autovacuum_analyze_threshold": "5000",
        "fillfactor": "80",
    },
    "procrastinate_events": AT_ONCE
    | {"autovacuum_vacuum_scale_factor": "0", "autovacuum_vacuum_threshold": "2000"},
    # Each row changes once or more often after it was written.
    "worker_notifications": EARLY
    | AT_ONCE
    | {"autovacuum_vacuum_insert_scale_factor": "0.05", "fillfactor": "85"},
    "current_state": EARLY | AT_ONCE | {"fillfactor": "70"},
    "alerts": EARLY | AT_ONCE | {"fillfactor": "80"},
    "worker_heartbeats": {"fillfactor": "50"},
    "alert_queues": EARLY,
    "alert_deliveries": EARLY,
    "reassessments": EARLY | AT_ONCE,
    "products": {
        "autovacuum_vacuum_scale_factor": "0.05",
        "autovacuum_analyze_scale_factor": "0.05",
    },
}


def test_tables_that_turn_over_are_vacuumed_early_and_leave_room(scratch):
    found: dict[str, dict[str, str]] = {}
    for table, option in scratch.execute(
        """
        SELECT relname, unnest(reloptions)
        FROM pg_class
        WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')
        """
    ).fetchall():
        name, _, value = option.partition("=")
        found.setdefault(table, {})[name] = value
    assert found == KEPT
