CREATE VIEW ops.recent_failures AS
SELECT f.id,
       f.last_failed_at,
       f.stage,
       f.error_type,
       f.error_message,
       f.failure_count,
       f.first_failed_at,
       f.resolved_at,
       f.resolution,
       f.message_id,
       f.notification_row_id,
       f.trace_id,
       f.source,
       f.worker_id,
       buybox_readable(f.raw_body, 500) AS body_begins
FROM worker_failures AS f
WHERE f.last_failed_at > now() - interval '7 days'
ORDER BY f.last_failed_at DESC;
COMMENT ON VIEW ops.recent_failures IS
    'Open it to read what could not be read or analysed in the last seven days, and why. Put it
right with: buybox failures redrive ID.';
