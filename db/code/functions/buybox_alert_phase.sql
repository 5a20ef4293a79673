-- Where an alert stands on both clocks: "high firing/resolved(manual)". The text of alert_events, as
-- Phase writes it (worker/alerts/values.py).
CREATE OR REPLACE FUNCTION buybox_alert_phase(p_alert alerts)
    RETURNS text
    LANGUAGE sql
    IMMUTABLE
    PARALLEL SAFE
AS $$
    SELECT p_alert.severity || ' ' || p_alert.condition || '/' || p_alert.attention
           || COALESCE('(' || p_alert.resolution || ')', '');
$$;
