-- Courier: the channel took it. Only the worker that holds it may say so.
UPDATE alert_deliveries AS d
SET status = 'delivered', delivered_at = %(now)s::timestamptz, heading = %(heading)s::text,
    reason = %(reason)s::text, message_id = %(message_id)s::text, error_class = NULL, last_error = NULL
WHERE d.id = %(id)s::bigint AND d.status = 'sending' AND d.attempts = %(attempt)s::integer
