-- What waits for a route is not sent any more.
UPDATE alert_deliveries AS d
SET status = 'cancelled', reason = %(reason)s::text, next_attempt_at = NULL
WHERE d.route_id = %(route_id)s::bigint AND d.status = 'queued'
RETURNING d.id
