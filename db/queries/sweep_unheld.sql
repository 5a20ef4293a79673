-- The sweeper: products with something due that no job holds. There should never be any; each one
-- found is given a job and counted in worker_counters, where the count is expected to stay 0. It
-- goes from product to product, not from message to message: if a million wait for a few thousand
-- products, the first of each product is read, and nothing more of those that a job holds. One
-- sweep looks at max_looked_at products after a place, and says where the next is to begin.
WITH RECURSIVE waiting AS (
    SELECT (
        SELECT n.product_key
        FROM worker_notifications AS n
        WHERE n.status = 'waiting' AND n.product_key > %(after)s::text
        ORDER BY n.product_key
        LIMIT 1
    ) AS product_key, 1 AS place
    UNION ALL
    SELECT (
        SELECT n.product_key
        FROM worker_notifications AS n
        WHERE n.status = 'waiting' AND n.product_key > w.product_key
        ORDER BY n.product_key
        LIMIT 1
    ), w.place + 1
    FROM waiting AS w
    WHERE w.product_key IS NOT NULL AND w.place < %(max_looked_at)s::integer
),
-- OFFSET 0 keeps this a subquery that is run for each product; as a join it would read all jobs.
without_job AS MATERIALIZED (
    SELECT w.product_key
    FROM waiting AS w
    WHERE w.product_key IS NOT NULL
      AND NOT EXISTS (
          SELECT 1 FROM procrastinate_jobs AS j
          WHERE j.lock = w.product_key AND j.status IN ('todo', 'doing')
          OFFSET 0
      )
),
unheld AS (
    SELECT d.*
    FROM without_job AS w
    CROSS JOIN LATERAL (
        SELECT n.id, n.received_at, n.product_key, n.trace_id
        FROM worker_notifications AS n
        WHERE n.status = 'waiting'
          AND n.product_key = w.product_key
          AND n.received_at < %(now)s::timestamptz - %(grace)s::interval
          AND (n.next_attempt_at IS NULL
               OR n.next_attempt_at < %(now)s::timestamptz - %(grace)s::interval)
        ORDER BY n.event_time, n.publish_time, n.event_key
        LIMIT 1
    ) AS d
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
RETURNING (SELECT d.jobs FROM deferred AS d) AS products,
          CASE
              -- If there were as many as one sweep may take, the next begins at the same place.
              WHEN (SELECT d.jobs FROM deferred AS d) >= %(max_products)s::integer
                  THEN %(after)s::text
              ELSE COALESCE(
                  (SELECT w.product_key FROM waiting AS w
                   WHERE w.place = %(max_looked_at)s::integer), ''
              )
          END AS next_after
