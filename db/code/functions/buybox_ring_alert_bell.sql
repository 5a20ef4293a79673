-- Rings the bell of the alerts: "marketplace:ASIN" and severity of what changed, in the same form as the
-- states' bell and cut in the same way. Once per transaction and at its end: NOTIFY takes an
-- instance-wide lock until commit.
CREATE OR REPLACE FUNCTION buybox_ring_alert_bell(p_products text[], p_severities text[])
    RETURNS void
    LANGUAGE sql
    SET search_path = public, pg_temp
AS $$
    SELECT pg_notify('buybox_alerts', buybox_bell_payload(p_products, p_severities));
$$;
REVOKE EXECUTE ON FUNCTION buybox_ring_alert_bell FROM public;
