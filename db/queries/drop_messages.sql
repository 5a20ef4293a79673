-- What waits to be told of alerts that have ended otherwise is old news. What is on its way already
-- goes out.
UPDATE alert_queues AS q
SET status = 'suppressed',
    reason = %(reason)s::text
WHERE q.alert_id = ANY (%(alert_ids)s::bigint[])
  AND q.status = 'queued'
  AND q.dispatched_at IS NULL
