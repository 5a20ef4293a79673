-- Dispatch: messages for the history whose week is over. They go to nobody: they are there for a
-- weekly rollup to count.
UPDATE alert_queues AS q
SET status = 'delivered', delivered_at = %(now)s::timestamptz, dispatched_at = %(now)s::timestamptz,
    reason = q.reason || '; kept as history'
FROM (
    SELECT due.id
    FROM alert_queues AS due
    WHERE due.status = 'queued' AND due.reach = 'history'
      AND due.scheduled_at <= %(now)s::timestamptz
    ORDER BY due.scheduled_at, due.id
    LIMIT %(max_messages)s::integer
    FOR UPDATE SKIP LOCKED
) AS due
WHERE q.id = due.id
