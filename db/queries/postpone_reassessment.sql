-- Re-assessment: a piece of work failed; the others go first.
UPDATE reassessments
SET due_at = %(due_at)s::timestamptz, failures = failures + 1, last_error = %(error)s::text
WHERE id = %(id)s::bigint
