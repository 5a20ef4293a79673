CREATE VIEW ops.throughput_per_minute AS
WITH happened AS (
    SELECT date_trunc('minute', received_at) AS minute,
           1 AS received, 0 AS processed, (status = 'ignored')::integer AS ignored, 0 AS failed
    FROM worker_notifications
    WHERE received_at > now() - interval '1 hour'
    UNION ALL
    SELECT date_trunc('minute', processed_at), 0, 1, 0, 0
    FROM worker_notifications
    -- Only what came since a day before the oldest that waits: workers that were away for longer catch
    -- up for longer. The upper end excludes nothing: between two ends the planner expects few rows, and
    -- uses the index.
    WHERE received_at > (
              SELECT LEAST(min(w.received_at), now()) - interval '1 day'
              FROM worker_notifications AS w
              WHERE w.status = 'waiting' AND w.received_at > '-infinity'
          )
      AND received_at < 'infinity'
      AND processed_at > now() - interval '1 hour'
    UNION ALL
    SELECT date_trunc('minute', last_failed_at), 0, 0, 0, 1
    FROM worker_failures
    WHERE last_failed_at > now() - interval '1 hour'
)
SELECT m.minute,
       COALESCE(sum(h.received), 0) AS received,
       COALESCE(sum(h.processed), 0) AS processed,
       COALESCE(sum(h.ignored), 0) AS ignored,
       COALESCE(sum(h.failed), 0) AS failed
FROM generate_series(
    date_trunc('minute', now()) - interval '59 minutes',
    date_trunc('minute', now()),
    interval '1 minute'
) AS m (minute)
LEFT JOIN happened AS h ON h.minute = m.minute
GROUP BY m.minute
ORDER BY m.minute DESC;
COMMENT ON VIEW ops.throughput_per_minute IS
    'Open it to see the last hour minute by minute: does analysis keep up with what comes in?';
