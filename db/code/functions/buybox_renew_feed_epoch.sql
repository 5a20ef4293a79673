-- Begins a new feed epoch when cursors of the old one have lost their meaning: at the first migration,
-- and after a restore, be it into another cluster, whose transaction ids are different, or into this
-- one, whose rows are then older than what readers have seen. A restore writes the epoch's row anew but
-- copies the stamps (changed_in), which are then older than that row; otherwise none ever is.
-- Rows are stamped anew, since an id from the future would count as "not yet seen" at every read.
CREATE OR REPLACE FUNCTION buybox_renew_feed_epoch(p_now timestamptz)
    RETURNS boolean
    LANGUAGE plpgsql
AS $$
DECLARE
    _here bigint := (SELECT system_identifier FROM pg_control_system());
BEGIN
    IF EXISTS (SELECT 1 FROM feed_epoch WHERE system_identifier = _here)
       AND NOT EXISTS (
           SELECT 1
           FROM (
               SELECT changed_in FROM current_state
               UNION ALL
               SELECT changed_in FROM alerts
           ) AS stamped
           WHERE changed_in >= pg_snapshot_xmax(pg_current_snapshot())
             AND changed_in <> pg_current_xact_id()
       )
       AND NOT EXISTS (
           SELECT 1
           FROM feed_epoch AS e
           CROSS JOIN (
               SELECT changed_in FROM current_state
               UNION ALL
               SELECT changed_in FROM alerts
           ) AS stamped
           WHERE age(stamped.changed_in::xid) > age(e.xmin)
       )
    THEN
        RETURN false;
    END IF;

    INSERT INTO feed_epoch (epoch, system_identifier, started_at)
    VALUES (left(replace(gen_random_uuid()::text, '-', ''), 12), _here, p_now)
    ON CONFLICT (only_row) DO UPDATE
        SET epoch = EXCLUDED.epoch,
            system_identifier = EXCLUDED.system_identifier,
            started_at = EXCLUDED.started_at;
    UPDATE current_state SET changed_in = pg_current_xact_id();
    UPDATE alerts SET changed_in = pg_current_xact_id();
    RETURN true;
END;
$$;
