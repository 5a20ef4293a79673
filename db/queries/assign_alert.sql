-- A person says whose an alert is, NULL for nobody's; says what came of it.
SELECT alert_id, done, code, message
FROM buybox_assign_alert(
    %(alert_id)s::bigint, %(who)s::text, %(assignee)s::text, %(now)s::timestamptz
)
