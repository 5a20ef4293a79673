"""The statements of dispatch and courier read what they return, with a year of deliveries behind them."""

from __future__ import annotations

from db.sql import query
from tests.delivery import NOW
from tests.factories import GB, OWN_SELLER
from tests.plans import explain

ALERTS, DELIVERIES = 20_000, 50_000

FILL = f"""
INSERT INTO alerts (
    seller_id, marketplace_id, asin, item_condition, kind, severity, first_seen, last_seen,
    last_event_time, waiting_since, attention, condition, resolution, resolved_at, resolved_by
)
SELECT '{OWN_SELLER}', '{GB}', 'B1' || lpad(n::text, 8, '0'), 'new', 'price', 'critical',
       t.at, t.at, t.at, t.at, 'resolved', 'cleared', 'cleared', t.at, 'data'
FROM generate_series(1, {ALERTS}) AS n
CROSS JOIN LATERAL (SELECT timestamptz '{NOW}' - n * interval '20 minutes' AS at) AS t;

INSERT INTO alert_queues (
    queue, reach, alert_id, fingerprint, marketplace_id, asin, severity, tell, why, scheduled_at,
    status, delivered_at, dispatched_at, reason, created_at
)
SELECT 'high_priority', 'immediate-channels', a.id, a.fingerprint, a.marketplace_id, a.asin,
       'critical', 'raised', 'w', a.first_seen, 'delivered', a.first_seen, a.first_seen, 'r',
       a.first_seen
FROM alerts AS a;
INSERT INTO alert_queues (
    queue, reach, alert_id, fingerprint, marketplace_id, asin, severity, tell, why, scheduled_at,
    reason, created_at
)
SELECT 'background', 'history', a.id, a.fingerprint, a.marketplace_id, a.asin, 'success', 'x', 'w',
       timestamptz '{NOW}' - interval '1 day', 'r', a.first_seen
FROM alerts AS a;
INSERT INTO alert_queues (
    queue, reach, alert_id, fingerprint, marketplace_id, asin, severity, tell, why, scheduled_at,
    reason, created_at
)
SELECT 'high_priority', 'immediate-channels', a.id, a.fingerprint, a.marketplace_id, a.asin,
       'critical', 'raised', 'w', timestamptz '{NOW}', 'r', timestamptz '{NOW}'
FROM alerts AS a WHERE a.id % 2000 = 0;

INSERT INTO alert_routes (name, channel, url_encrypted, url_masked, created_by)
SELECT 'r' || n, 'apprise', 'x', 'x', 'test' FROM generate_series(1, 5) AS n;
INSERT INTO alert_deliveries (
    route_id, route_name, channel, reach, heading, status, reason, attempts, next_attempt_at, due_at,
    created_at, delivered_at, joins_key
)
SELECT 1 + n % 5, 'r', 'apprise', 'immediate', 'h',
       CASE WHEN n <= 5000 THEN 'queued' ELSE 'delivered' END, 'r', 1,
       CASE WHEN n <= 5000 THEN t.at END, t.at, t.at, CASE WHEN n > 5000 THEN t.at END,
       CASE WHEN n % 10 = 0 THEN 'burst {GB}' END
FROM generate_series(1, {DELIVERIES}) AS n
CROSS JOIN LATERAL (SELECT timestamptz '{NOW}' - n * interval '10 minutes' AS at) AS t;
INSERT INTO alert_delivery_items (delivery_id, queue_id)
SELECT d.id, 1 + d.id % {ALERTS} FROM alert_deliveries AS d;
"""


def test_due_messages_are_found_among_all_and_history_is_not_in_their_way(full):
    plan = explain(full, query("take_due_messages"), {"now": NOW, "max_messages": 500})
    assert plan.root["Actual Rows"] == 10, plan
    assert "alert_queues_due" in plan.indexes, plan
    assert plan.rows_read("alert_queues") == 10, plan
    assert not plan.scanned & {"alerts", "alert_queues", "products"}, plan


def test_whether_more_is_due_reads_next_to_nothing(full):
    plan = explain(full, query("check_due_messages"), {"now": NOW, "taken": []})
    assert plan.buffers < 20, plan


def test_the_routes_are_listed_without_what_they_have_delivered(full):
    full.execute(
        "UPDATE alert_deliveries SET status = 'sending', taken_at = now(), taken_by = 'w'"
        " WHERE id = (SELECT min(id) FROM alert_deliveries WHERE status = 'queued')"
    )
    plan = explain(full, query("list_routes"))
    assert "alert_deliveries" not in plan.scanned, plan
    assert plan.rows_read("alert_deliveries") <= 5000, plan
    assert [row[-1] for row in full.execute(query("list_routes"))] == [1000] * 5


