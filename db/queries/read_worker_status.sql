-- How the workers are doing, for the dashboard's header: one row, NULL where something is not
-- known. What SQS holds comes from the ingesters' heartbeats; each of them sees the whole queues,
-- so the newest one is taken. Without `now` the time is the database's, whose clock wrote the
-- heartbeats. The age is that of the oldest notification that nobody has tried yet: one that waits
-- for its next attempt, or was redriven, is no sign of being behind.
WITH workers AS (
    SELECT role, last_seen, details FROM ops.worker_health WHERE state NOT IN ('lost', 'stopped')
),
newest AS (
    SELECT details FROM workers WHERE role = 'ingest' ORDER BY last_seen DESC LIMIT 1
),
backlog AS (
    SELECT count(*) AS waiting,
           min(received_at) AS oldest,
           min(received_at) FILTER (WHERE next_attempt_at IS NULL) AS oldest_untried
    FROM worker_notifications WHERE status = 'waiting' AND received_at > '-infinity'
),
recent AS (
    SELECT count(*) AS processed, avg(n.processing_ms) AS ms
    FROM worker_notifications AS n
    WHERE n.processed_at > COALESCE(%(now)s::timestamptz, now()) - interval '1 minute'
      -- Only what came since shortly before the oldest that waits: not the last hour or day, as workers
      -- that were away for longer catch up for longer. The upper end excludes nothing: between two ends
      -- the planner expects few rows, even of weeks, and uses the index.
      AND n.received_at > (
          SELECT LEAST(b.oldest, COALESCE(%(now)s::timestamptz, now())) - interval '5 minutes'
          FROM backlog AS b
      )
      AND n.received_at < 'infinity'
)
SELECT (
           -- of all queues or of none: one that could not be asked is not an empty one
           SELECT CASE WHEN bool_and(q.value ? 'visible') THEN sum((q.value ->> 'visible')::bigint) END
           FROM newest, jsonb_each(newest.details -> 'queues') AS q
           WHERE q.key <> 'dlq'
       )::bigint AS queue_depth,
       (
           SELECT sum((q.value ->> 'visible')::bigint)
           FROM newest, jsonb_each(newest.details -> 'queues') AS q
           WHERE q.key = 'dlq'
       )::bigint AS dlq_messages,
       (SELECT count(*) FROM worker_failures AS f WHERE f.resolved_at IS NULL) AS open_failures,
       EXTRACT(EPOCH FROM COALESCE(%(now)s::timestamptz, now()) - b.oldest_untried)::float8
           AS oldest_message_age_seconds,
       (SELECT max(last_seen) FROM workers WHERE role = 'ingest') AS ingest_heartbeat,
       (SELECT max(last_seen) FROM workers WHERE role = 'analysis') AS analysis_heartbeat,
       r.processed AS processed_per_minute,
       b.waiting AS backlog_count,
       r.ms::float8 AS avg_processing_time_ms,
       COALESCE(%(now)s::timestamptz, now()) AS asked_at
FROM backlog AS b, recent AS r
