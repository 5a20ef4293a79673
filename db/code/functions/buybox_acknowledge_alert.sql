-- What taking an alert on changes, or why it is refused: the refusal names who has it.
CREATE OR REPLACE FUNCTION buybox_judge_acknowledge(
    p_alert     alerts,
    p_who       text,
    p_note      text,
    p_at        timestamptz,
    OUT code    text,
    OUT message text,
    OUT changes jsonb,
    OUT ended   text[]
)
    LANGUAGE plpgsql
    STABLE
    SET search_path = public, pg_temp
AS $$
BEGIN
    IF p_alert.attention = 'reviewing' THEN
        code := 'already-acknowledged';
        message := format(
            'It is acknowledged: %s has been on it since %s.',
            p_alert.acknowledged_by, buybox_utc_text(p_alert.acknowledged_at, 'HH24:MI')
        );
        RETURN;
    END IF;
    code := 'acknowledged';
    message := p_who || ' is on it';
    changes := jsonb_build_object(
        'attention', 'reviewing',
        'acknowledged_by', p_who,
        'acknowledged_at', p_at,
        -- Whoever has begun to look gets the whole time, however long ago the delivery was.
        'timeout_from', p_at,
        'owed', NULL
    );
    IF NOT buybox_is_blank(p_note) THEN
        changes := changes || jsonb_build_object('note', p_note);
        ended := CASE WHEN p_alert.note <> p_note THEN '{note}' END;
    END IF;
END;
$$;
REVOKE EXECUTE ON FUNCTION buybox_judge_acknowledge FROM public;

-- A person takes the alert on, with a note if given. What waits to be sent about it is not sent.
--     SELECT * FROM buybox_acknowledge_alert(17, who => 'ann', note => 'asking the supplier');
CREATE OR REPLACE FUNCTION buybox_acknowledge_alert(
    alert_id bigint,
    who      text,
    note     text DEFAULT NULL,
    at       timestamptz DEFAULT now()
)
    RETURNS TABLE (alert_id bigint, done boolean, code text, message text)
    LANGUAGE sql
    SECURITY DEFINER
    SET search_path = public, pg_temp
AS $$
    SELECT * FROM buybox_act_on_alert('acknowledge', alert_id, who, at, p_text => note);
$$;
REVOKE EXECUTE ON FUNCTION buybox_acknowledge_alert FROM public;
