-- Cancels what waits for a route. The messages are locked before their deliveries, as in people's
-- acts.
UPDATE alert_deliveries AS d
SET status = 'cancelled', reason = %(reason)s::text, next_attempt_at = NULL
WHERE d.status = 'queued'
  AND d.id = ANY (ARRAY(
      SELECT i.delivery_id
      FROM alert_deliveries AS w
      JOIN alert_delivery_items AS i ON i.delivery_id = w.id
      JOIN alert_queues AS q ON q.id = i.queue_id
      WHERE w.route_id = %(route_id)s::bigint AND w.status = 'queued'
      ORDER BY q.id
      FOR UPDATE OF q
  ))
RETURNING d.id
