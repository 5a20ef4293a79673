-- A person writes something down about an alert; says what came of it.
SELECT alert_id, done, code, message
FROM buybox_note_alert(%(alert_id)s::bigint, %(who)s::text, %(note)s::text, %(now)s::timestamptz)
