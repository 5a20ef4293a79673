-- Re-assessment: what the newest messages of some states said. No row where retention dropped it.
SELECT n.id, b.facts::text AS facts
FROM worker_notifications AS n
JOIN notification_bodies AS b ON b.notification_id = n.id AND b.received_on = n.received_on
WHERE n.id = ANY (%(row_ids)s::bigint[]) AND b.facts IS NOT NULL
