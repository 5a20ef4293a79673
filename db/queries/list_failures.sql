-- The dead letters, newest first.
SELECT f.id, f.stage, f.error_type, f.error_message, f.failure_count, f.first_failed_at,
       f.last_failed_at, f.resolved_at, f.resolution, f.message_id, f.notification_row_id,
       f.trace_id, f.source, f.worker_id
FROM worker_failures AS f
WHERE (%(error_type)s::text IS NULL OR f.error_type = %(error_type)s::text)
  AND (%(include_resolved)s::boolean OR f.resolved_at IS NULL)
  AND (%(ids)s::bigint[] IS NULL OR f.id = ANY (%(ids)s::bigint[]))
ORDER BY f.last_failed_at DESC, f.id DESC
LIMIT %(max_rows)s::integer
