-- Re-assessment: a piece of work failed; the others go first.
UPDATE reassessments SET due_at = %(due_at)s::timestamptz WHERE id = %(id)s::bigint
