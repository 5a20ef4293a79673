-- Courier: it failed and is tried again. Only the worker that holds it may say so.
UPDATE alert_deliveries AS d
SET status = 'queued', next_attempt_at = %(at)s::timestamptz, reason = %(reason)s::text,
    failures = %(failures)s::integer, error_class = %(error_class)s::text,
    last_error = %(error)s::text
WHERE d.id = %(id)s::bigint AND d.status = 'sending' AND d.attempts = %(attempt)s::integer
