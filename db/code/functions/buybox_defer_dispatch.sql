-- A job that decides who hears of the messages that are due, and sends them on their way. It carries
-- nothing: what to do lies in alert_queues, so a job too many finds nothing and a job lost is made
-- good within the minute.
CREATE OR REPLACE FUNCTION buybox_defer_dispatch()
    RETURNS void
    LANGUAGE sql
AS $$
    SELECT procrastinate_defer_jobs_v1(ARRAY[
        ROW (
            'delivery', 'dispatch_alerts', 0, NULL, NULL, '{"timestamp": 0}', NULL
        )::procrastinate_job_to_defer_v1
    ])
$$;
