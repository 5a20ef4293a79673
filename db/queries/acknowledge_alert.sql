-- A person takes an alert on; says what came of it.
SELECT alert_id, done, code, message
FROM buybox_acknowledge_alert(
    %(alert_id)s::bigint, %(who)s::text, %(note)s::text, %(now)s::timestamptz
)
