-- Courier: messages that were no longer worth telling when their delivery went out.
UPDATE alert_queues AS q
SET status = 'suppressed', reason = q.reason || '; ' || m.reason
FROM unnest(%(id)s::bigint[], %(reason)s::text[]) AS m (id, reason)
WHERE q.id = m.id AND q.status = 'queued'
