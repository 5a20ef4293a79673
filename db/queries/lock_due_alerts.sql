-- Alerts that time alone may change by now, longest due first. What somebody else holds is judged
-- by them, or a minute later.
SELECT a.*
FROM alerts AS a
WHERE a.due_at <= %(now)s::timestamptz
ORDER BY a.due_at
LIMIT %(max_alerts)s::integer
FOR UPDATE SKIP LOCKED
