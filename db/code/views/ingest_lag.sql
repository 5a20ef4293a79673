CREATE VIEW ops.ingest_lag AS
WITH newest AS (
    -- says how long ago the last one came, even after an hour without any
    SELECT received_at FROM worker_notifications ORDER BY id DESC LIMIT 1
)
SELECT COALESCE(n.source, 'all') AS source,
       count(*) AS received_last_hour,
       COALESCE(max(n.received_at), (TABLE newest)) AS last_received_at,
       now() - COALESCE(max(n.received_at), (TABLE newest)) AS silent_for,
       percentile_cont(0.5) WITHIN GROUP (ORDER BY n.received_at - n.sent_at) AS sqs_wait_p50,
       percentile_cont(0.99) WITHIN GROUP (ORDER BY n.received_at - n.sent_at) AS sqs_wait_p99,
       percentile_cont(0.5) WITHIN GROUP (ORDER BY n.received_at - n.event_time) AS event_age_p50,
       percentile_cont(0.99) WITHIN GROUP (ORDER BY n.received_at - n.event_time) AS event_age_p99,
       percentile_cont(0.5) WITHIN GROUP (ORDER BY n.processed_at - n.received_at) AS analysis_p50,
       percentile_cont(0.99) WITHIN GROUP (ORDER BY n.processed_at - n.received_at) AS analysis_p99
FROM worker_notifications AS n
WHERE n.received_at > now() - interval '1 hour'
GROUP BY GROUPING SETS ((n.source), ());
COMMENT ON VIEW ops.ingest_lag IS
    'Open it to learn where the delay is: how long messages waited in SQS, how old events are when
they come in (Amazon''s own delay included), and how long analysis takes, over the last hour; and
how long ago the last message came.';
