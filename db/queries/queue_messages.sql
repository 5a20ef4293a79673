-- Messages about alerts, in the queue where each waits or was held back. What is for at once is due
-- by the database's clock as well: whoever dispatches it may have a clock that is behind ours.
INSERT INTO alert_queues (
    queue, reach, alert_id, event_id, fingerprint, marketplace_id, asin, severity, tell, why,
    escalation, scheduled_at, snooze_until, status, reason, created_at
)
SELECT n.queue, n.reach, n.alert_id, n.event_id, a.fingerprint, a.marketplace_id, a.asin,
       n.severity, n.tell, n.why, n.escalation,
       CASE WHEN n.scheduled_at <= %(now)s::timestamptz THEN LEAST(n.scheduled_at, now())
            ELSE n.scheduled_at END,
       n.snooze_until, n.status, n.reason,
       %(now)s::timestamptz
FROM json_populate_recordset(NULL::alert_queues, %(rows)s::json) AS n
JOIN alerts AS a ON a.id = n.alert_id
