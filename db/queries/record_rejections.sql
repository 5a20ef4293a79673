-- T1: files what could not be read, one row per body; the same body again only counts up.
INSERT INTO worker_failures (
    stage, error_type, error_message, first_failed_at, last_failed_at, message_id, trace_id, source,
    worker_id, body_hash, raw_body
)
SELECT DISTINCT ON (r.body_hash)
       'ingest', r.error_type, r.error_message, %(now)s::timestamptz, %(now)s::timestamptz,
       r.message_id, r.trace_id, r.source, %(worker_id)s::text, r.body_hash, r.raw_body
FROM unnest(
    %(error_type)b::text[], %(error_message)b::text[], %(message_id)b::text[],
    %(trace_id)b::text[], %(source)b::text[], %(body_hash)b::bytea[], %(raw_body)b::bytea[]
) AS r (error_type, error_message, message_id, trace_id, source, body_hash, raw_body)
ORDER BY r.body_hash
ON CONFLICT (stage, body_hash) DO UPDATE
    SET failure_count = worker_failures.failure_count + 1,
        error_type = EXCLUDED.error_type,
        error_message = EXCLUDED.error_message,
        last_failed_at = EXCLUDED.last_failed_at,
        worker_id = EXCLUDED.worker_id,
        resolved_at = NULL,
        resolution = NULL
RETURNING id, (xmax = 0) AS is_new
