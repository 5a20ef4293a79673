-- The numbers on the dashboard's tabs.
SELECT count(*) FILTER (WHERE active AND severity = 'critical') AS critical,
       count(*) FILTER (WHERE active AND severity = 'high') AS high,
       count(*) FILTER (WHERE active AND severity = 'warning') AS warning,
       count(*) FILTER (WHERE attention <> 'resolved' AND NOT active) AS snoozed,
       count(*) FILTER (WHERE attention = 'resolved') AS resolved
FROM (
    SELECT a.severity,
           a.attention,
           a.attention <> 'resolved'
               AND COALESCE(a.snooze_until <= %(now)s::timestamptz, true) AS active
    FROM alerts AS a
    WHERE a.attention <> 'resolved' OR a.resolved_at > %(resolved_after)s::timestamptz
) AS a
