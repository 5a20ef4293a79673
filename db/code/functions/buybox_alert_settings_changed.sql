-- The trigger on alert_settings: what is due was worked out by the settings of before, so everything is looked
-- at once more. The alerts are locked in the order of their subjects, as analyses lock them.
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
