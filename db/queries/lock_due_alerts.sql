-- Alerts for which time may have something, longest due first. What somebody else has in hand is
-- judged by him, or a minute later.
SELECT a.*
FROM alerts AS a
WHERE a.due_at <= %(now)s::timestamptz
ORDER BY a.due_at
LIMIT %(max_alerts)s::integer
FOR UPDATE SKIP LOCKED
