-- Whose an alert is from now on, or why that is refused.
CREATE OR REPLACE FUNCTION buybox_judge_assign(
    p_alert     alerts,
    p_assignee  text,
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
    _is  text := COALESCE(p_assignee || '''s', 'nobody''s');
    _was text := COALESCE(p_alert.assignee || '''s', 'nobody''s');
BEGIN
    IF p_assignee IS NOT NULL AND buybox_is_blank(p_assignee) THEN
        code := 'empty';
        message := 'Say whose it is, or nobody''s.';
    ELSIF p_assignee IS NOT DISTINCT FROM p_alert.assignee THEN
        code := 'unchanged';
        message := format('It is %s already.', _was);
    ELSE
        code := 'assigned';
        message := format('%s, before %s', _is, _was);
        changes := jsonb_build_object('assignee', p_assignee);
        ended := CASE WHEN p_alert.assignee IS NOT NULL THEN '{assignment}' END;
    END IF;
END;
$$;
REVOKE EXECUTE ON FUNCTION buybox_judge_assign FROM public;

-- A person says whose the alert is; NULL is nobody's.
--     SELECT * FROM buybox_assign_alert(17, who => 'ann', assignee => 'bob');
CREATE OR REPLACE FUNCTION buybox_assign_alert(
    alert_id bigint,
    who      text,
    assignee text,
    at       timestamptz DEFAULT now()
)
    RETURNS TABLE (alert_id bigint, done boolean, code text, message text)
    LANGUAGE sql
    SECURITY DEFINER
    SET search_path = public, pg_temp
AS $$
    SELECT * FROM buybox_act_on_alert('assign', alert_id, who, at, p_text => assignee);
$$;
REVOKE EXECUTE ON FUNCTION buybox_assign_alert FROM public;
