-- Defers a job for the alerts that are still due. What to do is in the table, so a job too many finds
-- nothing and a lost job costs a minute. Its place in line is that of a message that comes now.
SELECT procrastinate_defer_jobs_v1(ARRAY[
    ROW (
        'maintenance', 'tick_alerts', buybox_due_order(clock_timestamp(), 0), NULL, NULL,
        '{"timestamp": 0}', NULL
    )::procrastinate_job_to_defer_v1
])
