-- Courier: what a delivery says, namely its messages with their alerts as they are now.
SELECT q.id AS queue_id, q.status, q.tell, q.why, q.severity, q.escalation, q.created_at,
       a.id AS alert_id, a.marketplace_id, a.asin, a.item_condition, a.kind,
       a.attention, a.resolution, a.resolved_at, a.acknowledged_by, a.acknowledged_at,
       a.snooze_until, a.first_seen, a.still_true_since, a.last_seen, a.occurrences, a.facts,
       a.profit_at_stake_per_day, a.currency
FROM alert_delivery_items AS i
JOIN alert_queues AS q ON q.id = i.queue_id
JOIN alerts AS a ON a.id = q.alert_id
WHERE i.delivery_id = %(delivery_id)s::bigint
ORDER BY q.created_at, q.id
