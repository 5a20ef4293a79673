-- Dispatch: whether anything due is left besides the messages taken, passed over or not fitting in.
-- Asks for the first in line only, so that the index answers however many there are.
SELECT (
    SELECT q.id FROM alert_queues AS q
    WHERE q.status = 'queued' AND q.dispatched_at IS NULL AND q.reach <> 'history'
      AND q.scheduled_at <= %(now)s::timestamptz AND q.id <> ALL (%(taken)s::bigint[])
    ORDER BY q.scheduled_at, q.id
    LIMIT 1
) IS NOT NULL OR (
    SELECT q.id FROM alert_queues AS q
    WHERE q.status = 'queued' AND q.reach = 'history' AND q.scheduled_at <= %(now)s::timestamptz
    ORDER BY q.scheduled_at, q.id
    LIMIT 1
) IS NOT NULL AS more
