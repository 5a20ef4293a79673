-- The epoch that cursors belong to: the stored one and the server's timeline. A failover or a restore to
-- a point in time begins a new timeline and may hand out transaction ids a second time, so every
-- cursor from before it must start again; nobody has to remember to say so.
CREATE OR REPLACE FUNCTION buybox_feed_epoch()
    RETURNS text
    LANGUAGE sql
    STABLE
AS $$
    SELECT e.epoch || '.' || CASE
        WHEN pg_is_in_recovery() THEN (SELECT c.timeline_id FROM pg_control_checkpoint() AS c)
        ELSE ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::integer
    END
    FROM feed_epoch AS e
$$;
