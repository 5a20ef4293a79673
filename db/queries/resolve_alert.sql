-- A person closes an alert; says what came of it.
SELECT alert_id, done, code, message
FROM buybox_resolve_alert(%(alert_id)s::bigint, %(who)s::text, %(now)s::timestamptz)
