-- What closing by hand changes: the attention only, for nothing says that the condition is over.
CREATE OR REPLACE FUNCTION buybox_judge_resolve(
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
BEGIN
    code := 'resolved';
    message := p_who || ' closed it by hand; nothing says that it is over';
    changes := jsonb_build_object(
        'attention', 'resolved',
        'resolution', 'manual',
        'resolved_at', p_at,
        'resolved_by', p_who,
        'snooze_until', NULL,
        'owed', NULL
    );
    ended := array_remove(
        ARRAY[
            CASE WHEN p_alert.attention = 'reviewing' THEN 'acknowledgement' END,
            CASE WHEN p_alert.snooze_until IS NOT NULL THEN 'snooze' END
        ],
        NULL
    );
END;
$$;
REVOKE EXECUTE ON FUNCTION buybox_judge_resolve FROM public;

-- A person closes the alert. That says nothing about the condition: only data can clear it.
--     SELECT * FROM buybox_resolve_alert(17, who => 'ann');
CREATE OR REPLACE FUNCTION buybox_resolve_alert(
    alert_id bigint,
    who      text,
    at       timestamptz DEFAULT now()
)
    RETURNS TABLE (alert_id bigint, done boolean, code text, message text)
    LANGUAGE sql
    SECURITY DEFINER
    SET search_path = public, pg_temp
AS $$
    SELECT * FROM buybox_act_on_alert('resolve', alert_id, who, at);
$$;
REVOKE EXECUTE ON FUNCTION buybox_resolve_alert FROM public;
