-- T2: the head jobs of other products, so that one transaction works on many. Looks at the front of the
-- queue only (a window in proportion to the products wanted) and takes the first job of each product in
-- it unless one of the product is running or another worker holds it. The ids to choose from are settled
-- first, and the limit stands above the lock: it takes one row, locks it and goes on until it has
-- enough, so it cannot lock more than it returns. The claim is nothing but the row lock; a crash ends it.
-- The status is compared as text where the ids are known: with the statistics of an empty queue a
-- partial index of what waits looks cheaper than the key, and all that waits would be read. For the same
-- reason what runs is read in the order of its index, with a limit that nobody's workers reach.
-- A job that was put back may be what killed its worker, so nobody takes it along. And for a while after
-- one was put back nobody takes anything along: the worker may have died of what it had taken along (0023).
WITH front AS MATERIALIZED (
    SELECT j.id, j.lock, j.priority, j.attempts
    FROM procrastinate_jobs AS j
    WHERE j.status = 'todo'
      AND j.queue_name = 'analysis'
      AND j.task_name = 'analyse_product'
      AND (j.scheduled_at IS NULL OR j.scheduled_at <= %(now)s::timestamptz)
      AND NOT EXISTS (
          SELECT FROM worker_counters AS c
          WHERE c.name = 'rescued_analyses' AND c.updated_at > now() - %(careful_for)s::interval
      )
    ORDER BY j.priority DESC, j.id
    LIMIT %(window)s::integer
),
heads AS MATERIALIZED (
    SELECT DISTINCT ON (f.lock) f.id, f.lock
    FROM front AS f
    WHERE f.lock <> %(own_product)s::text
      AND NOT EXISTS (SELECT FROM front AS p WHERE p.attempts > 0 AND p.lock = f.lock)
    ORDER BY f.lock, f.priority DESC, f.id
)
SELECT j.lock AS product_key
FROM procrastinate_jobs AS j
WHERE j.status::text = 'todo'
  AND j.id = ANY (
      ARRAY (
          SELECT h.id
          FROM heads AS h
          WHERE h.lock <> ALL (
              ARRAY (
                  SELECT running.lock
                  FROM procrastinate_jobs AS running
                  WHERE running.status = 'doing' AND running.lock IS NOT NULL
                  ORDER BY running.lock
                  LIMIT 10000
              )
          )
      )
  )
ORDER BY j.priority DESC, j.id
LIMIT %(max_products)s::integer
FOR UPDATE OF j SKIP LOCKED
