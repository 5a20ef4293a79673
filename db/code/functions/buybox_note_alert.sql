-- What a note changes, or why there is nothing to write down. Ended alerts take notes as well.
CREATE OR REPLACE FUNCTION buybox_judge_note(
    p_alert     alerts,
    p_note      text,
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
    IF buybox_is_blank(p_note) THEN
        code := 'empty';
        message := 'The note is empty.';
    ELSIF p_note = p_alert.note THEN
        code := 'unchanged';
        message := 'The note says that already.';
    ELSE
        code := 'noted';
        message := p_note;
        changes := jsonb_build_object('note', p_note);
        ended := CASE WHEN p_alert.note <> '' THEN '{note}' END;
    END IF;
END;
$$;
REVOKE EXECUTE ON FUNCTION buybox_judge_note FROM public;

-- A person writes something down, in place of the note before, which stays in alert_events.
--     SELECT * FROM buybox_note_alert(17, who => 'ann', note => 'a new rival, FBA, no reviews');
CREATE OR REPLACE FUNCTION buybox_note_alert(
    alert_id bigint,
    who      text,
    note     text,
    at       timestamptz DEFAULT now()
)
    RETURNS TABLE (alert_id bigint, done boolean, code text, message text)
    LANGUAGE sql
    SECURITY DEFINER
    SET search_path = public, pg_temp
AS $$
    SELECT * FROM buybox_act_on_alert('note', alert_id, who, at, p_text => note);
$$;
REVOKE EXECUTE ON FUNCTION buybox_note_alert FROM public;
