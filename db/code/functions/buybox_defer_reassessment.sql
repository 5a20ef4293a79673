-- Defers a job that re-assesses what waits in reassessments. It carries nothing: what to do is in the
-- table, so a job too many finds nothing and a lost job is made good within a minute. Its place in
-- line is that of a message that comes now.
CREATE OR REPLACE FUNCTION buybox_defer_reassessment()
    RETURNS void
    LANGUAGE sql
AS $$
    SELECT procrastinate_defer_jobs_v1(ARRAY[
        ROW (
            'maintenance', 'reassess', buybox_due_order(clock_timestamp(), 0), NULL, NULL,
            '{"timestamp": 0}', NULL
        )::procrastinate_job_to_defer_v1
    ])
$$;
