"""What reads alerts stays fast with a year of them behind: by index, and only what is asked for."""

from __future__ import annotations

import pytest

from db.sql import query
from tests.plans import explain

ENDED, OPEN, EVENTS_EACH, DAYS = 60_000, 300, 3, 365
A_MONTH = ENDED // DAYS * 31
"""How many alerts ended in the days that a view of a month looks at."""

FILL = f"""
INSERT INTO alerts (
    seller_id, marketplace_id, asin, item_condition, kind, severity, attention, resolution,
    resolved_at, resolved_by, first_seen, last_seen, last_event_time, waiting_since
)
SELECT 'A1OWN', 'M' || n % 10, 'B' || lpad(n::text, 9, '0'), 'new', 'price', 'high', 'resolved',
       'manual', t.at, 'ann', t.at, t.at, t.at, t.at
FROM generate_series(1, {ENDED}) AS n,
     LATERAL (SELECT now() - {DAYS} * interval '1 day' * (1 - n / {ENDED}.0) AS at) AS t;

INSERT INTO alerts (
    seller_id, marketplace_id, asin, item_condition, kind, severity,
    first_seen, last_seen, last_event_time, waiting_since
)
SELECT 'A1OWN', 'M' || n % 10, 'C' || lpad(n::text, 9, '0'), 'new', 'price', 'critical',
       now(), now(), now(), now()
FROM generate_series(1, {OPEN}) AS n;

INSERT INTO alert_events (
    alert_id, at, who, change, from_phase, reason, told, quiet, voice_why
)
SELECT a.id, a.first_seen, 'ann', (ARRAY['raised', 'acknowledged', 'resolved'])[n],
       CASE WHEN n > 1 THEN 'high firing/new' END, 'r',
       CASE WHEN n = 1 THEN 'raised' END, CASE WHEN n > 1 THEN 'act-of-a-person' END, 'w'
FROM alerts AS a, generate_series(1, {EVENTS_EACH}) AS n
WHERE a.attention = 'resolved'
ORDER BY a.id, n;

INSERT INTO alert_queues (
    queue, reach, alert_id, fingerprint, marketplace_id, asin, severity, tell, why, scheduled_at,
    status, delivered_at, reason, created_at
)
SELECT 'high_priority', 'dashboard', a.id, a.fingerprint, a.marketplace_id, a.asin, a.severity,
       'raised', 'w', a.first_seen, 'delivered', a.first_seen, 'r', a.first_seen
FROM alerts AS a;

INSERT INTO alert_deliveries (
    route_name, channel, reach, heading, status, delivered_at, reason, created_at, due_at
)
SELECT 'phone', 'apprise', 'immediate', 'h', CASE WHEN q.id % 100 = 0 THEN 'failed' ELSE 'delivered' END,
       CASE WHEN q.id % 100 <> 0 THEN q.created_at END, 'r', q.created_at, q.created_at
FROM alert_queues AS q
ORDER BY q.id;

INSERT INTO alert_delivery_items (delivery_id, queue_id)
SELECT d.id, q.id FROM alert_deliveries AS d JOIN alert_queues AS q ON q.id = d.id;

INSERT INTO alert_tallies (day, what, n)
SELECT current_date - n % {DAYS}, (ARRAY['assessed', 'deduplicated', 'snoozed'])[1 + n % 3], 5
FROM generate_series(1, 50000) AS n;

INSERT INTO products (
    seller_id, marketplace_id, asin, item_condition, fulfilment_channel, currency, title, updated_at
)
SELECT 'A1OWN', 'M' || n % 10, 'C' || lpad(n::text, 9, '0'), 'new', 'amazon', 'GBP', 't', now()
FROM generate_series(1, 20000) AS n;
"""

EVERYONE_S = {"severity": None, "marketplace_id": None, "asin": None, "assignee": None}


def test_active_alerts_are_read_by_the_index_of_the_open_ones(full):
    plan = explain(full, query("list_active_alerts"), {**EVERYONE_S, "max_rows": 1000})
    assert plan.root["Actual Rows"] == OPEN, plan
    assert "alerts" not in plan.scanned, plan
    assert "products" not in plan.scanned, plan
    assert plan.rows_read("alerts") == OPEN, plan
    assert plan.rows_read("products") == OPEN, plan


def test_the_ended_ones_are_read_from_their_end(full):
    plan = explain(full, query("list_ended_alerts"), {**EVERYONE_S, "max_rows": 50})
    assert "alerts_by_end" in plan.indexes, plan
    assert plan.rows_read("alerts") < 200, plan


@pytest.mark.parametrize("name", ["read_alert", "read_alert_trail", "read_alert_messages"])
def test_one_alert_is_read_by_its_id(full, name):
    plan = explain(full, query(name), {"alert_id": 77})
    assert not plan.scanned, plan
    assert plan.buffers < 40, plan


def test_the_funnel_reads_a_month(full):
    plan = explain(full, "SELECT * FROM ops.alert_funnel")
    assert plan.root["Actual Rows"] == 30, plan
    assert not plan.scanned & {"alert_events", "alert_deliveries", "alert_tallies"}, plan
    assert plan.rows_read("alert_events") <= EVENTS_EACH * A_MONTH, plan
    assert plan.rows_read("alert_deliveries") <= A_MONTH + OPEN, plan


def test_the_time_to_acknowledge_reads_a_month(full):
    plan = explain(full, "SELECT * FROM ops.mean_time_to_acknowledge")
    assert "alert_events" not in plan.scanned, plan
    assert plan.rows_read("alert_events") <= 3 * EVENTS_EACH * A_MONTH, plan


def test_the_failures_read_a_week_of_deliveries(full):
    plan = explain(full, "SELECT * FROM ops.delivery_failures")
    assert not plan.scanned & {"alert_deliveries", "alert_queues"}, plan
    assert plan.rows_read("alert_deliveries") <= A_MONTH / 4 + OPEN, plan


@pytest.mark.parametrize("where", ["LIMIT 50", "WHERE alert_id = 77"])
def test_the_trail_is_read_from_its_end_or_by_the_alert(full, where):
    plan = explain(full, f"SELECT * FROM ops.alert_trail {where}")
    assert not plan.scanned, plan
    assert plan.buffers < 400, plan


def test_an_act_touches_what_is_the_alert_s(full):
    """Every statement inside has an index: the whole act reads a few pages."""
    plan = explain(full, "SELECT * FROM buybox_acknowledge_alert(%s, 'ann')", (ENDED + 7,))
    assert plan.root["Actual Rows"] == 1, plan
    plan = explain(full, "SELECT * FROM buybox_snooze_alert(%s, 'ann')", (ENDED + 7,))
    assert plan.buffers < 300, plan
    plan = explain(full, "SELECT * FROM buybox_reopen_alert(%s, 'ann')", (77,))
    assert plan.buffers < 300, plan
