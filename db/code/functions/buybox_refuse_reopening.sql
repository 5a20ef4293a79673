-- The refusal of a reopening because the subject has a newer alert, even an ended one: only the newest
-- hears the data, and two must never be open. No row: nothing stands against it.
CREATE OR REPLACE FUNCTION buybox_refuse_reopening(p_alert alerts)
    RETURNS TABLE (code text, message text, changes jsonb, ended text[])
    LANGUAGE sql
    STABLE
    SET search_path = public, pg_temp
AS $$
    SELECT 'superseded',
           format('A newer alert has taken its place: act on #%s.', a.id),
           NULL::jsonb,
           NULL::text[]
    FROM alerts AS a
    WHERE a.subject_key = p_alert.subject_key
      AND (a.id > p_alert.id OR (a.id <> p_alert.id AND a.attention <> 'resolved'))
    ORDER BY a.id DESC
    LIMIT 1;
$$;
REVOKE EXECUTE ON FUNCTION buybox_refuse_reopening FROM public;
