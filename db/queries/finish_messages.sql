-- Courier: the messages that went out. The first receiver makes a message delivered, and it stays
-- so.
UPDATE alert_queues AS q
SET status = 'delivered', delivered_at = %(now)s::timestamptz
WHERE q.id = ANY (%(ids)s::bigint[]) AND q.status <> 'delivered'
