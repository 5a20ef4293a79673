-- The raw bodies of these dead letters, locked: two redrives at once must not both drive one.
SELECT f.id, f.stage, f.message_id, f.trace_id, f.source, f.body_hash, f.raw_body,
       f.notification_row_id, f.error_type, f.error_message
FROM worker_failures AS f
WHERE f.id = ANY (%(ids)s::bigint[])
ORDER BY f.id
FOR UPDATE
