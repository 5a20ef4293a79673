-- The sweeper: products with something due that no job holds. That should never be; each one found is
-- given a job and counted in worker_counters, where the count is expected to stay 0.
WITH unheld AS (
    SELECT DISTINCT ON (n.product_key) n.id, n.received_at, n.product_key, n.trace_id
    FROM worker_notifications AS n
    WHERE n.status = 'waiting'
      AND n.received_at < %(now)s::timestamptz - %(grace)s::interval
      AND (n.next_attempt_at IS NULL OR n.next_attempt_at < %(now)s::timestamptz - %(grace)s::interval)
      AND NOT EXISTS (
          SELECT 1 FROM procrastinate_jobs AS j
          WHERE j.lock = n.product_key AND j.status IN ('todo', 'doing')
      )
    ORDER BY n.product_key, n.event_time
    LIMIT %(max_products)s::integer
),
deferred AS (
    SELECT COALESCE(
        cardinality(
            procrastinate_defer_jobs_v1(
                array_agg(buybox_analysis_job(u.id, u.received_at, u.product_key, u.trace_id, 0))
            )
        ), 0
    ) AS jobs
    FROM unheld AS u
)
INSERT INTO worker_counters AS c (name, value, updated_at)
SELECT 'swept_products', d.jobs, %(now)s::timestamptz FROM deferred AS d
ON CONFLICT (name) DO UPDATE
    SET value = c.value + EXCLUDED.value,
        updated_at = CASE WHEN EXCLUDED.value > 0 THEN EXCLUDED.updated_at ELSE c.updated_at END
RETURNING (SELECT d.jobs FROM deferred AS d) AS swept, c.value AS total
