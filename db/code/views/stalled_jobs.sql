CREATE VIEW ops.stalled_jobs AS
SELECT j.id AS job_id,
       j.queue_name AS queue,
       j.task_name AS task,
       j.lock AS partition_key,
       j.attempts,
       j.worker_id,
       now() - w.last_heartbeat AS worker_silent_for,
       now() - e.at AS running_for
FROM procrastinate_jobs AS j
LEFT JOIN procrastinate_workers AS w ON w.id = j.worker_id
LEFT JOIN LATERAL (
    SELECT max(at) AS at FROM procrastinate_events WHERE job_id = j.id AND type = 'started'
) AS e ON true
WHERE j.status = 'doing'
  AND (
      w.id IS NULL
      OR w.last_heartbeat < now() - interval '30 seconds'
      OR e.at < now() - interval '5 minutes'
  );
COMMENT ON VIEW ops.stalled_jobs IS
    'Open it when a product is stuck: jobs whose worker was silent for over 30 s or that run for over
5 minutes. They are put back by themselves after STALLED_AFTER_SECONDS and JOB_MAX_SECONDS, by default
the same; rows that stay here for longer mean that no worker is running.';
