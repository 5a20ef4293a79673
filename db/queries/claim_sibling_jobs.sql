-- T2: the head jobs of other products, so that one transaction works on many. Looks at the front of the
-- queue only (a window in proportion to the products wanted), takes the first job of each product in
-- it unless one of the product is running, and locks just these: the ids are settled before the lock,
-- so that it cannot lock more than it returns. The claim is nothing but the row lock; a crash ends it.
-- The status is compared as text where the ids are known: with the statistics of an empty queue a
-- partial index of what waits looks cheaper than the key, and all that waits would be read.
WITH front AS MATERIALIZED (
    SELECT j.id, j.lock, j.priority
    FROM procrastinate_jobs AS j
    WHERE j.status = 'todo'
      AND j.queue_name = 'analysis'
      AND j.task_name = 'analyse_product'
      AND (j.scheduled_at IS NULL OR j.scheduled_at <= %(now)s::timestamptz)
    ORDER BY j.priority DESC, j.id
    LIMIT %(window)s::integer
),
heads AS MATERIALIZED (
    SELECT DISTINCT ON (f.lock) f.id, f.lock, f.priority
    FROM front AS f
    WHERE f.lock <> %(own_product)s::text
    ORDER BY f.lock, f.priority DESC, f.id
)
SELECT j.lock AS product_key
FROM procrastinate_jobs AS j
WHERE j.status::text = 'todo'
  AND j.id = ANY (
      ARRAY (
          SELECT h.id
          FROM heads AS h
          WHERE NOT EXISTS (
              SELECT 1 FROM procrastinate_jobs AS running
              WHERE running.lock = h.lock AND running.status = 'doing'
          )
          ORDER BY h.priority DESC, h.id
          LIMIT %(max_products)s::integer
      )
  )
ORDER BY j.priority DESC, j.id
FOR UPDATE OF j SKIP LOCKED
