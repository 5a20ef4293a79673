-- Messages about alerts, in the queue where each waits or was held back.
INSERT INTO alert_queues (
    queue, reach, alert_id, event_id, fingerprint, marketplace_id, asin, severity, tell, why,
    escalation, scheduled_at, snooze_until, status, reason, created_at
)
SELECT n.queue, n.reach, n.alert_id, n.event_id, a.fingerprint, a.marketplace_id, a.asin,
       n.severity, n.tell, n.why, n.escalation, n.scheduled_at, n.snooze_until, n.status, n.reason,
       %(now)s::timestamptz
FROM json_populate_recordset(NULL::alert_queues, %(rows)s::json) AS n
JOIN alerts AS a ON a.id = n.alert_id
