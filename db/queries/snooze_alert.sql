-- A person wants quiet about an alert for a while; says what came of it.
SELECT alert_id, done, code, message
FROM buybox_snooze_alert(
    %(alert_id)s::bigint, %(who)s::text, %(length)s::interval, %(now)s::timestamptz
)
