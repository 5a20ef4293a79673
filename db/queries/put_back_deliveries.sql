-- Deliveries whose courier did not come back. The receiver may have got them, but told twice is
-- better than not told. One that never comes back is given up in the end. Without `now` the time is
-- the database's, whose clock wrote when they were taken: by a wrong one, what is on its way would
-- be sent twice.
UPDATE alert_deliveries AS d
SET status = CASE WHEN d.failures + 1 < %(max_attempts)s::integer THEN 'queued' ELSE 'failed' END,
    next_attempt_at =
        CASE WHEN d.failures + 1 < %(max_attempts)s::integer THEN %(again_at)s::timestamptz END,
    failures = d.failures + 1,
    error_class = 'cut-off',
    last_error = d.taken_by || ' took it and did not come back',
    reason = CASE WHEN d.failures + 1 < %(max_attempts)s::integer
                  THEN 'put back: whether the receiver has it is not known'
                  ELSE 'given up after ' || d.failures + 1 || ' failed attempts' END
FROM (
    SELECT lost.id
    FROM alert_deliveries AS lost
    WHERE lost.status = 'sending'
      AND lost.taken_at < COALESCE(%(now)s::timestamptz, now()) - %(lost_after)s::interval
    FOR UPDATE SKIP LOCKED
) AS lost
WHERE d.id = lost.id
RETURNING d.id, d.route_name, d.status
