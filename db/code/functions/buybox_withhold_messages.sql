-- Withholds what waits to be sent about an alert, and cancels each delivery that has nothing left to
-- say. What is being sent at this moment is not recalled: its delivery says how that went. Messages for
-- the history stay: the rollup counts them, and they reach nobody.
CREATE OR REPLACE FUNCTION buybox_withhold_messages(
    p_alert_id     bigint,
    p_status       text,
    p_reason       text,
    p_snooze_until timestamptz DEFAULT NULL
)
    RETURNS void
    LANGUAGE plpgsql
    SET search_path = public, pg_temp
AS $$
DECLARE
    _messages   bigint[];
    _deliveries bigint[];
BEGIN
    SELECT array_agg(w.id)
    INTO _messages
    FROM (
        SELECT q.id
        FROM alert_queues AS q
        WHERE q.alert_id = p_alert_id AND q.status = 'queued' AND q.reach <> 'history'
        ORDER BY q.id
        FOR UPDATE
    ) AS w;
    IF _messages IS NULL THEN
        RETURN;
    END IF;
    UPDATE alert_queues AS q
    SET status = p_status, reason = p_reason, snooze_until = p_snooze_until
    WHERE q.id = ANY (_messages);

    -- Locked before asking what is left: another act may withhold the other items of one of them.
    SELECT array_agg(w.id)
    INTO _deliveries
    FROM (
        SELECT d.id
        FROM alert_deliveries AS d
        WHERE d.status = 'queued'
          AND d.id IN (
              SELECT i.delivery_id FROM alert_delivery_items AS i WHERE i.queue_id = ANY (_messages)
          )
        ORDER BY d.id
        FOR UPDATE
    ) AS w;
    UPDATE alert_deliveries AS d
    SET status = 'cancelled', reason = p_reason, next_attempt_at = NULL
    WHERE d.id = ANY (_deliveries)
      AND NOT EXISTS (
          SELECT 1
          FROM alert_delivery_items AS i
          JOIN alert_queues AS q ON q.id = i.queue_id
          WHERE i.delivery_id = d.id AND q.status = 'queued'
      );
END;
$$;
REVOKE EXECUTE ON FUNCTION buybox_withhold_messages FROM public;
