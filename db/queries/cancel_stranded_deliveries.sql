-- Courier: cancels what waits for a route that is off or gone. The messages are locked before their
-- deliveries, as in people's acts.
UPDATE alert_deliveries AS d
SET status = 'cancelled', reason = %(reason)s::text, next_attempt_at = NULL
WHERE d.status = 'queued'
  AND d.id = ANY (ARRAY(
      SELECT i.delivery_id
      FROM (
          SELECT w.id
          FROM alert_routes AS r
          JOIN alert_deliveries AS w ON w.route_id = r.id AND w.status = 'queued'
          WHERE NOT r.enabled
          UNION ALL
          SELECT w.id FROM alert_deliveries AS w WHERE w.route_id IS NULL AND w.status = 'queued'
      ) AS stranded
      JOIN alert_delivery_items AS i ON i.delivery_id = stranded.id
      JOIN alert_queues AS q ON q.id = i.queue_id
      ORDER BY q.id
      FOR UPDATE OF q
  ))
RETURNING d.id
