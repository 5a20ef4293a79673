-- Until when an alert is to be quiet, or why the length is refused: alert_settings says what is allowed.
CREATE OR REPLACE FUNCTION buybox_judge_snooze(
    p_alert     alerts,
    p_who       text,
    p_length    interval,
    p_at        timestamptz,
    OUT code    text,
    OUT message text,
    OUT changes jsonb,
    OUT ended   text[]
)
    LANGUAGE plpgsql
    STABLE
    SET search_path = public, pg_temp
    SET timezone = 'UTC'
AS $$
DECLARE
    _length  interval;
    _longest interval;
BEGIN
    SELECT COALESCE(p_length, s.snooze_default), s.snooze_max
    INTO _length, _longest
    FROM alert_settings AS s;
    IF _length <= interval '0' THEN
        code := 'snooze-not-ahead';
        message := 'A snooze must end after now.';
    ELSIF _length > _longest THEN
        code := 'snooze-too-long';
        message := format('A snooze lasts %s at most.', buybox_length_text(_longest));
    ELSE
        code := 'snoozed';
        message := format('%s wants quiet until %s', p_who, buybox_utc_text(p_at + _length));
        changes := jsonb_build_object(
            'snooze_until', p_at + _length, 'snoozed_by', p_who, 'owed', NULL
        );
        ended := CASE WHEN p_alert.snooze_until IS NOT NULL THEN '{snooze}' END;
    END IF;
END;
$$;
REVOKE EXECUTE ON FUNCTION buybox_judge_snooze FROM public;

-- A person wants quiet for a while; without a length, for the default of alert_settings. What is worse
-- than now is told all the same.
--     SELECT * FROM buybox_snooze_alert(17, who => 'ann', snooze => '2 hours');
CREATE OR REPLACE FUNCTION buybox_snooze_alert(
    alert_id bigint,
    who      text,
    snooze   interval DEFAULT NULL,
    at       timestamptz DEFAULT now()
)
    RETURNS TABLE (alert_id bigint, done boolean, code text, message text)
    LANGUAGE sql
    SECURITY DEFINER
    SET search_path = public, pg_temp
AS $$
    SELECT * FROM buybox_act_on_alert('snooze', alert_id, who, at, p_length => snooze);
$$;
REVOKE EXECUTE ON FUNCTION buybox_snooze_alert FROM public;
