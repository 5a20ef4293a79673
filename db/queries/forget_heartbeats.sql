-- Removes the heartbeats of ingesters long silent: every restart brings a new worker id.
DELETE FROM worker_heartbeats AS h
WHERE h.last_seen < %(now)s::timestamptz - %(older_than)s::interval
