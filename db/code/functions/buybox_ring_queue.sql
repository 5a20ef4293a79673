-- Wakes procrastinate's workers for a job, with procrastinate's own channels and payload: for new jobs
-- (buybox_ring_workers) and for one in line that a worker passed over because we had it locked.
CREATE OR REPLACE FUNCTION buybox_ring_queue(p_queue_name text, p_job_id bigint)
    RETURNS void
    LANGUAGE sql
    VOLATILE
AS $$
    SELECT pg_notify(c.channel, json_build_object('type', 'job_inserted', 'job_id', p_job_id)::text)
    FROM (
        VALUES ('procrastinate_queue_v1#' || p_queue_name), ('procrastinate_any_queue_v1')
    ) AS c (channel)
$$;
