-- Puts back jobs whose worker is gone, or that run longer than any may. Until then their lock holds the
-- product. A worker that only seemed dead cannot do harm: it finds its rows taken and its version moved.
-- Without `now` it is the database's, whose clock wrote the signs of life: a worker whose own is wrong
-- would take the jobs of all that live, or leave those of the dead. Those of analysis are counted, with the
-- database's time of the last: claim_sibling_jobs is careful for a while.
WITH stalled AS (
    SELECT j.id, j.lock, j.task_name
    FROM procrastinate_jobs AS j
    LEFT JOIN procrastinate_workers AS w ON w.id = j.worker_id
    WHERE j.status = 'doing'
      AND (
          w.id IS NULL
          OR w.last_heartbeat < COALESCE(%(now)s::timestamptz, now()) - %(silent)s::interval
          OR EXISTS (
              SELECT 1 FROM procrastinate_events AS e
              WHERE e.job_id = j.id AND e.type = 'started'
              HAVING max(e.at) < COALESCE(%(now)s::timestamptz, now()) - %(max_runtime)s::interval
          )
      )
    ORDER BY j.id
    LIMIT %(max_jobs)s::integer
    FOR UPDATE OF j SKIP LOCKED
),
put_back AS MATERIALIZED (
    SELECT s.id, s.lock, s.task_name, procrastinate_retry_job_v2(s.id, NULL, NULL, NULL, NULL)
    FROM stalled AS s
),
counted AS (
    INSERT INTO worker_counters AS c (name, value, updated_at)
    SELECT 'rescued_analyses', count(*), now()
    FROM put_back AS p
    WHERE p.task_name = 'analyse_product'
    HAVING count(*) > 0
    ON CONFLICT (name) DO UPDATE
        SET value = c.value + EXCLUDED.value, updated_at = EXCLUDED.updated_at
)
SELECT p.id AS job_id, p.lock AS partition_key
FROM put_back AS p
ORDER BY p.id
