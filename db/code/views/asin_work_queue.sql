CREATE VIEW ops.asin_work_queue AS
SELECT n.product_key AS partition_key,
       n.id AS notification,
       CASE
           WHEN n.next_attempt_at > now() THEN 'backing-off'
           WHEN EXISTS (
               SELECT 1 FROM procrastinate_jobs AS j
               WHERE j.lock = n.product_key AND j.status = 'doing'
           ) THEN 'running'
           WHEN EXISTS (
               SELECT 1 FROM procrastinate_jobs AS j
               WHERE j.lock = n.product_key AND j.status = 'todo'
           ) THEN 'waiting'
           ELSE 'unheld'
       END AS status,
       COALESCE(n.next_attempt_at, n.received_at) AS since,
       n.attempts,
       n.last_error,
       n.trace_id
FROM worker_notifications AS n
WHERE n.status = 'waiting';
COMMENT ON VIEW ops.asin_work_queue IS
    'Open it when one product is behind: each notification still to be analysed and who holds it.
"unheld" for more than a minute means a job was lost; the sweeper puts it back and counts it.';
