-- Defers a job for each delivery, in the transaction that writes it. It rings for the courier; what
-- is to be sent is in the rows, so a job too many finds nothing and a lost job costs 10 s.
SELECT procrastinate_defer_jobs_v1(
    array_agg(
        ROW (
            'delivery', 'deliver_alert', 100, NULL, NULL,
            jsonb_build_object('delivery_id', d.delivery_id), d.due_at
        )::procrastinate_job_to_defer_v1
        ORDER BY d.due_at NULLS FIRST, d.delivery_id
    )
)
FROM unnest(%(delivery_id)s::bigint[], %(due_at)s::timestamptz[]) AS d (delivery_id, due_at)