def test_history_is_taken_a_piece_at_a_time(full):
    plan = explain(full, query("finish_history"), {"now": NOW, "max_messages": 100})
    assert "alert_queues_history_due" in plan.indexes, plan
    assert plan.rows_read("alert_queues") <= 200, plan


def test_what_interrupted_a_moment_ago_is_read_and_nothing_older(full):
    since = {"since": NOW.replace(hour=11), "marketplaces": [GB]}
    plan = explain(full, query("read_interruptions"), since)
    assert "alert_queues_interrupting" in plan.indexes, plan
    assert plan.rows_read("alert_queues") <= 5, plan


def test_what_gathers_is_read_and_nothing_older(full):
    since = {"since": NOW.replace(hour=10), "now": NOW, "routes": [1, 2, 3, 4, 5]}
    plan = explain(full, query("read_gatherings"), since)
    assert "alert_deliveries_gathering" in plan.indexes, plan
    assert plan.rows_read("alert_deliveries") <= 20, plan


def test_the_next_delivery_is_found_without_reading_the_line_behind_it(full):
    plan = explain(full, query("find_due_delivery"), {"now": NOW})
    assert plan.root["Actual Rows"] == 1, plan
    assert "alert_deliveries_waiting" in plan.indexes, plan
    assert plan.rows_read("alert_deliveries") <= 10, plan


def test_a_delivery_is_taken_and_its_messages_read_by_key(full):
    take = explain(full, query("take_delivery"), {"id": 7, "who": "w", "now": NOW})
    assert take.rows_read("alert_deliveries") == 1, take
    items = explain(full, query("read_delivery_items"), {"delivery_id": 7})
    assert items.root["Actual Rows"] == 1, items
    assert not items.scanned & {"alerts", "alert_queues", "alert_delivery_items"}, items


def test_lost_deliveries_are_looked_for_among_those_on_their_way_only(full):
    full.execute(
        "UPDATE alert_deliveries SET status = 'sending', taken_by = 'w', taken_at = %s,"
        " next_attempt_at = NULL WHERE id = 7",
        (NOW.replace(hour=1),),
    )
    plan = explain(
        full,
        query("put_back_deliveries"),
        {"now": NOW, "again_at": NOW, "lost_after": "1 minute", "max_attempts": 8},
    )
    assert plan.root["Actual Rows"] == 1, plan
    assert "one_delivery_a_route_at_a_time" in plan.indexes, plan
    assert plan.rows_read("alert_deliveries") <= 3, plan


def test_what_waits_for_routes_that_went_is_found_without_reading_what_waits_for_others(full):
    plan = explain(full, query("cancel_stranded_deliveries"), {"reason": "r"})
    assert plan.rows_read("alert_deliveries") == 0, plan
    assert "alert_deliveries_waiting" in plan.indexes, plan
    assert not plan.scanned & {"alert_deliveries", "alert_delivery_items", "alert_queues"}, plan
    full.execute("UPDATE alert_deliveries SET route_id = NULL WHERE id = 7")
    full.execute("UPDATE alert_deliveries SET route_id = 5 WHERE id <= 5000 AND route_id = 4")
    full.execute("UPDATE alert_deliveries SET route_id = 4 WHERE id = 8")
    full.execute("UPDATE alert_routes SET enabled = false WHERE id = 4")
    plan = explain(full, query("cancel_stranded_deliveries"), {"reason": "r"})
    assert plan.root["Actual Rows"] == 2, plan
    assert plan.rows_read("alert_deliveries") <= 10, plan


def test_what_healed_since_the_last_digest_is_read_by_its_end(full):
    plan = explain(
        full,
        query("read_healed"),
        {"route_id": 1, "not_before": NOW.replace(hour=2), "until": NOW, "max_alerts": 500},
    )
    assert "alerts_by_end" in plan.indexes, plan
    assert plan.rows_read("alerts") <= 40, plan


def test_messages_of_a_failed_delivery_are_found_by_key(full):
    plan = explain(full, query("fail_messages"), {"deliveries": [7]})
    assert "alert_queues" not in plan.scanned, plan
    assert "alert_deliveries" not in plan.scanned, plan


def test_the_messages_of_one_alert_are_read_with_their_deliveries_and_no_others(full):
    plan = explain(full, query("read_alert_messages"), {"alert_id": 7})
    assert {"alert_queues_of_an_alert", "alert_delivery_items_of_a_message"} <= plan.indexes, plan
    assert plan.rows_read("alert_deliveries") <= 10, plan
    assert not plan.scanned, plan


def test_what_failed_in_the_last_week_is_read_without_the_year_before(full):
    plan = explain(full, "SELECT * FROM ops.delivery_failures")
    assert "alert_deliveries_by_time" in plan.indexes, plan
    assert "alert_deliveries" not in plan.scanned, plan
