-- Puts a task of upkeep that gave way in line again, behind the messages that wait by now, unless it is
-- in line. That is enough: each minute's job would otherwise begin a line of turns beside those of the
-- minutes before, and messages would wait for all of them. It carries nothing: what to do is in the
-- task's table, so a job too many finds nothing, and a lost one is made good within a minute.
SELECT procrastinate_defer_jobs_v1(ARRAY[
    ROW (
        'maintenance', %(task)s::text, buybox_due_order(clock_timestamp(), 0), NULL, NULL,
        '{"timestamp": 0}', NULL
    )::procrastinate_job_to_defer_v1
])
WHERE NOT EXISTS (
    SELECT
    FROM procrastinate_jobs AS j
    WHERE j.queue_name = 'maintenance' AND j.task_name = %(task)s::text AND j.status = 'todo'
)
