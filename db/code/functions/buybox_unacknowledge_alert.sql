-- What giving an alert back changes, or why that is refused.
CREATE OR REPLACE FUNCTION buybox_judge_unacknowledge(
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
    IF p_alert.attention <> 'reviewing' THEN
        code := 'not-acknowledged';
        message := 'Nobody has acknowledged it.';
        RETURN;
    END IF;
    code := 'unacknowledged';
    message := format('%s gave it back; %s had it', p_who, p_alert.acknowledged_by);
    changes := jsonb_build_object(
        'attention', CASE WHEN p_alert.delivered_at IS NULL THEN 'new' ELSE 'delivered' END,
        'acknowledged_by', NULL,
        'acknowledged_at', NULL,
        'waiting_since', p_at,
        'timeout_from', CASE WHEN p_alert.delivered_at IS NOT NULL THEN p_at END,
        -- Whoever took on a muted alert took on its message too; that is given back with the alert.
        'owed', COALESCE(p_alert.owed, CASE WHEN p_alert.last_told_at IS NULL THEN 'raised' END)
    );
    ended := '{acknowledgement}';
END;
$$;
REVOKE EXECUTE ON FUNCTION buybox_judge_unacknowledge FROM public;

-- A person gives the alert back: it escalates and is told again as if nobody had taken it on.
--     SELECT * FROM buybox_unacknowledge_alert(17, who => 'ann');
CREATE OR REPLACE FUNCTION buybox_unacknowledge_alert(
    alert_id bigint,
    who      text,
    at       timestamptz DEFAULT now()
)
    RETURNS TABLE (alert_id bigint, done boolean, code text, message text)
    LANGUAGE sql
    SECURITY DEFINER
    SET search_path = public, pg_temp
AS $$
    SELECT * FROM buybox_act_on_alert('unacknowledge', alert_id, who, at);
$$;
REVOKE EXECUTE ON FUNCTION buybox_unacknowledge_alert FROM public;
