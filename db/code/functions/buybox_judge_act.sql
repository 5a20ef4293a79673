-- What an act comes to: its change, the reason, the fields that change, and what it ends of what people
-- did before. Or a refusal: its code, a sentence, and no changes. Reads, and writes nothing.
CREATE OR REPLACE FUNCTION buybox_judge_act(
    p_alert     alerts,
    p_act       text,
    p_who       text,
    p_at        timestamptz,
    p_text      text,
    p_length    interval,
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
    _verdict record;
BEGIN
    -- An ended alert takes notes too: that is when people know what it was.
    IF p_alert.attention = 'resolved' AND p_act NOT IN ('note', 'reopen') THEN
        SELECT * INTO _verdict FROM buybox_refuse_ended(p_alert);
    ELSE
        CASE p_act
            WHEN 'acknowledge' THEN
                SELECT * INTO _verdict FROM buybox_judge_acknowledge(p_alert, p_who, p_text, p_at);
            WHEN 'unacknowledge' THEN
                SELECT * INTO _verdict FROM buybox_judge_unacknowledge(p_alert, p_who, p_at);
            WHEN 'assign' THEN
                SELECT * INTO _verdict FROM buybox_judge_assign(p_alert, p_text);
            WHEN 'note' THEN
                SELECT * INTO _verdict FROM buybox_judge_note(p_alert, p_text);
            WHEN 'snooze' THEN
                SELECT * INTO _verdict FROM buybox_judge_snooze(p_alert, p_who, p_length, p_at);
            WHEN 'resolve' THEN
                SELECT * INTO _verdict FROM buybox_judge_resolve(p_alert, p_who, p_at);
            WHEN 'reopen' THEN
                SELECT * INTO _verdict FROM buybox_judge_reopen(p_alert, p_who, p_at);
        END CASE;
    END IF;
    code := _verdict.code;
    message := _verdict.message;
    changes := _verdict.changes;
    ended := _verdict.ended;
END;
$$;
REVOKE EXECUTE ON FUNCTION buybox_judge_act FROM public;
