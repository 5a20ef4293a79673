-- What taking an end back changes, or why the end stands: a clear, a worse alert, a newer one.
CREATE OR REPLACE FUNCTION buybox_judge_reopen(
    p_alert     alerts,
    p_who       text,
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
DECLARE
    _attention text;
BEGIN
    IF p_alert.attention <> 'resolved' THEN
        code := 'not-resolved';
        message := 'It is open.';
        RETURN;
    ELSIF p_alert.resolution = 'superseded' OR p_alert.superseded_by IS NOT NULL THEN
        p_alert.resolution := 'superseded';
        SELECT v.* INTO code, message, changes, ended FROM buybox_refuse_ended(p_alert) AS v;
        RETURN;
    ELSIF p_alert.condition = 'cleared' THEN
        code := 'cleared';
        message := 'It is not true any more; if it comes back, it is told anew.';
        RETURN;
    END IF;
    SELECT v.* INTO code, message, changes, ended FROM buybox_refuse_reopening(p_alert) AS v;
    IF FOUND THEN
        RETURN;
    END IF;

    _attention := CASE
        WHEN p_alert.acknowledged_by IS NOT NULL THEN 'reviewing'
        WHEN p_alert.delivered_at IS NOT NULL THEN 'delivered'
        ELSE 'new'
    END;
    code := 'reopened';
    message := format('%s took back the end (%s)', p_who, p_alert.resolution);
    changes := jsonb_build_object(
        'attention', _attention,
        'resolution', NULL,
        'resolved_at', NULL,
        'resolved_by', NULL,
        'waiting_since', p_at,
        'timeout_from', CASE WHEN _attention <> 'new' THEN p_at END,
        -- What was muted and never told is owed again, unless somebody has it.
        'owed', CASE
            WHEN _attention <> 'reviewing' AND p_alert.last_told_at IS NULL
                THEN COALESCE(p_alert.owed, 'raised')
            ELSE p_alert.owed
        END
    );
END;
$$;
REVOKE EXECUTE ON FUNCTION buybox_judge_reopen FROM public;

-- A person takes back an end that was no clear. The acknowledgement is as it was; a snooze is over.
--     SELECT * FROM buybox_reopen_alert(17, who => 'ann');
CREATE OR REPLACE FUNCTION buybox_reopen_alert(
    alert_id bigint,
    who      text,
    at       timestamptz DEFAULT now()
)
    RETURNS TABLE (alert_id bigint, done boolean, code text, message text)
    LANGUAGE sql
    SECURITY DEFINER
    SET search_path = public, pg_temp
AS $$
    SELECT * FROM buybox_act_on_alert('reopen', alert_id, who, at);
$$;
REVOKE EXECUTE ON FUNCTION buybox_reopen_alert FROM public;
