-- The lifecycle's event "delivered", for each alert that is open and reached nobody before: the time
-- after which nobody follows it any longer begins. due_at is now, so the next tick reckons it anew.
WITH reached AS (
    SELECT a.id, a.severity, a.condition, a.attention
    FROM alerts AS a
    WHERE a.id = ANY (%(ids)s::bigint[]) AND a.attention <> 'resolved' AND a.delivered_at IS NULL
    ORDER BY a.id
    FOR NO KEY UPDATE
),
noted AS (
    UPDATE alerts AS a
    SET attention = CASE a.attention WHEN 'new' THEN 'delivered' ELSE a.attention END,
        delivered_at = %(now)s::timestamptz,
        timeout_from = COALESCE(a.timeout_from, %(now)s::timestamptz),
        due_at = LEAST(COALESCE(a.due_at, %(now)s::timestamptz), %(now)s::timestamptz),
        changed_in = pg_current_xact_id(),
        updated_at = %(now)s::timestamptz
    FROM reached AS r
    WHERE a.id = r.id
    RETURNING a.id, a.severity, a.condition, a.attention AS attention_now, r.attention AS attention_before
)
INSERT INTO alert_events (alert_id, at, who, change, from_phase, to_phase, reason, quiet, voice_why)
SELECT n.id, %(now)s::timestamptz, 'delivery', 'delivered',
       n.severity || ' ' || n.condition || '/' || n.attention_before,
       n.severity || ' ' || n.condition || '/' || n.attention_now,
       %(channel)s::text || ' took the message', 'bookkeeping', 'a delivery is no news'
FROM noted AS n
ORDER BY n.id
