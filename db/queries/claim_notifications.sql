-- T2: takes what waits for these products, in event order, and locks it. Whoever comes second for the
-- same product waits here for the first to commit and then finds those rows gone: the guard that
-- holds even when two workers believe to hold the product's lock. The join is LEFT, so that a row
-- whose body was dropped is found and failed instead of waiting for ever.
SELECT n.id, n.product_key, n.seller_id, n.marketplace_id, n.asin, n.item_condition, n.audience,
       n.event_time, n.publish_time, n.event_key, n.attempts, n.trace_id, n.received_at,
       b.facts::text AS facts
FROM worker_notifications AS n
LEFT JOIN notification_bodies AS b
    ON b.notification_id = n.id AND b.received_on = n.received_on
WHERE n.status = 'waiting'
  AND n.product_key = ANY (%(products)s::text[])
  AND (n.next_attempt_at IS NULL OR n.next_attempt_at <= %(now)s::timestamptz)
  AND (%(only_row_id)s::bigint IS NULL OR n.id = %(only_row_id)s::bigint)
ORDER BY n.product_key, n.event_time, n.publish_time, n.event_key
LIMIT %(max_rows)s::integer
FOR UPDATE OF n
