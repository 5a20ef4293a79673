-- A sign of life of an ingester, with what it sees. Without `now` the time is the database's, by
-- which the views judge how long it has been silent: by a wrong clock of its own it would seem
-- lost, or alive.
INSERT INTO worker_heartbeats (worker_id, role, started_at, last_seen, state, details)
VALUES (
    %(worker_id)s::text, %(role)s::text,
    COALESCE(%(now)s::timestamptz, now()), COALESCE(%(now)s::timestamptz, now()),
    %(state)s::text, %(details)s::jsonb
)
ON CONFLICT (worker_id) DO UPDATE
    SET role = EXCLUDED.role,
        started_at = CASE WHEN %(starting)s::boolean THEN EXCLUDED.started_at
                          ELSE worker_heartbeats.started_at END,
        last_seen = EXCLUDED.last_seen,
        state = EXCLUDED.state,
        details = EXCLUDED.details
