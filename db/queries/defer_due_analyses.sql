-- Defers one ordinary job for each of these products that has something due, as claim_notifications
-- judges it.
WITH due AS (
    SELECT DISTINCT ON (n.product_key) n.id, n.received_at, n.product_key, n.trace_id
    FROM worker_notifications AS n
    WHERE n.status = 'waiting'
      AND n.product_key = ANY (%(products)s::text[])
      AND (n.next_attempt_at IS NULL OR n.next_attempt_at <= GREATEST(%(now)s::timestamptz, now()))
    ORDER BY n.product_key, n.event_time
)
SELECT COALESCE(
    cardinality(
        procrastinate_defer_jobs_v1(
            array_agg(buybox_analysis_job(d.id, d.received_at, d.product_key, d.trace_id, 0))
        )
    ), 0
) AS jobs
FROM due AS d
