-- T2: deletes the first waiting jobs of each product in hand, whichever notification they name: a
-- product with thousands of them must not fill the front of the queue for the others. Commits with
-- the effects, so a crash brings them back; defer_successors puts one back for a product that has
-- something left. A job that another worker holds is left to it: to wait for it while it waits for
-- us would be a deadlock. Once locked, the jobs are found by their key alone: with the status
-- beside it, a partial index of all that waits would look cheaper whenever the statistics are those
-- of an empty queue.
DELETE FROM procrastinate_jobs AS j
WHERE j.id = ANY (
    ARRAY (
        SELECT w.id
        FROM unnest(%(products)b::text[]) AS p (product_key)
        CROSS JOIN LATERAL (
            SELECT first.id
            FROM procrastinate_jobs AS first
            WHERE first.status = 'todo'
              AND first.lock = p.product_key
              AND first.task_name = 'analyse_product'
            ORDER BY first.priority DESC, first.id
            LIMIT %(max_jobs_a_product)s::integer
            FOR UPDATE SKIP LOCKED
        ) AS w
        LIMIT %(max_jobs)s::integer
    )
)
RETURNING j.lock AS product_key, j.priority
