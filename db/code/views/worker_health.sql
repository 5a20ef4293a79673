CREATE VIEW ops.worker_health AS
SELECT h.role,
       h.worker_id,
       CASE
           WHEN h.state = 'stopped' THEN 'stopped'
           WHEN h.last_seen < now() - interval '30 seconds' THEN 'lost'
           ELSE h.state
       END AS state,
       h.last_seen,
       now() - h.last_seen AS silent_for,
       h.started_at,
       h.details
FROM worker_heartbeats AS h
UNION ALL
SELECT 'analysis',
       'procrastinate-' || w.id,
       CASE
           WHEN w.last_heartbeat < now() - interval '30 seconds' THEN 'lost'
           WHEN count(j.id) > 0 THEN 'working'
           ELSE 'idle'
       END,
       w.last_heartbeat,
       now() - w.last_heartbeat,
       NULL,
       jsonb_build_object('running', count(j.id))
FROM procrastinate_workers AS w
LEFT JOIN procrastinate_jobs AS j ON j.worker_id = w.id AND j.status = 'doing'
GROUP BY w.id;
COMMENT ON VIEW ops.worker_health IS
    'Open it first when something is quiet: every ingester and worker, when it was last seen, and what
it says. "lost" means silent for over 30 s; "gated" means it stopped receiving, and details say why.';
