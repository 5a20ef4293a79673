-- The trigger on procrastinate_jobs in place of procrastinate's own: wakes its workers once per
-- statement and queue (docs/decisions/0012).
CREATE OR REPLACE FUNCTION buybox_ring_workers()
    RETURNS trigger
    LANGUAGE plpgsql
AS $$
BEGIN
    PERFORM buybox_ring_queue(i.queue_name, min(i.id))
    FROM inserted AS i
    WHERE i.status = 'todo'
    GROUP BY i.queue_name;
    RETURN NULL;
END
$$;
