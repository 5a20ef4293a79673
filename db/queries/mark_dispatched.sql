-- Dispatch: the decision about each message, and its reason.
UPDATE alert_queues AS q
SET dispatched_at = %(now)s::timestamptz,
    status = m.status,
    delivered_at = CASE m.status WHEN 'delivered' THEN %(now)s::timestamptz END,
    reason = q.reason || '; ' || m.reason
FROM unnest(%(id)s::bigint[], %(status)s::text[], %(reason)s::text[]) AS m (id, status, reason)
WHERE q.id = m.id
