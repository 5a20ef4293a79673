-- Every restart brings a new worker id; what has been silent for so long is no news to anybody.
DELETE FROM worker_heartbeats AS h
WHERE h.last_seen < %(now)s::timestamptz - %(older_than)s::interval
