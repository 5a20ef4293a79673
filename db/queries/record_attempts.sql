-- T2: analysis failed for these notifications only. Those with a next time stay waiting until then;
-- the others are given up and filed with their raw body.
WITH failing AS (
    SELECT f.*
    FROM unnest(
        %(row_id)s::bigint[], %(error_type)s::text[], %(error_message)s::text[],
        %(next_attempt_at)s::timestamptz[]
    ) AS f (id, error_type, error_message, next_attempt_at)
),
marked AS (
    UPDATE worker_notifications AS n
    SET attempts = n.attempts + 1,
        last_error = f.error_type || ': ' || f.error_message,
        next_attempt_at = f.next_attempt_at,
        status = CASE WHEN f.next_attempt_at IS NULL THEN 'failed' ELSE 'waiting' END
    FROM failing AS f
    WHERE n.id = f.id AND n.status = 'waiting'
    RETURNING n.id, n.received_on, n.status, n.attempts, n.message_id, n.trace_id, n.source,
              n.body_hash, f.error_type, f.error_message
)
INSERT INTO worker_failures (
    stage, error_type, error_message, failure_count, first_failed_at, last_failed_at, message_id,
    notification_row_id, trace_id, source, worker_id, body_hash, raw_body
)
SELECT 'analysis', m.error_type, m.error_message, m.attempts, %(now)s::timestamptz,
       %(now)s::timestamptz, m.message_id, m.id, m.trace_id, m.source, %(worker_id)s::text,
       m.body_hash, COALESCE(convert_to(b.body, 'UTF8'), '')
FROM marked AS m
LEFT JOIN notification_bodies AS b ON b.notification_id = m.id AND b.received_on = m.received_on
WHERE m.status = 'failed'
ON CONFLICT (stage, body_hash) DO UPDATE
    SET failure_count = worker_failures.failure_count + EXCLUDED.failure_count,
        error_type = EXCLUDED.error_type,
        error_message = EXCLUDED.error_message,
        last_failed_at = EXCLUDED.last_failed_at,
        worker_id = EXCLUDED.worker_id,
        resolved_at = NULL,
        resolution = NULL
