-- Dispatch: which messages of the queues a delivery carries.
INSERT INTO alert_delivery_items (delivery_id, queue_id)
SELECT i.delivery_id, i.queue_id
FROM unnest(%(delivery_id)s::bigint[], %(queue_id)s::bigint[]) AS i (delivery_id, queue_id)
ON CONFLICT DO NOTHING
