-- T2: one job, in place of those deleted, for each product with something due still waiting. Sent
-- after the deletion on purpose: its snapshot is newer, so a notification whose job was deleted a
-- moment after it came is seen here, and no wake-up is lost.
WITH left_over AS (
    SELECT d.id, d.received_at, d.product_key, d.trace_id, p.priority
    FROM unnest(%(product)b::text[], %(priority)s::integer[]) AS p (product_key, priority)
    CROSS JOIN LATERAL (
        SELECT n.id, n.received_at, n.product_key, n.trace_id
        FROM worker_notifications AS n
        WHERE n.status = 'waiting'
          AND n.product_key = p.product_key
          AND (n.next_attempt_at IS NULL
               OR n.next_attempt_at <= GREATEST(%(now)s::timestamptz, now()))
        ORDER BY n.event_time, n.publish_time, n.event_key
        LIMIT 1
    ) AS d
)
SELECT COALESCE(
    cardinality(
        procrastinate_defer_jobs_v1(
            array_agg(
                buybox_analysis_job(l.id, l.received_at, l.product_key, l.trace_id, 0, l.priority)
            )
        )
    ), 0
) AS jobs
FROM left_over AS l
