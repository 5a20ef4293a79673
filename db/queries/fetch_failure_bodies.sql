-- The raw bodies of these dead letters, locked, so that two redrives at once do not both take one.
-- And what is left of the notification: no status if its row is gone, no body if retention has
-- dropped it.
SELECT f.id, f.stage, f.message_id, f.raw_body, f.notification_row_id,
       n.status AS notification_status, b.notification_id IS NOT NULL AS has_body
FROM worker_failures AS f
LEFT JOIN worker_notifications AS n ON n.id = f.notification_row_id
LEFT JOIN notification_bodies AS b ON b.notification_id = n.id AND b.received_on = n.received_on
WHERE f.id = ANY (%(ids)s::bigint[])
ORDER BY f.id
FOR UPDATE OF f
