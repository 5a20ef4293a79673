-- The offers a product's states were last decided on, as the door read them; none where the body was
-- dropped by retention.
SELECT s.item_condition, s.audience, s.seller_id, n.event_time, b.facts::text AS facts
FROM current_state AS s
JOIN worker_notifications AS n ON n.id = s.notification_row_id
JOIN notification_bodies AS b ON b.notification_id = n.id AND b.received_on = n.received_on
WHERE s.marketplace_id = %(marketplace)s::text
  AND s.asin = %(asin)s::text
  AND b.facts IS NOT NULL
ORDER BY s.audience DESC, s.item_condition, s.seller_id
