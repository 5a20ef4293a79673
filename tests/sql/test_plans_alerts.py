"""The hot statements of the alerts read what they return, with 100,000 alerts in the table."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from db.sql import query
from tests.factories import GB, OWN_SELLER
from tests.plans import explain, prepared

SUBJECTS, ENDED_EACH = 20_000, 4
NOW = datetime(2026, 3, 1, tzinfo=UTC)

FILL = f"""
INSERT INTO alerts (
    seller_id, marketplace_id, asin, item_condition, kind, severity, attention, resolution,
    resolved_at, resolved_by, first_seen, last_seen, last_event_time, waiting_since, due_at
)
SELECT '{OWN_SELLER}', '{GB}', 'B2' || lpad(n::text, 8, '0'), 'new', 'price', 'high',
       CASE WHEN round <= {ENDED_EACH} THEN 'resolved' ELSE 'new' END,
       CASE WHEN round <= {ENDED_EACH} THEN 'manual' END,
       CASE WHEN round <= {ENDED_EACH} THEN now() END,
       CASE WHEN round <= {ENDED_EACH} THEN 'ann' END,
       now(), now(), now(), now(),
       CASE WHEN round > {ENDED_EACH} THEN timestamptz '2026-03-01' + (n - 50) * interval '1 minute' END
FROM generate_series(1, {ENDED_EACH} + 1) AS round, generate_series(1, {SUBJECTS}) AS n
ORDER BY round, n;
"""


def keys(count):
    return [f"{OWN_SELLER}|{GB}|B2{n:08d}|new|price" for n in range(1, count + 1)]


@pytest.mark.parametrize("count", [1, 65, 300])
def test_the_newest_alert_of_a_subject_is_found_without_its_history(full, count):
    unknown = [f"{key}|other" for key in keys(count)]
    plan = explain(full, query("lock_newest_alerts"), {"subject_keys": keys(count) + unknown})
    assert plan.root["Actual Rows"] == count, plan
    assert "alerts_newest_of_a_subject" in plan.indexes, plan
    assert plan.rows_read("alerts") == count, plan


def test_the_newest_alert_is_found_by_its_index_with_a_generic_plan_too(full):
    statement = prepared(full, "lock_newest_alerts", {"subject_keys": "text[]"})
    plan = explain(full, statement.format(f"ARRAY['{keys(1)[0]}']"))
    assert plan.rows_read("alerts") == 1, plan


def test_what_is_due_is_found_without_what_is_not(full):
    plan = explain(full, query("lock_due_alerts"), {"now": NOW, "max_alerts": 200})
    assert plan.root["Actual Rows"] == 50, plan
    assert "alerts_due" in plan.indexes, plan
    assert plan.rows_read("alerts") == 50, plan
