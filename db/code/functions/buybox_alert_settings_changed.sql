-- The trigger on alert_settings: each due_at was worked out with the earlier settings, so every alert
-- that has one is looked at once more. They are locked in the order of their subjects, as in analyses.
CREATE OR REPLACE FUNCTION buybox_alert_settings_changed()
    RETURNS trigger
    LANGUAGE plpgsql
AS $$
BEGIN
    UPDATE public.alerts AS a
    SET due_at = now()
    WHERE a.id = ANY (
        ARRAY (
            SELECT w.id
            FROM public.alerts AS w
            WHERE w.due_at IS NOT NULL
            ORDER BY w.subject_key, w.id
            FOR UPDATE
        )
    );
    RETURN NULL;
END;
$$;
