CREATE VIEW ops.queue_depth AS
SELECT q.queue_name AS queue,
       q.waiting,
       q.running,
       q.failed,
       now() - COALESCE(n.received_at, e.at) AS oldest_waiting_for
FROM (
    SELECT queue_name,
           count(*) FILTER (WHERE status = 'todo') AS waiting,
           count(*) FILTER (WHERE status = 'doing') AS running,
           count(*) FILTER (WHERE status = 'failed') AS failed,
           min(id) FILTER (WHERE status = 'todo') AS oldest
    FROM procrastinate_jobs
    GROUP BY queue_name
) AS q
LEFT JOIN procrastinate_jobs AS j ON j.id = q.oldest
LEFT JOIN worker_notifications AS n ON n.id = (j.args ->> 'notification')::bigint
LEFT JOIN LATERAL (
    SELECT at FROM procrastinate_events
    WHERE job_id = q.oldest AND type = 'deferred'
    ORDER BY id LIMIT 1
) AS e ON true;
COMMENT ON VIEW ops.queue_depth IS
    'Open it when changes arrive late: per queue the jobs that wait, run and failed, and how long the
oldest has waited. An analysis job stands for all that waits for its product. A failed job needs nobody:
the next one or the sweep does its work; it stays a week.';
