-- Redrive of an analysis failure: the notification waits again, from its first attempt, with a job. Its
-- next attempt has been due since it came, which tells it from one that nobody has tried yet.
WITH reopened AS (
    UPDATE worker_notifications AS n
    SET status = 'waiting', attempts = 0, begun = NULL, next_attempt_at = n.received_at,
        last_error = NULL
    WHERE n.id = ANY (%(row_ids)s::bigint[]) AND n.status = 'failed'
    RETURNING n.id, n.received_at, n.product_key, n.trace_id
)
SELECT COALESCE(
    cardinality(
        procrastinate_defer_jobs_v1(
            array_agg(buybox_analysis_job(r.id, r.received_at, r.product_key, r.trace_id, 0))
        )
    ), 0
) AS jobs
FROM reopened AS r
