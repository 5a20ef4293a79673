CREATE VIEW ops.failure_summary AS
SELECT f.stage,
       f.error_type,
       count(*) FILTER (WHERE f.resolved_at IS NULL) AS open,
       count(*) FILTER (WHERE f.resolved_at IS NOT NULL) AS resolved,
       sum(f.failure_count) AS times_failed,
       min(f.first_failed_at) AS first_failed_at,
       max(f.last_failed_at) AS last_failed_at
FROM worker_failures AS f
GROUP BY f.stage, f.error_type
ORDER BY open DESC, last_failed_at DESC;
COMMENT ON VIEW ops.failure_summary IS
    'Open it to see at a glance what kinds of message fail. After a fix, redrive a kind at once:
buybox failures redrive --type ERROR_TYPE.';
