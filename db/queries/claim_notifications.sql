-- T2: takes what waits for these products, in event order, and locks it. Whoever comes second for
-- the same product waits here until the first commits, and then finds those rows gone: the guard
-- that holds even when two workers believe that they hold the product's lock. Each product is asked
-- for by itself, so that the plan stays one index range per product, and none of them fills the
-- transaction alone. The rows are chosen in the order of the products given and locked in the order
-- of their keys: two who want the same products queue instead of deadlocking. The status is checked
-- after the lock (OFFSET 0 keeps it there), so that no partial index can be mistaken for a way to
-- find the chosen rows. The join is LEFT, so that a row whose body was dropped is found and failed
-- instead of waiting for ever. A row is due if it is due by either clock: a failed one is woken by
-- the database's, and only once.
SELECT n.id, n.seller_id, n.marketplace_id, n.asin, n.item_condition, n.audience, n.event_time,
       n.publish_time, n.event_key, n.attempts, n.trace_id, b.facts::text AS facts
FROM (
    SELECT w.*
    FROM worker_notifications AS w
    WHERE w.id = ANY (
        ARRAY (
            SELECT c.id
            FROM unnest(%(products)b::text[]) AS p (product_key)
            CROSS JOIN LATERAL (
                SELECT due.id
                FROM worker_notifications AS due
                WHERE due.status = 'waiting'
                  AND due.product_key = p.product_key
                  AND (due.next_attempt_at IS NULL
                       OR due.next_attempt_at <= GREATEST(%(now)s::timestamptz, now()))
                  AND (%(only_row_id)s::bigint IS NULL OR due.id = %(only_row_id)s::bigint)
                ORDER BY due.event_time, due.publish_time, due.event_key
                LIMIT %(max_rows_a_product)s::integer
            ) AS c
            LIMIT %(max_rows)s::integer
        )
    )
    ORDER BY w.product_key, w.event_time, w.publish_time, w.event_key
    OFFSET 0
    FOR UPDATE
) AS n
LEFT JOIN notification_bodies AS b
    ON b.notification_id = n.id AND b.received_on = n.received_on
WHERE n.status = 'waiting'
  AND (n.next_attempt_at IS NULL OR n.next_attempt_at <= GREATEST(%(now)s::timestamptz, now()))
