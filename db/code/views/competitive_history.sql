CREATE VIEW ops.competitive_history AS
SELECT h.*, n.trace_id, n.notification_id
FROM competitive_history AS h
LEFT JOIN worker_notifications AS n ON n.id = h.notification_row_id;
COMMENT ON VIEW ops.competitive_history IS
    'Open it to see how a product came to where it stands: one row per analysed message, by
event_time. Add "recorded_at >= ..." to skip old partitions.';
