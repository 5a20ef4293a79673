-- T2: a job for the time when a failed analysis is due again. It carries no lock on purpose: a
-- future-dated job with the product's lock would hold back the product's fresh messages until then.
-- When due, it defers an ordinary job.
SELECT procrastinate_defer_jobs_v1(
    array_agg(
        ROW (
            'analysis', 'wake_product', 0, NULL, NULL,
            jsonb_build_object('product', w.product, 'trace_id', w.trace_id), w.due_at
        )::procrastinate_job_to_defer_v1
    )
) AS job_ids
FROM unnest(%(product)s::text[], %(trace_id)s::text[], %(due_at)s::timestamptz[])
     AS w (product, trace_id, due_at)
