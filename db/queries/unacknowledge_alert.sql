-- A person gives an alert back; says what came of it.
SELECT alert_id, done, code, message
FROM buybox_unacknowledge_alert(%(alert_id)s::bigint, %(who)s::text, %(now)s::timestamptz)
