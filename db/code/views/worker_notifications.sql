CREATE VIEW ops.worker_notifications AS
SELECT n.*, b.body, b.facts
FROM worker_notifications AS n
LEFT JOIN notification_bodies AS b
    ON b.notification_id = n.id AND b.received_on = n.received_on;
COMMENT ON VIEW ops.worker_notifications IS
    'Open it to follow one message: everything known about each notification, with its raw body
while that is kept. Filter by message_id or notification_id; or by trace_id or product_key, but then
with "received_at > ..." too, or all that was ever received is read.';
