-- Wakes procrastinate's workers as a new job does (its own channels and payload), for a job that was there
-- before: a worker that looked while it was locked has passed it over and sleeps.
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
