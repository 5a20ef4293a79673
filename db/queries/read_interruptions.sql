-- Dispatch: what has interrupted people since a moment, for these marketplaces: it counts towards a
-- burst.
SELECT q.alert_id, q.marketplace_id, q.asin, q.scheduled_at
FROM alert_queues AS q
WHERE q.reach = 'immediate-channels' AND q.dispatched_at IS NOT NULL
  AND q.scheduled_at > %(since)s::timestamptz
  AND q.marketplace_id = ANY (%(marketplaces)s::text[])
ORDER BY q.scheduled_at
