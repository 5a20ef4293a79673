CREATE VIEW ops.delivery_failures AS
SELECT d.id,
       d.created_at,
       d.route_name,
       d.channel,
       d.reach,
       d.heading,
       d.status,
       d.attempts,
       d.failures,
       d.next_attempt_at,
       d.error_class,
       d.last_error,
       d.reason,
       r.trouble AS route_trouble,
       ARRAY(
           SELECT DISTINCT q.alert_id
           FROM alert_delivery_items AS i
           JOIN alert_queues AS q ON q.id = i.queue_id
           WHERE i.delivery_id = d.id
           ORDER BY q.alert_id
       ) AS alert_ids
FROM alert_deliveries AS d
LEFT JOIN alert_routes AS r ON r.id = d.route_id
WHERE d.created_at > now() - interval '7 days'
  AND (d.status = 'failed' OR (d.status IN ('queued', 'sending') AND d.last_error IS NOT NULL))
ORDER BY d.created_at DESC, d.id DESC;
COMMENT ON VIEW ops.delivery_failures IS
    'Open it when somebody was not told: what did not arrive in the last seven days, why, and whether
it is tried again ("queued", with the time) or given up ("failed"). route_trouble is yours to mend.';
