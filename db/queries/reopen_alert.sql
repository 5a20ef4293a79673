-- A person takes the end of an alert back; says what came of it.
SELECT alert_id, done, code, message
FROM buybox_reopen_alert(%(alert_id)s::bigint, %(who)s::text, %(now)s::timestamptz)
