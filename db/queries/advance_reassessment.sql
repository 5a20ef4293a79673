-- Re-assessment: a marketplace is done up to this ASIN, whatever failed on the way.
UPDATE reassessments
SET done_up_to = %(asin)s::text,
    due_at = %(now)s::timestamptz,
    failures = 0,
    last_error = NULL
WHERE id = %(id)s::bigint
