-- What the messages of a stretch of time said of one market, newest first, for telling whether its
-- low is being raced down. A message is never recorded before it happened: old partitions are skipped.
SELECT h.event_time, b.facts::text AS facts
FROM competitive_history AS h
JOIN worker_notifications AS n ON n.id = h.notification_row_id
JOIN notification_bodies AS b
    ON b.notification_id = n.id AND b.received_on = n.received_on
WHERE h.marketplace_id = %(marketplace_id)s::text
  AND h.asin = %(asin)s::text
  AND h.item_condition = %(item_condition)s::text
  AND h.audience = %(audience)s::text
  AND h.seller_id = %(seller_id)s::text
  AND h.kind = 'market'
  AND h.outcome <> 'rejected'
  AND h.event_time BETWEEN %(since)s::timestamptz AND %(until)s::timestamptz
  AND h.recorded_at >= %(since)s::timestamptz
ORDER BY h.event_time DESC
LIMIT %(max_rows)s::integer
