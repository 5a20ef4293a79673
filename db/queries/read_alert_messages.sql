-- Every message about one alert with each of its deliveries, in order; a message without any has a
-- row too.
SELECT q.id, q.event_id, q.queue, q.reach, q.tell, q.why, q.escalation, q.scheduled_at,
       q.dispatched_at, q.delivered_at, q.snooze_until, q.status, q.reason,
       d.id AS delivery_id, d.route_name, d.channel, d.status AS delivery_status,
       d.reason AS delivery_reason, d.attempts, d.next_attempt_at, d.error_class, d.last_error,
       d.delivered_at AS arrived_at,
       (SELECT count(*) FROM alert_delivery_items AS o WHERE o.delivery_id = d.id) AS items
FROM alert_queues AS q
LEFT JOIN alert_delivery_items AS i ON i.queue_id = q.id
LEFT JOIN alert_deliveries AS d ON d.id = i.delivery_id
WHERE q.alert_id = %(alert_id)s::bigint
ORDER BY q.id, d.id
