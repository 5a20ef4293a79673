-- Defers a job that decides who hears of the messages that are due; NULL is at once. A job in line
-- that is due at once serves everybody: locked here, it cannot be taken before this commits, and
-- whoever takes it afterwards sees these messages. Passed over are a job that is locked already,
-- which may have been taken, and one that was put back, whose worker may be alive after all and end
-- it. A worker that looks meanwhile passes over the locked job, so the bell is rung for it again.
-- The job carries no lock of the queue's own, which would hold back whatever comes behind it.
WITH in_line AS (
    SELECT j.id
    FROM procrastinate_jobs AS j
    WHERE %(at)s::timestamptz IS NULL
      AND j.status = 'todo'
      AND j.priority = 100
      AND j.task_name = 'dispatch_alerts'
      AND j.scheduled_at IS NULL
      AND j.attempts = 0
    ORDER BY j.priority DESC, j.id
    LIMIT 1
    FOR SHARE OF j SKIP LOCKED
),
deferred AS (
    SELECT procrastinate_defer_jobs_v1(ARRAY[
        ROW (
            'delivery', 'dispatch_alerts', 100, NULL, NULL, '{"timestamp": 0}', %(at)s::timestamptz
        )::procrastinate_job_to_defer_v1
    ]) AS ids
    WHERE %(at)s::timestamptz IS NOT NULL OR NOT EXISTS (SELECT FROM in_line)
),
rung AS (
    SELECT buybox_ring_queue('delivery', i.id) FROM in_line AS i
)
SELECT (SELECT count(*) FROM deferred) AS deferred, (SELECT count(*) FROM rung) AS rung
