-- Courier: nothing more is tried, since it failed for good or nothing in it is worth telling any
-- more.
UPDATE alert_deliveries AS d
SET status = %(status)s::text, reason = %(reason)s::text, failures = %(failures)s::integer,
    error_class = %(error_class)s::text, last_error = %(error)s::text
WHERE d.id = %(id)s::bigint AND d.status = 'sending' AND d.attempts = %(attempt)s::integer
