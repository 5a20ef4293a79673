-- Dispatch: the messages that are due, locked together with their alerts. What somebody else works
-- on at this moment is passed over and looked at again a second later, so that nobody waits for
-- anybody here.
SELECT due.id, due.reach, due.alert_id, due.marketplace_id, due.asin, due.severity, due.tell, due.escalation,
       due.scheduled_at, own.tags
FROM (
    SELECT q.id, q.reach, q.alert_id, q.marketplace_id, q.asin, q.severity, q.tell, q.escalation,
           q.scheduled_at, a.seller_id
    FROM alert_queues AS q
    JOIN alerts AS a ON a.id = q.alert_id
    WHERE q.status = 'queued' AND q.dispatched_at IS NULL AND q.reach <> 'history'
      AND q.scheduled_at <= %(now)s::timestamptz
    ORDER BY q.scheduled_at, q.id
    LIMIT %(max_messages)s::integer
    FOR NO KEY UPDATE OF q, a SKIP LOCKED
) AS due
CROSS JOIN LATERAL (
    SELECT ARRAY (
        SELECT DISTINCT tag
        FROM products AS p
        CROSS JOIN LATERAL unnest(p.tags) AS tag
        WHERE p.marketplace_id = due.marketplace_id AND p.asin = due.asin
          AND p.seller_id = due.seller_id
        ORDER BY tag
    ) AS tags
    OFFSET 0
) AS own
ORDER BY due.scheduled_at, due.id
