-- Dispatch: deliveries of these routes that gather messages, or have done so since a moment. They
-- are locked: the courier can't take one away while messages join it.
SELECT d.id, d.route_id, d.joins_key, d.due_at,
       d.status = 'queued' AND d.attempts = 0 AND d.due_at > %(now)s::timestamptz AS is_open
FROM alert_deliveries AS d
WHERE d.joins_key IS NOT NULL
  AND d.route_id = ANY (%(routes)s::bigint[])
  AND d.due_at > %(since)s::timestamptz
ORDER BY d.id
FOR UPDATE SKIP LOCKED
