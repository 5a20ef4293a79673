-- Wakes procrastinate's workers for a job, by its own channels and payload: for new ones (buybox_ring_workers)
-- and for one that was there, which a worker that looked while it was locked has passed over.
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
