-- A person's act, from the lock to the bell: what all seven have in common. They are called through
-- buybox_acknowledge_alert and its kin; what an act does to an alert is in the function buybox_judge_*
-- beside each of these. The twin of all this is tests/people.py, and a test holds them together.
-- Whoever acts second waits for the row and is then judged by what the first act left: told of it, and
-- never overwriting it. Locks are taken in this order: alert, its messages by id, their deliveries by id.
CREATE OR REPLACE FUNCTION buybox_act_on_alert(
    p_act      text,
    p_alert_id bigint,
    p_who      text,
    p_at       timestamptz,
    p_text     text DEFAULT NULL,
    p_length   interval DEFAULT NULL
)
    RETURNS TABLE (alert_id bigint, done boolean, code text, message text)
    LANGUAGE plpgsql
    SET search_path = public, pg_temp
    SET timezone = 'UTC'
AS $$
DECLARE
    _at      timestamptz := COALESCE(p_at, now());
    _alert   alerts;
    _verdict record;
BEGIN
    IF buybox_is_blank(p_who) THEN
        RETURN QUERY SELECT p_alert_id, false, 'nobody',
            'Say who does it: the history names everybody who acted.';
        RETURN;
    END IF;
    -- A time that only Postgres can hold ('infinity') would stop every program that reads the row: the
    -- dashboard, the feed and the workers.
    IF _at NOT BETWEEN '2000-01-01' AND '9000-01-01' THEN
        RETURN QUERY SELECT p_alert_id, false, 'no-time',
            'Say when as a time of the years 2000 to 8999, or leave it out for now.';
        RETURN;
    END IF;
    SELECT * INTO _alert FROM alerts AS a WHERE a.id = p_alert_id FOR UPDATE;
    IF NOT FOUND THEN
        RETURN QUERY SELECT p_alert_id, false, 'no-alert', 'There is no alert to act on.';
        RETURN;
    END IF;

    SELECT * INTO _verdict FROM buybox_judge_act(_alert, p_act, p_who, _at, p_text, p_length);
    IF _verdict.changes IS NOT NULL THEN
        BEGIN
            PERFORM buybox_store_act(
                _alert, p_who, _at, _verdict.code, _verdict.message, _verdict.changes,
                _verdict.ended
            );
        EXCEPTION WHEN unique_violation THEN
            -- A reopening met an alert that was raised for the subject at this very moment.
            SELECT * INTO _verdict FROM buybox_refuse_reopening(_alert);
            IF NOT FOUND THEN
                RAISE;
            END IF;
        END;
    END IF;
    RETURN QUERY
    SELECT p_alert_id, _verdict.changes IS NOT NULL, _verdict.code, _verdict.message;
END;
$$;
REVOKE EXECUTE ON FUNCTION buybox_act_on_alert FROM public;
