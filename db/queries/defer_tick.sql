-- Defers a job for the alerts that are still due. What to do is in the table, so a job too many finds
-- nothing and a lost job costs a minute. Its place in line is that of a message that comes now. Not
-- if one is in line: see defer_reassessment.
SELECT procrastinate_defer_jobs_v1(ARRAY[
    ROW (
        'maintenance', 'tick_alerts', buybox_due_order(clock_timestamp(), 0), NULL, NULL,
        '{"timestamp": 0}', NULL
    )::procrastinate_job_to_defer_v1
])
WHERE NOT EXISTS (
    SELECT
    FROM procrastinate_jobs AS j
    WHERE j.queue_name = 'maintenance' AND j.task_name = 'tick_alerts' AND j.status = 'todo'
)
