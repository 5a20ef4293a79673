-- Re-assessment: a piece of work failed, or is counted as such from before its attempt until after it.
UPDATE reassessments
SET due_at = %(due_at)s::timestamptz,
    failures = %(failures)s::integer,
    last_error = %(error)s::text
WHERE id = %(id)s::bigint
