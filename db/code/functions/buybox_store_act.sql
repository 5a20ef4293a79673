-- Writes an act that is not refused: the alert, its event, what no longer needs sending, and one bell.
CREATE OR REPLACE FUNCTION buybox_store_act(
    p_before  alerts,
    p_who     text,
    p_at      timestamptz,
    p_change  text,
    p_reason  text,
    p_changes jsonb,
    p_ended   text[]
)
    RETURNS void
    LANGUAGE plpgsql
    SET search_path = public, pg_temp
AS $$
DECLARE
    _after alerts := jsonb_populate_record(p_before, p_changes);
BEGIN
    UPDATE alerts AS a
    SET attention = _after.attention,
        resolution = _after.resolution,
        resolved_at = _after.resolved_at,
        resolved_by = _after.resolved_by,
        acknowledged_by = _after.acknowledged_by,
        acknowledged_at = _after.acknowledged_at,
        assignee = _after.assignee,
        note = _after.note,
        snooze_until = _after.snooze_until,
        snoozed_by = _after.snoozed_by,
        looked_at = COALESCE(p_before.looked_at, p_at),
        waiting_since = _after.waiting_since,
        timeout_from = _after.timeout_from,
        owed = _after.owed,
        -- When time has something to do is for the workers to reckon: they look at once, and set it anew.
        due_at = p_at,
        changed_in = pg_current_xact_id(),
        updated_at = p_at
    WHERE a.id = p_before.id;

    INSERT INTO alert_events (
        alert_id, at, who, change, from_phase, to_phase, reason, quiet, voice_why, ended
    )
    VALUES (
        p_before.id, p_at, p_who, p_change, buybox_alert_phase(p_before),
        buybox_alert_phase(_after), p_reason, 'act-of-a-person', p_who || ' did it and knows',
        COALESCE(p_ended, '{}')
    );

    IF p_change IN ('acknowledged', 'resolved') THEN
        PERFORM buybox_withhold_messages(
            p_before.id, 'suppressed', format('%s by %s before it was sent', p_change, p_who)
        );
    ELSIF p_change = 'snoozed' THEN
        PERFORM buybox_withhold_messages(
            p_before.id, 'snoozed',
            format('snoozed by %s until %s', p_who, buybox_utc_text(_after.snooze_until)),
            _after.snooze_until
        );
    END IF;
    PERFORM buybox_ring_alert_bell(
        ARRAY[p_before.marketplace_id || ':' || p_before.asin], ARRAY[p_before.severity]
    );
END;
$$;
REVOKE EXECUTE ON FUNCTION buybox_store_act FROM public;
