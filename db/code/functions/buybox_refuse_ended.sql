-- The refusal of an act on an alert that has ended: what ended it, or which alert took its place.
CREATE OR REPLACE FUNCTION buybox_refuse_ended(
    p_alert     alerts,
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
    IF p_alert.resolution = 'superseded' THEN
        code := 'superseded';
        message := format(
            'It became worse: act on the alert%s in its place.', ' #' || p_alert.superseded_by
        );
    ELSE
        code := 'already-resolved';
        message := format(
            'It has ended at %s (%s, %s).',
            buybox_utc_text(p_alert.resolved_at), p_alert.resolution, p_alert.resolved_by
        );
    END IF;
END;
$$;
REVOKE EXECUTE ON FUNCTION buybox_refuse_ended FROM public;
