-- Removes who is long silent from ops.worker_health: ingesters, whose every restart brings a new worker
-- id, and workers. procrastinate prunes those only as a worker starts, and only if they are silent for
-- some time by then: one that is killed and replaced at once would be listed as lost for ever.
-- The clock is the database's, which wrote the signs of life.
WITH workers AS (
    DELETE FROM procrastinate_workers AS w
    WHERE w.last_heartbeat < now() - %(older_than)s::interval
)
DELETE FROM worker_heartbeats AS h
WHERE h.last_seen < now() - %(older_than)s::interval
