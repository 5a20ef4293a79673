-- Removes who is long silent from ops.worker_health: ingesters, whose every restart brings a new worker
-- id, and workers. procrastinate prunes those only as a worker starts, and only if they are silent for
-- some time by then: one that is killed and replaced at once would be listed as lost for ever.
-- Without `now` it is the database's, whose clock wrote the signs of life.
WITH workers AS (
    DELETE FROM procrastinate_workers AS w
    WHERE w.last_heartbeat < COALESCE(%(now)s::timestamptz, now()) - %(older_than)s::interval
)
DELETE FROM worker_heartbeats AS h
WHERE h.last_seen < COALESCE(%(now)s::timestamptz, now()) - %(older_than)s::interval
