-- Courier: fails the messages of failed deliveries that no other delivery has brought or may still
-- bring.
UPDATE alert_queues AS q
SET status = 'failed', reason = q.reason || '; no receiver took it'
FROM alert_delivery_items AS i
WHERE i.delivery_id = ANY (%(deliveries)s::bigint[]) AND q.id = i.queue_id AND q.status = 'queued'
  AND NOT EXISTS (
      SELECT 1 FROM alert_delivery_items AS other
      JOIN alert_deliveries AS d ON d.id = other.delivery_id
      WHERE other.queue_id = q.id AND d.status IN ('queued', 'sending', 'delivered')
  )
